// The parts of a layer's inputs, weights and bias that the terms of a rule name, each emitted once, and their signs.
import type { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { int64s, scalar } from '../graph/types.ts';
import type { Facts } from './facts.ts';
import type { Linear, Operand } from './linear.ts';
import type { BiasPart, InputPart, Pool, Rule, WeightPart } from './rules.ts';

/** What is known of a value's sign whatever the input. */
export type Sign = '+' | '-' | '?';

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

/** One term of a pool at one operand. */
export interface Term {
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
export class Parts {
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
