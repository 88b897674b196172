// Explanation methods by name: presets and single rules as data, and their parameters as people write them.
import { MethodError } from '../errors.ts';
import type { LayerKind } from './kinds.ts';
import { LOOPS, type Loop, type LoopName } from './loop-methods.ts';
import {
  definitionOf,
  PASSAGES,
  type ParameterSpec,
  type PassageName,
  RULES,
  type Rule,
  type RuleName,
  type Treatment,
} from './rules.ts';

/** Which layers a treatment is for; of what is not said, any. */
export interface Selector {
  readonly kinds?: readonly LayerKind[];
  /** The node's name; `*` stands for any text. */
  readonly name?: string;
  /**
   * Among the layers with weights: those that no other feeds ('first'), those that feed no other ('last'), or one by its
   * number in the order of the data, from 0, or from the end, from −1.
   */
  readonly position?: 'first' | 'last' | number;
}

export interface Clause extends Selector {
  readonly treatment: Treatment;
}

/** What a method does at each layer: the first clause that selects a layer says it. */
export interface Method {
  /** The name and the parameters that were given, as {@link parseMethod} reads them. */
  readonly name: string;
  readonly clauses: readonly Clause[];
  /** What the one-hot of the target is multiplied by unless told: its logit, or one. */
  readonly start: 'logit' | 'one';
  /** Whether what arrives at the input is multiplied by it. */
  readonly timesInput: boolean;
  /** Where the method runs a compiled graph many times. */
  readonly loop?: Loop;
}

interface Preset {
  readonly convolution: RuleName | 'gradient';
  readonly dense: RuleName | 'gradient';
  readonly first?: RuleName;
  readonly activation?: PassageName;
  /** Other layers that hand on the gradient. */
  readonly gradient?: readonly LayerKind[];
  readonly start?: 'one';
  readonly timesInput?: boolean;
  readonly loop?: LoopName;
  readonly about: string;
}

const ELEMENTWISE = ['affine', 'activation', 'product', 'other'] as const;
const BY_GRADIENT = {
  convolution: 'gradient',
  dense: 'gradient',
  gradient: ['average', 'sum', ...ELEMENTWISE],
  start: 'one',
} as const;

/** The first ten with zennit's layer maps of the same names. */
const PRESETS = {
  'epsilon-plus-flat': {
    convolution: 'zplus',
    dense: 'epsilon',
    first: 'flat',
    about: 'z⁺ on convolutions, ε on dense layers, flat on the first layer',
  },
  'epsilon-plus': { convolution: 'zplus', dense: 'epsilon', about: 'z⁺ on convolutions, ε on dense layers' },
  'epsilon-alpha2-beta1-flat': {
    convolution: 'alpha2-beta1',
    dense: 'epsilon',
    first: 'flat',
    about: 'α2β1 on convolutions, ε on dense layers, flat on the first layer',
  },
  'epsilon-alpha2-beta1': {
    convolution: 'alpha2-beta1',
    dense: 'epsilon',
    about: 'α2β1 on convolutions, ε on dense layers',
  },
  'epsilon-gamma-box': {
    convolution: 'gamma',
    dense: 'epsilon',
    first: 'zbox',
    about: 'γ on convolutions, ε on dense layers, the box rule on the first layer',
  },
  'excitation-backprop': {
    convolution: 'zplus',
    dense: 'zplus',
    gradient: ELEMENTWISE,
    start: 'one',
    about: 'z⁺ on all layers with weights, from one (Zhang et al. 2016)',
  },
  gradient: { ...BY_GRADIENT, about: '∂f/∂x (Simonyan et al. 2014)' },
  'input-x-gradient': { ...BY_GRADIENT, timesInput: true, about: 'x ⊙ ∂f/∂x (Shrikumar et al. 2016)' },
  'guided-backprop': {
    ...BY_GRADIENT,
    activation: 'guided-backprop',
    about: 'the gradient through ReLUs only where it is positive (Springenberg et al. 2015)',
  },
  deconvnet: {
    ...BY_GRADIENT,
    activation: 'deconvnet',
    about: 'the positive part at each ReLU in place of its gradient (Zeiler and Fergus 2014)',
  },
  'integrated-gradients': {
    ...BY_GRADIENT,
    timesInput: true,
    loop: 'integrated-gradients',
    about: 'the gradient along a line from a baseline, times the way (Sundararajan et al. 2017)',
  },
  smoothgrad: {
    ...BY_GRADIENT,
    loop: 'smoothgrad',
    about: 'the mean gradient under noise on the input (Smilkov et al. 2017)',
  },
  occlusion: {
    ...BY_GRADIENT,
    loop: 'occlusion',
    about: 'how the logit falls when a tile of the input is covered (Zeiler and Fergus 2014)',
  },
} as const satisfies Readonly<Record<string, Preset>>;

export const DEFAULT_METHOD = 'epsilon-plus-flat';

const WORDS = { bias: ['absorb', 'ignore'], relative: ['false', 'true'] } as const;

/** A parameter that a method takes: a number, or one of a few words of which the first is the default. */
type Spec = ParameterSpec | readonly string[];

/** What methods have in common: rules of LRP by layer, one rule on every layer with weights, gradients, many runs. */
export const METHOD_GROUPS = ['preset', 'rule', 'gradient', 'loop'] as const;

/** A method as it is listed. */
export interface MethodEntry {
  readonly name: string;
  readonly group: (typeof METHOD_GROUPS)[number];
  /** What it does, in a line. */
  readonly about: string;
  /** As they are written, with their defaults. */
  readonly parameters: readonly string[];
}

/** Every method by name, with a line on what it does and its parameters with their defaults. */
export function methods(): MethodEntry[] {
  const shown = (preset: Preset) => Object.entries(specsOf(preset)).map(([key, spec]) => showSpec(key, spec));
  return [
    ...Object.entries(PRESETS as Readonly<Record<string, Preset>>).map(
      ([name, preset]): MethodEntry => ({
        name,
        group: preset.loop ? 'loop' : preset.convolution === 'gradient' ? 'gradient' : 'preset',
        about: preset.about,
        parameters: shown(preset),
      }),
    ),
    ...Object.keys(RULES).map(
      (name): MethodEntry => ({
        name,
        group: 'rule',
        about: `${definitionOf(name as RuleName).about} (${definitionOf(name as RuleName).source})`,
        parameters: shown(single(name as RuleName)),
      }),
    ),
  ];
}

function showSpec(key: string, spec: Spec): string {
  if ('length' in spec) return key === 'relative' ? key : `${key}=${spec.join('|')}`;
  return spec.default === undefined ? key : `${key}=${showNumber(spec.default)}`;
}

/** A parameter as people write it: 0.25, 1e-6. */
export function showNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : `${value}`;
}

/** A rule on every layer with weights, as a preset. */
const single = (name: RuleName): Preset => ({ convolution: name, dense: name, about: '' });

function rulesOf({ convolution, dense, first }: Preset): RuleName[] {
  return [convolution, dense, first].filter(
    (name) => name !== undefined && name !== 'gradient',
  ) as RuleName[];
}

/** All parameters that a preset takes: its rules', or its loop's. */
function specsOf(preset: Preset): Record<string, Spec> {
  const specs: Record<string, Spec> = preset.loop ? { ...LOOPS[preset.loop].parameters } : {};
  for (const name of rulesOf(preset)) {
    const { parameters, stabilizer } = definitionOf(name);
    Object.assign(specs, parameters);
    if (stabilizer === 'stabilizer') specs.stabilizer = { default: 1e-6, least: 0 };
    if (stabilizer) specs.relative = WORDS.relative;
    if (name !== 'pass') specs.bias = WORDS.bias;
  }
  return specs;
}

/**
 * Reads a method as users write it: `NAME[:key=value,…]`, such as `gamma:gamma=0.5,bias=ignore`.
 * @throws MethodError for an unknown name, parameter or value, and for values that contradict each other
 */
export function parseMethod(text: string): Method {
  const [name, ...rest] = text.split(':');
  const preset = presetOf(name);
  if (!preset) {
    throw new MethodError({
      what: `unknown method "${name}"`,
      expected: methods()
        .map((m) => m.name)
        .join(', '),
    });
  }
  const { values, listed } = readParameters(rest.join(':'), `method "${name}"`, specsOf(preset));
  const treatment = (kind: RuleName | 'gradient'): Treatment =>
    kind === 'gradient' ? { name: kind } : makeRule(kind, values, name);
  const clauses: Clause[] = [
    ...(preset.first ? [{ position: 'first' as const, treatment: treatment(preset.first) }] : []),
    { kinds: ['convolution'], treatment: treatment(preset.convolution) },
    { kinds: ['dense'], treatment: treatment(preset.dense) },
    ...(preset.activation
      ? [{ kinds: ['activation'] as const, treatment: { name: preset.activation } }]
      : []),
    ...(preset.gradient ? [{ kinds: preset.gradient, treatment: { name: 'gradient' as const } }] : []),
  ];
  return {
    name: [name, listed].filter(Boolean).join(':'),
    clauses,
    start: preset.start ?? 'logit',
    timesInput: preset.timesInput ?? false,
    ...(preset.loop && { loop: { name: preset.loop, parameters: numbersOf(values) } }),
  };
}

/**
 * Reads a rule or another way through a layer: `NAME[:key=value,…]`.
 * @throws MethodError as {@link parseMethod}
 */
export function parseTreatment(text: string): Treatment {
  const [name, ...rest] = text.split(':');
  if (Object.hasOwn(PASSAGES, name) && rest.length === 0) return { name: name as PassageName };
  if (!Object.hasOwn(RULES, name)) {
    throw new MethodError({
      what: `unknown rule "${text}"`,
      expected: [...Object.keys(RULES), ...Object.keys(PASSAGES)].join(', '),
    });
  }
  const rule = name as RuleName;
  return makeRule(rule, readParameters(rest.join(':'), `rule "${name}"`, specsOf(single(rule))).values, name);
}

function presetOf(name: string): Preset | undefined {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS];
  return Object.hasOwn(RULES, name) ? single(name as RuleName) : undefined;
}

type Values = Readonly<Record<string, number | string | undefined>>;

function makeRule(name: RuleName, values: Values, method: string): Rule {
  const { parameters, stabilizer, contradiction } = definitionOf(name);
  const own = Object.keys(parameters).flatMap((key) =>
    values[key] === undefined ? [] : [[key, values[key] as number]],
  );
  const chosen = Object.fromEntries(own);
  const missing = Object.keys(parameters).filter((key) => values[key] === undefined);
  if (missing.length > 0 && own.length > 0) {
    throw new MethodError({
      what: `method "${method}"`,
      expected: `${missing.join(', ')} too`,
      got: 'no value',
    });
  }
  const wrong = missing.length === 0 && contradiction?.(chosen);
  if (wrong) throw new MethodError({ what: `parameters of method "${method}"`, expected: wrong });
  return {
    name,
    parameters: chosen,
    stabilizer: stabilizer ? (values[stabilizer] as number) : 0,
    relative: values.relative === 'true',
    bias: values.bias === 'ignore' ? 'ignore' : 'absorb',
  };
}

function numbersOf(values: Values): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => typeof v === 'number')) as Record<
    string,
    number
  >;
}

function readParameters(
  text: string,
  where: string,
  specs: Readonly<Record<string, Spec>>,
): { values: Values; listed: string } {
  const given = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => readParameter(part, where, specs));
  const twice = given.find(([key], i) => given.findIndex(([other]) => other === key) < i);
  if (twice) throw new MethodError(`${where}: parameter "${twice[0]}" is given twice`);
  const defaults = Object.entries(specs).map(([key, spec]) => [
    key,
    'length' in spec ? spec[0] : spec.default,
  ]);
  return {
    values: { ...Object.fromEntries(defaults), ...Object.fromEntries(given) },
    listed: given.map(([key, value]) => `${key}=${value}`).join(','),
  };
}

function readParameter(
  part: string,
  where: string,
  specs: Readonly<Record<string, Spec>>,
): [string, number | string] {
  const [key, value = key === 'relative' ? 'true' : undefined, ...more] = part
    .split('=')
    .map((s) => s.trim());
  if (!Object.hasOwn(specs, key) || value === undefined || more.length > 0) {
    throw new MethodError({
      what: `${where} has no parameter "${part}"`,
      expected:
        Object.entries(specs)
          .map(([name, spec]) => showSpec(name, spec))
          .join(', ') || 'none',
    });
  }
  const spec = specs[key];
  if ('length' in spec) {
    if (!spec.includes(value)) {
      throw new MethodError({ what: `${key} of ${where}`, expected: spec.join(' or '), got: value });
    }
    return [key, value];
  }
  const number = value === '' ? Number.NaN : Number(value);
  const { least = Number.NEGATIVE_INFINITY, whole = false } = spec;
  if (!Number.isFinite(number) || number < least || (whole && !Number.isInteger(number))) {
    const kind = whole ? 'a whole number' : 'a number';
    throw new MethodError({
      what: `${key} of ${where}`,
      expected: least === Number.NEGATIVE_INFINITY ? kind : `${kind} ≥ ${least}`,
      got: value || 'nothing',
    });
  }
  return [key, number];
}
