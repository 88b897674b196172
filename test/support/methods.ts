// Methods by Earmark's text or JSON, and what the slow twin takes them for.
import type { Place, TwinMethod, TwinRule } from './lrp-twin.ts';

type Given = Partial<Omit<TwinRule, 'name'>>;

/** A rule, stabilized by 1e-6 unless told. */
export const rule = (name: TwinRule['name'], given: Given = {}): TwinRule => ({
  name,
  stabilizer: 1e-6,
  ...given,
});

/** A rule on every layer with weights. */
function single(name: TwinRule['name'], given: Given = {}): TwinMethod {
  return layered({ convolution: rule(name, given), dense: rule(name, given) });
}

interface Layered {
  readonly convolution: TwinRule;
  readonly dense: TwinRule;
  readonly first?: TwinRule;
}

function layered({ convolution, dense, first }: Layered): TwinMethod {
  const ruleOf = (place: Place) =>
    (place.first && first) ||
    (place.kind === 'convolution' ? convolution : place.kind === 'dense' ? dense : undefined);
  return { rule: ruleOf, activation: 'pass' };
}

const zplus = rule('zplus');
const epsilon = rule('epsilon');
const alpha2beta1 = rule('alpha-beta', { alpha: 2, beta: 1 });

/**
 * Single rules by their text, without a bias parameter. Boxes end at no quarter: where inputs lie on a bound and z is 0, the
 * rule's three maps cancel terms of R/stabilizer, and float32 has nothing left.
 */
const RULES: readonly (readonly [string, TwinRule['name'], Given])[] = [
  ['epsilon', 'epsilon', {}],
  ['epsilon:epsilon=0.25', 'epsilon', { stabilizer: 0.25 }],
  ['epsilon:epsilon=0.1,relative', 'epsilon', { stabilizer: 0.1, relative: true }],
  ['lrp-0', 'epsilon', { stabilizer: 0 }],
  ['zplus', 'zplus', {}],
  ['zplus:stabilizer=0', 'zplus', { stabilizer: 0 }],
  ['alpha2-beta1', 'alpha-beta', { alpha: 2, beta: 1 }],
  ['alpha-beta:alpha=1.5,beta=0.5', 'alpha-beta', { alpha: 1.5, beta: 0.5 }],
  ['alpha-beta:alpha=1,beta=0,stabilizer=0.01', 'alpha-beta', { alpha: 1, beta: 0, stabilizer: 0.01 }],
  ['gamma', 'gamma', { gamma: 0.25 }],
  ['gamma:gamma=2,stabilizer=0.01', 'gamma', { gamma: 2, stabilizer: 0.01 }],
  ['gamma:gamma=0.5,relative,stabilizer=0.05', 'gamma', { gamma: 0.5, relative: true, stabilizer: 0.05 }],
  ['zbox:low=-0.7,high=1.3', 'zbox', { low: -0.7, high: 1.3 }],
  ['wsquare', 'wsquare', {}],
  ['flat', 'flat', {}],
  ['flat:stabilizer=0', 'flat', { stabilizer: 0 }],
];

/** Every method that keeps an account of relevance. */
export const CONSERVING: readonly (readonly [string, TwinMethod])[] = [
  ...RULES.flatMap(([text, name, given]) => [
    [text, single(name, given)] as const,
    [
      `${text}${text.includes(':') ? ',' : ':'}bias=ignore`,
      single(name, { ...given, bias: 'ignore' }),
    ] as const,
  ]),
  ['norm', single('epsilon')],
  ['epsilon-plus', layered({ convolution: zplus, dense: epsilon })],
  ['epsilon-plus-flat', layered({ convolution: zplus, dense: epsilon, first: rule('flat') })],
  [
    'epsilon-plus-flat:epsilon=0.01,stabilizer=0.001,bias=ignore',
    layered({
      convolution: rule('zplus', { stabilizer: 0.001, bias: 'ignore' }),
      dense: rule('epsilon', { stabilizer: 0.01, bias: 'ignore' }),
      first: rule('flat', { stabilizer: 0.001, bias: 'ignore' }),
    }),
  ],
  ['epsilon-alpha2-beta1', layered({ convolution: alpha2beta1, dense: epsilon })],
  ['epsilon-alpha2-beta1-flat', layered({ convolution: alpha2beta1, dense: epsilon, first: rule('flat') })],
  [
    'epsilon-gamma-box:low=-1.1,high=1.2,gamma=0.5,epsilon=0.01',
    layered({
      convolution: rule('gamma', { gamma: 0.5 }),
      dense: rule('epsilon', { stabilizer: 0.01 }),
      first: rule('zbox', { low: -1.1, high: 1.2 }),
    }),
  ],
];

/** Methods that keep none; all start from one. */
export const NOT_CONSERVING: readonly (readonly [string, TwinMethod])[] = [
  [
    'excitation-backprop',
    {
      ...layered({ convolution: zplus, dense: zplus }),
      activation: 'gradient',
      gradient: ['affine', 'product'],
    },
  ],
  ['gradient', { activation: 'gradient' }],
  ['input-x-gradient', { activation: 'gradient', timesInput: true }],
  ['guided-backprop', { activation: 'guided' }],
  ['deconvnet', { activation: 'deconvnet' }],
];

const named = (end: string) => (place: Place) => place.name.endsWith(end);

/** Composites as users write them. */
export const COMPOSITES: readonly (readonly [object, TwinMethod])[] = [
  [
    {
      name: 'by position',
      rules: [
        { position: 'first', rule: 'wsquare' },
        { position: 'last', rule: 'epsilon:epsilon=0.1' },
        { position: 1, rule: 'gamma:gamma=1' },
        { position: -2, rule: 'alpha-beta:alpha=3,beta=2' },
        { kind: 'convolution', rule: 'zplus' },
        { kind: 'dense', rule: 'epsilon:epsilon=0.01' },
      ],
    },
    {
      activation: 'pass',
      rule: ({ first, last, position, count, kind }) => {
        if (position < 0) return undefined;
        if (first) return rule('wsquare');
        if (last) return rule('epsilon', { stabilizer: 0.1 });
        if (position === 1) return rule('gamma', { gamma: 1 });
        if (position === count - 2) return rule('alpha-beta', { alpha: 3, beta: 2 });
        return kind === 'convolution' ? zplus : rule('epsilon', { stabilizer: 0.01 });
      },
    },
  ],
  [
    {
      name: 'by name',
      rules: [
        { name: '*_3', kind: 'convolution', rule: 'flat' },
        { name: 'conv*', rule: 'alpha2-beta1:bias=ignore' },
        { kind: 'convolution', rule: 'gamma' },
        { kind: 'dense', rule: 'zbox:low=-2,high=3' },
      ],
    },
    {
      activation: 'pass',
      rule: (place) => {
        if (place.kind === 'dense') return rule('zbox', { low: -2, high: 3 });
        if (place.kind !== 'convolution') return undefined;
        if (named('_3')(place)) return rule('flat');
        return place.name.startsWith('conv')
          ? rule('alpha-beta', { alpha: 2, beta: 1, bias: 'ignore' })
          : rule('gamma');
      },
    },
  ],
  [
    {
      name: 'other rules for sums and averages',
      rules: [
        { kind: 'sum', rule: 'zplus' },
        { kind: 'average', rule: 'flat' },
        { kind: 'affine', rule: 'gamma:gamma=0.5' },
        { kind: 'convolution', rule: 'epsilon' },
        { kind: 'dense', rule: 'zplus' },
      ],
    },
    {
      activation: 'pass',
      rule: ({ kind }) =>
        ({
          sum: zplus,
          average: rule('flat'),
          affine: rule('gamma', { gamma: 0.5 }),
          convolution: epsilon,
          dense: zplus,
        })[kind as string],
    },
  ],
];
