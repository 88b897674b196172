// Explanation methods by name: single rules, presets that map layer kinds to rules, and their parameters as text.
import { MethodError } from '../errors.ts';
import type { Parameters, Rule, RuleDefinition, RuleName } from './rules.ts';
import { RULES } from './rules.ts';

/** The layer kinds that a preset tells apart; the first layer is the first in data flow. */
export type LayerKind = 'convolution' | 'dense';

/** What a method does with each linear layer. */
export interface Method {
  /** The name and the parameters that were given, as `parseMethod` reads them. */
  readonly name: string;
  readonly rules: Readonly<Record<LayerKind, Rule>>;
  readonly first?: Rule;
}

interface Preset {
  readonly convolution: RuleName;
  readonly dense: RuleName;
  readonly first?: RuleName;
  readonly about: string;
}

/** Presets, as zennit's composites of the same names. */
const PRESETS: Readonly<Record<string, Preset>> = {
  'epsilon-plus': { convolution: 'zplus', dense: 'epsilon', about: 'z⁺ on convolutions, ε on dense layers' },
  'epsilon-plus-flat': {
    convolution: 'zplus',
    dense: 'epsilon',
    first: 'flat',
    about: 'z⁺ on convolutions, ε on dense layers, flat on the first layer',
  },
};

const SINGLE: readonly RuleName[] = ['epsilon', 'zplus', 'alpha2-beta1', 'gamma', 'flat'];

export const DEFAULT_METHOD = 'epsilon-plus-flat';

/** Every method by name, with a line on what it does. */
export function methods(): { name: string; about: string; parameters: string[] }[] {
  return [
    ...Object.entries(PRESETS).map(([name, preset]) => ({
      name,
      about: preset.about,
      parameters: Object.keys(parametersOf(preset)),
    })),
    ...SINGLE.map((name) => ({
      name,
      about: `the ${name} rule on every Conv, Gemm and MatMul (${RULES[name].source})`,
      parameters: Object.keys(parametersOf({ convolution: name, dense: name })),
    })),
  ];
}

/** All parameters that the rules of a preset take, with defaults. */
function parametersOf(preset: Omit<Preset, 'about'>): Record<string, number | string> {
  const names = [preset.convolution, preset.dense, preset.first].filter((name) => name !== undefined);
  const own: Record<string, number | string> = { bias: 'absorb' };
  for (const name of names) {
    const rule: RuleDefinition = RULES[name];
    Object.assign(own, rule.parameters);
    if (rule.stabilizer === 'stabilizer') own.stabilizer = 1e-6;
  }
  return own;
}

/**
 * Reads a method as users write it: `NAME[:key=value,…]`, such as `gamma:gamma=0.5,bias=ignore`.
 * @throws MethodError for an unknown name, parameter or value
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
  const defaults = parametersOf(preset);
  const read = rest
    .join(':')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => readParameter(part, name, defaults));
  const twice = read.find(([key], i) => read.findIndex(([other]) => other === key) < i);
  if (twice) throw new MethodError(`method "${name}": parameter "${twice[0]}" is given twice`);
  const given = Object.fromEntries(read);
  const values = { ...defaults, ...given };
  const rule = (ruleName: RuleName): Rule => {
    const definition: RuleDefinition = RULES[ruleName];
    const own = Object.keys(definition.parameters).map((key) => [key, values[key] as number]);
    const parameters: Parameters = Object.fromEntries(own);
    return {
      name: ruleName,
      parameters,
      stabilizer: values[definition.stabilizer] as number,
      bias: values.bias as Rule['bias'],
    };
  };
  const listed = Object.entries(given).map(([key, value]) => `${key}=${value}`);
  return {
    name: [name, listed.join(',')].filter(Boolean).join(':'),
    rules: { convolution: rule(preset.convolution), dense: rule(preset.dense) },
    ...(preset.first && { first: rule(preset.first) }),
  };
}

/** A preset, or a single rule as one. */
function presetOf(name: string): Omit<Preset, 'about'> | undefined {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name];
  return isSingle(name) ? { convolution: name, dense: name } : undefined;
}

function isSingle(name: string): name is RuleName {
  return (SINGLE as readonly string[]).includes(name);
}

function readParameter(
  part: string,
  method: string,
  known: Readonly<Record<string, number | string>>,
): [string, number | string] {
  const [key, value, ...more] = part.split('=').map((s) => s.trim());
  if (!Object.hasOwn(known, key) || value === undefined || more.length > 0) {
    throw new MethodError({
      what: `method "${method}" has no parameter "${part}"`,
      expected: Object.entries(known)
        .map(([k, v]) => `${k}=${v}`)
        .join(', '),
    });
  }
  if (key === 'bias') {
    if (value !== 'absorb' && value !== 'ignore') {
      throw new MethodError({ what: `bias of method "${method}"`, expected: 'absorb or ignore', got: value });
    }
    return [key, value];
  }
  const number = value === '' ? Number.NaN : Number(value);
  if (!Number.isFinite(number) || number < 0) {
    throw new MethodError({
      what: `${key} of method "${method}"`,
      expected: 'a number ≥ 0',
      got: value || 'nothing',
    });
  }
  return [key, number];
}
