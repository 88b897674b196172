// One rule on one linear layer: R_in = Σ pools c · Σ terms xₜ ⊙ fᵀ(R_out / s(z); Wₜ), and what was absorbed on the way.
import type { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { int64s, scalar } from '../graph/types.ts';
import type { Facts } from './facts.ts';
import type { Absorbed } from './ledger.ts';
import type { Linear, Operand } from './linear.ts';
import type { BiasPart, InputPart, Pool, Rule, WeightPart } from './rules.ts';
import { poolsOf } from './rules.ts';

type Sign = '+' | '-' | '?';

/** Relevance as it was before max pooling spread it over the winners. */
export interface Unpooled {
  /** What was pooled. */
  readonly from: string;
  /** The pooled values. */
  readonly z: string;
  readonly r: string;
  readonly unpool: (pooled: string) => string;
  /** The same before it is put together, where pooling went in tiles of two. */
  readonly places: (pooled: string) => string[] | undefined;
  /** Puts places together. */
  readonly join: (places: readonly string[]) => string;
}

/** What arrives at a layer. */
export interface Arriving {
  /** The layer's own output Σ f(x; W) + b. */
  readonly z: string;
  /** Its relevance. */
  readonly r: string;
  /** Where a MaxPool alone reads z: a quotient by z itself is the same, and cheaper, before it is spread. */
  readonly unpooled?: Unpooled | undefined;
}

/**
 * @param absorbed where the shares for the ledger go; undefined if none is kept
 * @returns the relevance of each operand; undefined where none arrives
 */
export function propagate(
  g: GraphBuilder,
  layer: Linear,
  arriving: Arriving,
  rule: Rule,
  facts: Facts,
  absorbed: Absorbed | undefined,
): (string | undefined)[] {
  const parts = new Parts(g, layer, rule, facts);
  const gated = facts.gated(arriving.z);
  const pools = poolsOf(rule);
  const shares = layer.operands.map((): string[] => []);
  for (const pool of pools) {
    // Where a ReLU lies above, there is no relevance at z < 0.
    if (gated && pool.where === 'z<0') continue;
    const terms = parts.termsOf(pool);
    const bias = rule.bias === 'ignore' ? undefined : parts.bias(pool.bias);
    if (terms.length === 0 && !bias) continue;
    const total = parts.totalOf(pool);
    const here = total ? { z: arriving.z, r: summed(total, arriving) } : arriving;
    const { ratio, pooled, share, lost } = quotient(g, parts, pool, terms, bias, here, rule, gated);
    if (absorbed) {
      // A map is as large as the layer's output.
      const spread = pooled && layer.bias?.fused === false ? pooled.unpool(ratio) : ratio;
      if (bias) absorbed.bias.push(g.mul(spread, parts.biasField(bias)));
      absorbed.stabilizer.push(...share());
      absorbed.dropped.push(...lost());
    }
    for (const term of terms) shares[term.operand].push(term.back(ratio, pooled));
  }
  if (absorbed && !gated && pools.some((pool) => pool.where)) {
    absorbed.dropped.push(g.where(g.emit('Equal', [arriving.z, 0]), arriving.r, 0));
  }
  return shares.map((own) => (own.length ? own.reduce((sum, share) => g.add(sum, share)) : undefined));
}

/** Relevance summed over outputs that a pool treats alike, before max pooling spreads it where that is less. */
function summed(total: (r: string) => string, { z, r, unpooled }: Arriving): string {
  const places = unpooled?.from === z ? unpooled.places(unpooled.r) : undefined;
  return places && unpooled ? unpooled.join(places.map(total)) : total(r);
}

interface Quotient {
  /** c · R / s(z), of the shape of the layer's output, or of what was pooled from it. */
  readonly ratio: string;
  /** How a ratio of what was pooled gets back to the layer's output. */
  readonly pooled: Unpooled | undefined;
  /** c · R · (s(z) − z) / s(z): what the stabilizer took. */
  readonly share: () => string[];
  /** c · R where z = 0 and nothing stabilizes it. */
  readonly lost: () => string[];
}

function quotient(
  g: GraphBuilder,
  parts: Parts,
  pool: Pool,
  terms: readonly Term[],
  bias: string | undefined,
  { z, r, unpooled }: Arriving,
  rule: Rule,
  gated: boolean,
): Quotient {
  const denominator = parts.sum(pool, terms, bias, z);
  const own = denominator === z;
  const pooled = own && unpooled?.from === z ? unpooled : undefined;
  const from = pooled ?? { z: denominator, r };
  const gatedHere = pool.where && !gated ? gate(g, pool.where, z, r) : from.r;
  // A pool for z > 0 that holds all of z has its sign there. It is z with its bias that decides, as in zennit, so that
  // a pool from which the bias is left out may have any sign.
  const complete = bias !== undefined || !parts.hasBias;
  const oneSided = (pool.where !== undefined && complete) || (gated && own);
  // Without a stabilizer (LRP-0) what is cut off would be 0/0.
  const clamp = oneSided && rule.stabilizer > 0;
  const sign: Sign = clamp ? (pool.where === 'z<0' ? '-' : '+') : parts.sign(pool, terms, bias);
  const epsilon = rule.relative ? g.mul(rootMeanSquare(g, denominator), rule.stabilizer) : rule.stabilizer;
  const stable = stabilize(g, from.z, epsilon, sign, clamp);
  const part = pool.coefficient === 1 ? gatedHere : g.mul(gatedHere, pool.coefficient);
  const ratio = g.div(part, stable.value);
  return {
    ratio,
    pooled,
    share: () => stable.share(ratio),
    lost: () => (stable.isZero ? [g.where(stable.isZero, part, 0)] : []),
  };
}

function gate(g: GraphBuilder, where: 'z>0' | 'z<0', z: string, r: string): string {
  return g.where(g.emit(where === 'z>0' ? 'Greater' : 'Less', [z, 0]), r, 0);
}

/** √(mean z²) over all but the batch. */
function rootMeanSquare(g: GraphBuilder, z: string): string {
  const axes = [...g.shape(z).keys()].slice(1);
  return g.emit('Sqrt', [g.reduceMean(g.mul(z, z), axes)]);
}

interface Stable {
  readonly value: string;
  /** The share of a ratio R/s(z) that the stabilizer takes: R·(s(z) − z)/s(z). */
  readonly share: (ratio: string) => string[];
  /** Where s(z) = 0, and so no relevance goes on. */
  readonly isZero?: string;
}

/**
 * s(z) = z + sg(z)·ε with sg(0) = 1. With the sign known it is one addition; `clamp` removes the wrong sign where only
 * relevance of 0 arrives. Where ε may be 0, so may s(z): R/∞ = 0 stands there for R/0.
 */
function stabilize(g: GraphBuilder, z: string, epsilon: number | string, sign: Sign, clamp: boolean): Stable {
  if (epsilon === 0) {
    const isZero = g.emit('Equal', [z, 0]);
    return { value: g.where(isZero, scalar(Number.POSITIVE_INFINITY), z), share: () => [], isZero };
  }
  if (sign === '?') {
    const [below, above] = typeof epsilon === 'number' ? [-epsilon, epsilon] : [g.neg(epsilon), epsilon];
    const step = g.where(g.emit('Less', [z, 0]), below, above);
    return guarded(g.add(z, step), (ratio) => g.mul(ratio, step));
  }
  const kept = clamp ? (sign === '+' ? g.relu(z) : g.emit('Min', [z, 0])) : z;
  return sign === '+'
    ? guarded(g.add(kept, epsilon), (ratio) => g.mul(ratio, epsilon))
    : guarded(g.sub(kept, epsilon), (ratio) => g.neg(g.mul(ratio, epsilon)));

  function guarded(value: string, share: (ratio: string) => string): Stable {
    if (typeof epsilon === 'number') return { value, share: (ratio) => [share(ratio)] };
    const isZero = g.emit('Equal', [value, 0]);
    const safe = g.where(isZero, scalar(Number.POSITIVE_INFINITY), value);
    return { value: safe, share: (ratio) => [share(ratio)], isZero };
  }
}

/** One term of a pool at one operand. */
interface Term {
  /** Which operand of the layer. */
  readonly operand: number;
  readonly input: InputPart;
  readonly weight: WeightPart;
  /** f(xₜ; Wₜ), and + b where the layer's op adds it. */
  readonly forward: (bias?: string) => string;
  /** xₜ ⊙ fᵀ(ratio; Wₜ) */
  readonly back: (ratio: string, pooled: Unpooled | undefined) => string;
}

/** The parts of inputs, weights and bias that terms name, each emitted once. */
class Parts {
  private readonly g: GraphBuilder;
  private readonly layer: Linear;
  private readonly rule: Rule;
  private readonly facts: Facts;
  private readonly made = new Map<string, string>();

  constructor(g: GraphBuilder, layer: Linear, rule: Rule, facts: Facts) {
    this.g = g;
    this.layer = layer;
    this.rule = rule;
    this.facts = facts;
  }

  get hasBias(): boolean {
    return this.layer.bias !== undefined;
  }

  /** What of a pool there is: x⁻ of an input that is never negative, and W⁻ of weights without, are nothing. */
  termsOf(pool: Pool): Term[] {
    return this.layer.operands.flatMap((operand, i) =>
      pool.terms.flatMap(([input, weight]) => {
        if (input === 'x-' && this.facts.nonNegative(operand.x)) return [];
        const term =
          typeof operand.weight === 'string'
            ? this.weighted(operand, operand.weight, input, weight)
            : this.even(operand, operand.weight, input, weight);
        return term ? [{ operand: i, input, weight, ...term }] : [];
      }),
    );
  }

  private weighted(
    operand: Operand,
    whole: string,
    input: InputPart,
    part: WeightPart,
  ): Pick<Term, 'forward' | 'back'> {
    if (part === '1') return this.flat(operand);
    const weight = this.signed(part, whole, 'W');
    return {
      forward: (bias) => operand.apply(this.input(operand, input), weight, bias),
      back: (ratio, pooled) => {
        const places = operand.adjointOfPlaces && pooled?.places(ratio);
        const back =
          (places && operand.adjointOfPlaces?.(places, weight)) ??
          operand.adjoint(pooled ? pooled.unpool(ratio) : ratio, weight);
        return this.times(operand, input, back);
      },
    };
  }

  /** Of weights that all have one sign and size, a part is a multiple of the whole. */
  private even(
    operand: Operand,
    { sign, divisor = 1 }: Exclude<Operand['weight'], string>,
    input: InputPart,
    part: WeightPart,
  ): Pick<Term, 'forward' | 'back'> | undefined {
    const { g } = this;
    if (part === '1') return this.flat(operand);
    const factor = this.evenFactor(part, sign);
    if (factor === 0) return undefined;
    const scaled = (value: string) => {
      const multiple = factor === 1 ? value : factor === -1 ? g.neg(value) : g.mul(value, factor);
      return part === 'W²' && divisor !== 1 ? g.div(multiple, divisor) : multiple;
    };
    return {
      forward: () => scaled(operand.apply(this.input(operand, input), '')),
      back: (ratio, pooled) =>
        this.times(operand, input, operand.adjoint(scaled(pooled ? pooled.unpool(ratio) : ratio), '')),
    };
  }

  private evenFactor(part: WeightPart, sign: 1 | -1): number {
    const { gamma } = this.rule.parameters;
    const [plus, minus] = [Math.max(sign, 0), Math.min(sign, 0)];
    switch (part) {
      case 'W':
        return sign;
      case 'W+':
        return plus;
      case 'W-':
        return minus;
      case 'W+γW+':
        return sign + gamma * plus;
      case 'W+γW-':
        return sign + gamma * minus;
      default:
        return 1;
    }
  }

  /** How outputs can be summed first where a pool is one of equal weights, whose denominator is the same for them. */
  totalOf({ terms, bias }: Pool): ((r: string) => string) | undefined {
    const [[input, weight], ...more] = terms;
    const [operand, ...others] = this.layer.operands;
    const flat = input === '1' && weight === '1' && bias === '0';
    return flat && more.length + others.length === 0 ? operand.total : undefined;
  }

  private flat(operand: Operand): Pick<Term, 'forward' | 'back'> {
    return {
      forward: () => operand.fanIn(),
      back: (ratio) => operand.spread(ratio),
    };
  }

  private input(operand: Operand, part: InputPart): string {
    const { g } = this;
    const { x } = operand;
    if (part === 'x' || (part === 'x+' && this.facts.nonNegative(x))) return x;
    return this.once(`${operand.index} ${part}`, () => {
      if (part === 'x+') return g.relu(x);
      if (part === 'x-') return g.sub(x, this.input(operand, 'x+'));
      const value = scalar(this.constantOf(part), g.type(x).dtype);
      return g.emit('Expand', [value, int64s([1, ...staticDims(g.shape(x).slice(1), 'the rule')])]);
    });
  }

  private constantOf(part: InputPart): number {
    if (part === '1') return 1;
    return -(part === '-low' ? this.rule.parameters.low : this.rule.parameters.high);
  }

  /** A part of the input, times what comes back to it. */
  private times(operand: Operand, part: InputPart, back: string): string {
    if (operand.perUnit) return this.where(operand, part, back);
    if (!part.startsWith('x')) {
      const constant = this.constantOf(part);
      return constant === 1 ? back : this.g.mul(back, constant);
    }
    return this.g.mul(this.input(operand, part), back);
  }

  /** What comes back to a part of the input, where that part is not 0 for the other sign. */
  private where({ x }: Operand, part: InputPart, back: string): string {
    const { g } = this;
    if (part === 'x' || (part === 'x+' && this.facts.nonNegative(x))) return back;
    return g.where(g.emit(part === 'x+' ? 'Greater' : 'Less', [x, 0]), back, 0);
  }

  bias(part: BiasPart): string | undefined {
    return this.layer.bias === undefined || part === '0'
      ? undefined
      : this.signed(part, this.layer.bias.value, 'b');
  }

  biasField(bias: string): string {
    return this.layer.bias?.field(bias) ?? bias;
  }

  /** w, w⁺, w⁻, w + γw⁺, w + γw⁻ or w² of a weight or bias. */
  private signed(part: string, whole: string, letter: string): string {
    const { g } = this;
    if (part === letter) return whole;
    if (part === `${letter}²`) return this.once(part, () => g.mul(whole, whole));
    const sign = part.at(-1);
    const half = this.once(`${letter}${sign}`, () =>
      sign === '+' ? g.relu(whole) : g.emit('Min', [whole, 0]),
    );
    if (!part.includes('γ')) return half;
    return this.once(part, () => g.add(whole, g.mul(half, this.rule.parameters.gamma)));
  }

  /** z of a pool. */
  sum(pool: Pool, terms: readonly Term[], bias: string | undefined, z: string): string {
    const whole = pool.terms.length === 1 && pool.terms[0][0] === 'x' && pool.terms[0][1] === 'W';
    if (whole && (bias !== undefined || !this.hasBias)) return z;
    const fused =
      this.layer.bias?.fused && bias !== undefined && terms.length > 0 && pool.terms[0][1] !== '1';
    const applied = terms.map((term, i) => term.forward(fused && i === 0 ? bias : undefined));
    if (bias !== undefined && !fused) applied.push(this.biasField(bias));
    return applied.reduce((sum, term) => this.g.add(sum, term));
  }

  /** The sign that a pool's z has whatever the input. */
  sign(pool: Pool, terms: readonly Term[], bias: string | undefined): Sign {
    const signs = new Set<Sign>(
      terms.map(({ operand, input, weight }) =>
        times(
          this.signOfInput(this.layer.operands[operand], input),
          this.signOfWeight(this.layer.operands[operand], weight),
        ),
      ),
    );
    if (bias) signs.add(signOfPart(pool.bias));
    return signs.size === 1 ? ([...signs][0] as Sign) : '?';
  }

  private signOfInput({ x }: Operand, part: InputPart): Sign {
    if (part === 'x') return this.facts.nonNegative(x) ? '+' : '?';
    if (part === '-low' || part === '-high') return this.constantOf(part) >= 0 ? '+' : '-';
    return signOfPart(part);
  }

  private signOfWeight({ weight }: Operand, part: WeightPart): Sign {
    if (typeof weight === 'string') return signOfPart(part);
    return this.evenFactor(part, weight.sign) >= 0 ? '+' : '-';
  }

  private once(key: string, make: () => string): string {
    const made = this.made.get(key) ?? make();
    this.made.set(key, made);
    return made;
  }
}

function signOfPart(part: InputPart | WeightPart | BiasPart): Sign {
  if (part === '1' || part.endsWith('²')) return '+';
  return /^[xWb][+-]$/.test(part) ? (part[1] as Sign) : '?';
}

function times(a: Sign, b: Sign): Sign {
  if (a === '?' || b === '?') return '?';
  return a === b ? '+' : '-';
}
