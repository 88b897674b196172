// The rules of LRP as data: which parts of input, weight and bias take part, and which share of relevance each pool hands on.

/** Part of a layer's input: x, max(x, 0), min(x, 0), or ones at every real position. */
export type InputPart = 'x' | 'x+' | 'x-' | '1';
/** Part of its weights; γ is the rule's parameter. */
export type WeightPart = 'W' | 'W+' | 'W-' | 'W+γW+' | 'W+γW-' | '1';
/** Part of its bias. */
export type BiasPart = 'b' | 'b+' | 'b-' | 'b+γb+' | 'b+γb-' | '0';

/**
 * c · Σ xₜ ⊙ fᵀ(R / s(z); Wₜ) with z = Σ f(xₜ; Wₜ) + b, for the outputs where the layer's own z has the sign `where`.
 * `bias=ignore` leaves b out of every pool's z; the layer's own z keeps it, since the sign asked for is that of what the
 * layer gave (zennit's zero_params does the same). `flat` has no b to leave out.
 */
export interface Pool {
  readonly coefficient: number;
  readonly terms: readonly (readonly [InputPart, WeightPart])[];
  readonly bias: BiasPart;
  readonly where?: 'z>0' | 'z<0';
}

export type Parameters = Readonly<Record<string, number>>;

export interface RuleDefinition {
  /** The rule's own parameters beside `stabilizer` and `bias`, with their defaults. */
  readonly parameters: Parameters;
  /** R_in = Σ pools. */
  readonly pools: (parameters: Parameters) => readonly Pool[];
  /** Which parameter stabilizes the denominator: s(z) = z + sg(z)·value, sg(0) = 1. */
  readonly stabilizer: 'stabilizer' | 'epsilon';
  readonly source: string;
}

const positive = {
  terms: [
    ['x+', 'W+'],
    ['x-', 'W-'],
  ],
  bias: 'b+',
} as const;
const negative = {
  terms: [
    ['x+', 'W-'],
    ['x-', 'W+'],
  ],
  bias: 'b-',
} as const;

export const RULES = {
  epsilon: {
    parameters: { epsilon: 1e-6 },
    stabilizer: 'epsilon',
    pools: () => [{ coefficient: 1, terms: [['x', 'W']], bias: 'b' }],
    source: 'Bach et al. 2015, eq. 58',
  },
  zplus: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, ...positive }],
    source: 'Montavon et al. 2017, for inputs of either sign',
  },
  'alpha2-beta1': {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [
      { coefficient: 2, ...positive },
      { coefficient: -1, ...negative },
    ],
    source: 'Bach et al. 2015, eq. 60, with α = 2 and β = 1',
  },
  gamma: {
    parameters: { gamma: 0.25 },
    stabilizer: 'stabilizer',
    pools: () => [
      {
        coefficient: 1,
        terms: [
          ['x+', 'W+γW+'],
          ['x-', 'W+γW-'],
        ],
        bias: 'b+γb+',
        where: 'z>0',
      },
      {
        coefficient: 1,
        terms: [
          ['x+', 'W+γW-'],
          ['x-', 'W+γW+'],
        ],
        bias: 'b+γb-',
        where: 'z<0',
      },
    ],
    source: 'Montavon et al. 2019, generalised to outputs and inputs of either sign',
  },
  flat: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, terms: [['1', '1']], bias: '0' }],
    source: 'Lapuschkin et al. 2019',
  },
  norm: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, terms: [['x', 'W']], bias: 'b' }],
    source: 'ε rule for layers without weights of their own',
  },
} as const satisfies Record<string, RuleDefinition>;

export type RuleName = keyof typeof RULES;

/** A rule with its parameters chosen. */
export interface Rule {
  readonly name: RuleName;
  readonly parameters: Parameters;
  /** Added to the size of every denominator. */
  readonly stabilizer: number;
  /** Whether the bias takes its share of relevance or is left out of the denominator. */
  readonly bias: 'absorb' | 'ignore';
}

/** The rule of pools, sums and unmerged batch norms in every method. */
export const NORM: Rule = { name: 'norm', parameters: {}, stabilizer: 1e-6, bias: 'absorb' };

export function poolsOf(rule: Rule): readonly Pool[] {
  return (RULES[rule.name] as RuleDefinition).pools(rule.parameters);
}

/** Whether a rule gives no relevance to an input of 0. */
export function isProportional(rule: Rule): boolean {
  return poolsOf(rule).every((pool) => pool.terms.every(([input]) => input !== '1'));
}
