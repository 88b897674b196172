// One rule on one linear layer: R_in = Σ pools c · Σ terms xₜ ⊙ fᵀ(R_out / s(z); Wₜ), and what was absorbed on the way.
import type { GraphBuilder } from '../graph/builder.ts';
import type { Facts } from './facts.ts';
import type { Linear } from './linear.ts';
import type { BiasPart, InputPart, Pool, Rule, WeightPart } from './rules.ts';
import { poolsOf } from './rules.ts';

/** Relevance that does not go on: fields that broadcast against the layer's output, to be summed. */
export interface Absorbed {
  readonly bias: string[];
  readonly stabilizer: string[];
  readonly dropped: string[];
}

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
}

/** What arrives at a layer. */
export interface Arriving {
  /** The layer's own output f(x; W) + b. */
  readonly z: string;
  /** Its relevance. */
  readonly r: string;
  /** Where a MaxPool alone reads z: a quotient by z itself is the same, and cheaper, before it is spread. */
  readonly unpooled?: Unpooled | undefined;
}

/**
 * @param absorbed where the shares for the ledger go; undefined if none is kept
 * @returns the relevance of the layer's input
 */
export function propagate(
  g: GraphBuilder,
  layer: Linear,
  arriving: Arriving,
  rule: Rule,
  facts: Facts,
  absorbed: Absorbed | undefined,
): string {
  const parts = new Parts(g, layer, rule, facts.nonNegative(layer.x));
  const gated = facts.gated(arriving.z);
  const shares = poolsOf(rule).flatMap((pool) => {
    // Where a ReLU lies above, there is no relevance at z < 0.
    if (gated && pool.where === 'z<0') return [];
    const terms = pool.terms.filter(([input]) => parts.exists(input));
    if (terms.length === 0 && pool.bias === '0') return [];
    const bias = rule.bias === 'ignore' ? undefined : parts.bias(pool.bias);
    const { ratio, pooled, share } = quotient(g, parts, pool, terms, bias, arriving, rule, gated);
    if (absorbed && bias) absorbed.bias.push(g.mul(ratio, layer.biasField(bias)));
    absorbed?.stabilizer.push(share());
    return terms.map(([input, weight]) =>
      input === '1'
        ? layer.spread(ratio)
        : g.mul(parts.input(input), adjoint(layer, ratio, pooled, parts.weight(weight))),
    );
  });
  if (absorbed && !gated && poolsOf(rule).some((pool) => pool.where)) {
    absorbed.dropped.push(g.where(g.emit('Equal', [arriving.z, 0]), arriving.r, 0));
  }
  return shares.reduce((sum, share) => g.add(sum, share));
}

interface Quotient {
  /** c · R / s(z), of the shape of the layer's output, or of what was pooled from it. */
  readonly ratio: string;
  /** How a ratio of what was pooled gets back to the layer's output. */
  readonly pooled: Unpooled | undefined;
  /** c · R · (s(z) − z) / s(z): what the stabilizer took. */
  readonly share: () => string;
}

function quotient(
  g: GraphBuilder,
  parts: Parts,
  pool: Pool,
  terms: Pool['terms'],
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
  const whole = bias !== undefined || !parts.hasBias;
  const oneSided = (pool.where !== undefined && whole) || (gated && own);
  // Without a stabilizer (LRP-0) what is cut off would be 0/0.
  const clamp = oneSided && rule.stabilizer > 0;
  const sign: Sign = clamp ? (pool.where === 'z<0' ? '-' : '+') : parts.sign(pool, terms, bias);
  const stable = stabilize(g, from.z, rule.stabilizer, sign, clamp);
  const ratio = g.div(pool.coefficient === 1 ? gatedHere : g.mul(gatedHere, pool.coefficient), stable.value);
  return { ratio, pooled, share: () => stable.share(ratio) };
}

function adjoint(layer: Linear, ratio: string, pooled: Unpooled | undefined, weight: string): string {
  if (!pooled) return layer.adjoint(ratio, weight);
  const places = layer.adjointOfPlaces && pooled.places(ratio);
  return (places && layer.adjointOfPlaces?.(places, weight)) ?? layer.adjoint(pooled.unpool(ratio), weight);
}

function gate(g: GraphBuilder, where: 'z>0' | 'z<0', z: string, r: string): string {
  return g.where(g.emit(where === 'z>0' ? 'Greater' : 'Less', [z, 0]), r, 0);
}

/**
 * s(z) = z + sg(z)·ε with sg(0) = 1, and the share of a ratio R/s(z) that it takes: R·(s(z) − z)/s(z).
 * With the sign known it is one addition; `clamp` removes the wrong sign where only relevance of 0 arrives.
 */
function stabilize(
  g: GraphBuilder,
  z: string,
  epsilon: number,
  sign: Sign,
  clamp: boolean,
): { value: string; share: (ratio: string) => string } {
  if (sign === '?') {
    const negative = g.emit('Less', [z, 0]);
    return {
      value: g.where(negative, g.sub(z, epsilon), g.add(z, epsilon)),
      share: (ratio) => g.mul(g.where(negative, g.neg(ratio), ratio), epsilon),
    };
  }
  const step = sign === '+' ? epsilon : -epsilon;
  const kept = clamp ? (sign === '+' ? g.relu(z) : g.emit('Min', [z, 0])) : z;
  return { value: g.add(kept, step), share: (ratio) => g.mul(ratio, step) };
}

/** The parts of input, weight and bias that terms name, each emitted once. */
class Parts {
  private readonly g: GraphBuilder;
  private readonly layer: Linear;
  private readonly rule: Rule;
  private readonly nonNegative: boolean;
  private readonly made = new Map<string, string>();

  constructor(g: GraphBuilder, layer: Linear, rule: Rule, nonNegative: boolean) {
    this.g = g;
    this.layer = layer;
    this.rule = rule;
    this.nonNegative = nonNegative;
  }

  get hasBias(): boolean {
    return this.layer.bias !== undefined;
  }

  /** x⁻ of an input that is never negative does not exist. */
  exists(part: InputPart): boolean {
    return !(this.nonNegative && part === 'x-');
  }

  input(part: InputPart): string {
    const { g, layer } = this;
    if (part === 'x' || (part === 'x+' && this.nonNegative)) return layer.x;
    return this.once(`input ${part}`, () =>
      part === 'x+' ? g.relu(layer.x) : g.sub(layer.x, this.input('x+')),
    );
  }

  weight(part: WeightPart): string {
    return this.layer.weight === undefined ? '' : this.signed(part, this.layer.weight, 'W');
  }

  bias(part: BiasPart): string | undefined {
    return this.layer.bias === undefined || part === '0'
      ? undefined
      : this.signed(part, this.layer.bias, 'b');
  }

  /** w, w⁺, w⁻, w + γw⁺ or w + γw⁻ of a weight or bias. */
  private signed(part: string, whole: string, letter: string): string {
    const { g } = this;
    if (part === letter) return whole;
    const sign = part.at(-1);
    const half = this.once(`${letter}${sign}`, () =>
      sign === '+' ? g.relu(whole) : g.emit('Min', [whole, 0]),
    );
    if (!part.includes('γ')) return half;
    return this.once(part, () => g.add(whole, g.mul(half, this.rule.parameters.gamma)));
  }

  /** z of a pool. */
  sum(pool: Pool, terms: Pool['terms'], bias: string | undefined, z: string): string {
    const whole = pool.terms.length === 1 && pool.terms[0][0] === 'x' && pool.terms[0][1] === 'W';
    if (whole && (bias !== undefined || this.layer.bias === undefined)) return z;
    const { g, layer } = this;
    const applied = terms.map(([input, weight], i) =>
      input === '1'
        ? layer.fanIn()
        : layer.apply(this.input(input), this.weight(weight), i === 0 ? bias : undefined),
    );
    return applied.reduce((sum, term) => g.add(sum, term));
  }

  /** The sign that a pool's z has whatever the input. */
  sign(pool: Pool, terms: Pool['terms'], bias: string | undefined): Sign {
    const signs = new Set<Sign>(
      terms.map(([input, weight]) => product(this.signOf(input), this.signOf(weight))),
    );
    if (bias) signs.add(this.signOf(pool.bias));
    return signs.size === 1 ? ([...signs][0] as Sign) : '?';
  }

  private signOf(part: InputPart | WeightPart | BiasPart): Sign {
    if (part === '1') return '+';
    if (part === 'x') return this.nonNegative ? '+' : '?';
    if (part === 'W') return this.layer.nonNegative ? '+' : '?';
    return /^[xWb][+-]$/.test(part) ? (part[1] as Sign) : '?';
  }

  private once(key: string, make: () => string): string {
    const made = this.made.get(key) ?? make();
    this.made.set(key, made);
    return made;
  }
}

function product(a: Sign, b: Sign): Sign {
  if (a === '?' || b === '?') return '?';
  return a === b ? '+' : '-';
}
