// The rules of LRP as data: which parts of input, weight and bias take part, and which share of relevance each pool hands on.

/** Part of a layer's input: x, max(x, 0), min(x, 0), or a constant at every real position: 1, −low, −high. */
export type InputPart = 'x' | 'x+' | 'x-' | '1' | '-low' | '-high';
/** Part of its weights; γ is the rule's parameter. */
export type WeightPart = 'W' | 'W+' | 'W-' | 'W+γW+' | 'W+γW-' | 'W²' | '1';
/** Part of its bias. */
export type BiasPart = 'b' | 'b+' | 'b-' | 'b+γb+' | 'b+γb-' | 'b²' | '0';

/**
 * c · Σ xₜ ⊙ fᵀ(R / s(z); Wₜ) with z = Σ f(xₜ; Wₜ) + b, for the outputs where the layer's own z has the sign `where`.
 * `bias=ignore` leaves b out of every pool's z; the layer's own z keeps it, since the sign asked for is that of what the
 * layer gave (zennit's zero_params does the same). `flat` and `zbox` have no b to leave out.
 */
export interface Pool {
  readonly coefficient: number;
  readonly terms: readonly (readonly [InputPart, WeightPart])[];
  readonly bias: BiasPart;
  readonly where?: 'z>0' | 'z<0';
}

export type Parameters = Readonly<Record<string, number>>;

/** A parameter of a rule; one without a default has to be given, or comes from what is known of the model's input. */
export interface ParameterSpec {
  readonly default?: number;
  readonly least?: number;
  readonly whole?: boolean;
}

export interface RuleDefinition {
  /** The rule's own parameters beside `stabilizer`, `relative` and `bias`. */
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  /** R_in = Σ pools; none where relevance passes as it is. */
  readonly pools: (parameters: Parameters) => readonly Pool[];
  /** Which parameter stabilizes the denominator: s(z) = z + sg(z)·value, sg(0) = 1; undefined where nothing does. */
  readonly stabilizer: 'stabilizer' | 'epsilon' | undefined;
  /** What must hold among the parameters, in words; undefined where it does. */
  readonly contradiction?: (parameters: Parameters) => string | undefined;
  readonly about: string;
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

const alphaBeta = (alpha: number, beta: number): Pool[] => [
  { coefficient: alpha, ...positive },
  ...(beta === 0 ? [] : [{ coefficient: -beta, ...negative }]),
];
const whole = [{ coefficient: 1, terms: [['x', 'W']], bias: 'b' }] as const satisfies readonly Pool[];

export const RULES = {
  epsilon: {
    parameters: { epsilon: { default: 1e-6, least: 0 } },
    stabilizer: 'epsilon',
    pools: () => whole,
    about: 'in proportion to each contribution',
    source: 'Bach et al. 2015, eq. 58',
  },
  'lrp-0': {
    parameters: {},
    stabilizer: undefined,
    pools: () => whole,
    about: 'the ε rule with ε = 0; relevance at z = 0 is dropped',
    source: 'Bach et al. 2015, eq. 56',
  },
  zplus: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, ...positive }],
    about: 'positive contributions only',
    source: 'Montavon et al. 2017, for inputs of either sign',
  },
  'alpha-beta': {
    parameters: { alpha: { default: 2, least: 0 }, beta: { default: 1, least: 0 } },
    stabilizer: 'stabilizer',
    pools: ({ alpha, beta }) => alphaBeta(alpha, beta),
    contradiction: ({ alpha, beta }) =>
      Math.abs(alpha - beta - 1) < 1e-9 ? undefined : `alpha − beta = 1, not ${alpha} − ${beta}`,
    about: 'α of the positive, −β of the negative contributions',
    source: 'Bach et al. 2015, eq. 60',
  },
  'alpha2-beta1': {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => alphaBeta(2, 1),
    about: 'the αβ rule with α = 2 and β = 1',
    source: 'Bach et al. 2015, eq. 60',
  },
  gamma: {
    parameters: { gamma: { default: 0.25, least: 0 } },
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
    about: 'contributions of the sign of z, raised by γ',
    source: 'Montavon et al. 2019, generalised to outputs and inputs of either sign',
  },
  zbox: {
    parameters: { low: {}, high: {} },
    stabilizer: 'stabilizer',
    pools: () => [
      {
        coefficient: 1,
        terms: [
          ['x', 'W'],
          ['-low', 'W+'],
          ['-high', 'W-'],
        ],
        bias: '0',
      },
    ],
    contradiction: ({ low, high }) => (low < high ? undefined : `low below high, not ${low} and ${high}`),
    about: 'for inputs between low and high',
    source: 'Montavon et al. 2017, eq. 18',
  },
  wsquare: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, terms: [['1', 'W²']], bias: 'b²' }],
    about: 'in proportion to the squared weights',
    source: 'Montavon et al. 2017, eq. 12',
  },
  flat: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => [{ coefficient: 1, terms: [['1', '1']], bias: '0' }],
    about: 'evenly over the inputs',
    source: 'Lapuschkin et al. 2019',
  },
  norm: {
    parameters: {},
    stabilizer: 'stabilizer',
    pools: () => whole,
    about: 'the ε rule, as for layers without weights of their own',
    source: 'Bach et al. 2015, eq. 58',
  },
  pass: {
    parameters: {},
    stabilizer: undefined,
    pools: () => [],
    about: 'relevance as it comes, for layers that keep the shape',
    source: 'identity',
  },
} as const satisfies Record<string, RuleDefinition>;

export type RuleName = keyof typeof RULES;

/** A rule with its parameters chosen. */
export interface Rule {
  readonly name: RuleName;
  readonly parameters: Parameters;
  /** Added to the size of every denominator. */
  readonly stabilizer: number;
  /** Whether the stabilizer is a multiple of the denominator's root mean square over a clip. */
  readonly relative: boolean;
  /** Whether the bias takes its share of relevance or is left out of the denominator. */
  readonly bias: 'absorb' | 'ignore';
}

/** The rule of pools, sums and unmerged batch norms in every method. */
export const NORM: Rule = { name: 'norm', parameters: {}, stabilizer: 1e-6, relative: false, bias: 'absorb' };
/** The rule of activations in LRP. */
export const PASS: Rule = { name: 'pass', parameters: {}, stabilizer: 0, relative: false, bias: 'absorb' };

export function definitionOf(name: RuleName): RuleDefinition {
  return RULES[name];
}

export function poolsOf(rule: Rule): readonly Pool[] {
  return definitionOf(rule.name).pools(rule.parameters);
}

/** Whether a rule gives no relevance to an input of 0. */
export function isProportional(rule: Rule): boolean {
  return poolsOf(rule).every((pool) => pool.terms.every(([input]) => input.startsWith('x')));
}

/** Ways through a layer that are no rules of LRP: they hand on something else than shares of relevance. */
export const PASSAGES = {
  gradient: 'the chain rule',
  'guided-backprop': 'the gradient of a ReLU where it is positive; the plain gradient of other ops',
  deconvnet: 'the positive part at a ReLU; the plain gradient of other ops',
  first: 'the first operand of a product takes all, the second is a gate',
  second: 'the second operand of a product takes all, the first is a gate',
  halves: 'each operand of a product takes half',
} as const;

export type PassageName = keyof typeof PASSAGES;

/** What a method does at a layer. */
export type Treatment = Rule | { readonly name: PassageName };

export function isRule(treatment: Treatment): treatment is Rule {
  return Object.hasOwn(RULES, treatment.name);
}
