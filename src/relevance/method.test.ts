// Methods as users write them: what they come to, and what is refused.
import { describe, expect, it } from 'vitest';
import { MethodError } from '../errors.ts';
import { DEFAULT_METHOD, type Method, methods, parseMethod, parseTreatment } from './method.ts';
import type { Rule } from './rules.ts';

const plain = { parameters: {}, stabilizer: 1e-6, relative: false, bias: 'absorb' };
const epsilon = { ...plain, name: 'epsilon', parameters: { epsilon: 1e-6 } };

/** The rule that the first clause for a kind of layer, or for a position, gives. */
const ruleOf = ({ clauses }: Method, of: string) =>
  clauses.find((c) => c.position === of || c.kinds?.some((kind) => kind === of))?.treatment as Rule;

it('a single rule is that of every layer with weights', () => {
  expect(parseMethod('zplus')).toEqual({
    name: 'zplus',
    clauses: [
      { kinds: ['convolution'], treatment: { name: 'zplus', ...plain } },
      { kinds: ['dense'], treatment: { name: 'zplus', ...plain } },
    ],
    start: 'logit',
    timesInput: false,
  });
});

it('the default is flat, then z⁺, then ε', () => {
  expect(parseMethod(DEFAULT_METHOD)).toEqual({
    name: 'epsilon-plus-flat',
    clauses: [
      { position: 'first', treatment: { name: 'flat', ...plain } },
      { kinds: ['convolution'], treatment: { name: 'zplus', ...plain } },
      { kinds: ['dense'], treatment: epsilon },
    ],
    start: 'logit',
    timesInput: false,
  });
});

it('parameters reach the rules that have them', () => {
  const method = parseMethod(
    'epsilon-gamma-box: epsilon = 0.25, stabilizer=1e-3 ,bias=ignore,low=-2,high=3,gamma=1',
  );
  expect(ruleOf(method, 'dense')).toMatchObject({
    parameters: { epsilon: 0.25 },
    stabilizer: 0.25,
    bias: 'ignore',
  });
  expect(ruleOf(method, 'convolution')).toMatchObject({
    parameters: { gamma: 1 },
    stabilizer: 1e-3,
    bias: 'ignore',
  });
  expect(ruleOf(method, 'first')).toMatchObject({ parameters: { low: -2, high: 3 }, stabilizer: 1e-3 });
  expect(ruleOf(parseMethod('alpha-beta:alpha=3,beta=2'), 'dense').parameters).toEqual({ alpha: 3, beta: 2 });
  expect(ruleOf(parseMethod('epsilon:epsilon=0'), 'dense').stabilizer).toBe(0);
  expect(ruleOf(parseMethod('lrp-0'), 'dense').stabilizer).toBe(0);
  expect(ruleOf(parseMethod('zplus:relative'), 'dense').relative).toBe(true);
  expect(ruleOf(parseMethod('zplus:relative=false'), 'dense').relative).toBe(false);
  // A box without bounds takes those of the model's input.
  expect(ruleOf(parseMethod('epsilon-gamma-box'), 'first').parameters).toEqual({});
});

it('gradients start from one; loops have their parameters', () => {
  for (const { name, group } of methods()) {
    const { start, loop } = parseMethod(name);
    const fromOne = group === 'gradient' || group === 'loop' || name === 'excitation-backprop';
    expect([name, start]).toEqual([name, fromOne ? 'one' : 'logit']);
    expect([name, loop?.name]).toEqual([name, group === 'loop' ? name : undefined]);
  }
  expect(parseMethod('integrated-gradients:steps=8').loop?.parameters).toEqual({ steps: 8, baseline: 0 });
  expect(parseMethod('smoothgrad:noise=0').loop?.parameters).toEqual({ samples: 32, noise: 0, seed: 0 });
  expect(parseMethod('occlusion:rows=4').loop?.parameters).toEqual({ rows: 4, baseline: 0 });
  expect(parseMethod('input-x-gradient').timesInput).toBe(true);
});

it('a name with its parameters means the method that it came from', () => {
  for (const text of [
    'gamma:gamma=0.5,bias=ignore',
    'epsilon',
    'epsilon-plus:stabilizer=0.001,relative=true',
    'occlusion:rows=3',
  ]) {
    expect(parseMethod(parseMethod(text).name)).toEqual(parseMethod(text));
  }
});

/** A value for each parameter as {@link methods} lists it. */
const VALUES: Readonly<Record<string, string>> = {
  bias: 'bias=ignore',
  relative: 'relative',
  alpha: 'alpha=3',
  beta: 'beta=2',
  low: 'low=-1',
  high: 'high=2',
  rows: 'rows=3',
  columns: 'columns=3',
};

it.each(methods())('$name can be read, with every parameter that it lists', ({ name, about, parameters }) => {
  expect(about.length).toBeGreaterThan(10);
  expect(parseMethod(name).name).toBe(name);
  const given = parameters.map((p) => VALUES[p.split('=')[0]] ?? p);
  const method = parseMethod(`${name}:${given.join(',')}`);
  const keys = (text: string) =>
    text
      .split(/[:,]/)
      .slice(1)
      .map((part) => part.split('=')[0]);
  expect(keys(method.name)).toEqual(parameters.map((p) => p.split('=')[0]));
  expect(parseMethod(method.name)).toEqual(method);
});

it('a composite may name ways through a layer beside the rules', () => {
  expect(parseTreatment('gradient')).toEqual({ name: 'gradient' });
  expect(parseTreatment('first')).toEqual({ name: 'first' });
  expect(parseTreatment('gamma:gamma=0.1')).toMatchObject({ name: 'gamma', parameters: { gamma: 0.1 } });
  expect(() => parseTreatment('gradient:gamma=1')).toThrow(/unknown rule "gradient:gamma=1"/);
  expect(() => parseTreatment('epsilon-plus')).toThrow(
    /unknown rule.*expected epsilon, lrp-0.*guided-backprop/,
  );
});

describe('refusals', () => {
  it.each([
    ['lrp', /unknown method "lrp": expected epsilon-plus-flat, epsilon-plus, .*occlusion, epsilon, lrp-0/],
    ['', /unknown method ""/],
    ['toString', /unknown method/],
    ['constructor', /unknown method/],
    ['first', /unknown method/],
    [
      'epsilon:gamma=1',
      /method "epsilon" has no parameter "gamma=1": expected epsilon=1e-6, relative, bias=absorb\|ignore/,
    ],
    ['epsilon:stabilizer=1', /no parameter/],
    ['epsilon:constructor=1', /no parameter/],
    ['lrp-0:epsilon=1', /no parameter/],
    ['gradient:steps=2', /"gradient" has no parameter "steps=2": expected none/],
    ['gamma:gamma', /no parameter "gamma"/],
    ['gamma:gamma=1=2', /no parameter/],
    ['gamma:gamma=', /gamma of method "gamma": expected a number ≥ 0, got nothing/],
    ['gamma:gamma=much', /got much/],
    ['gamma:gamma=-1', /expected a number ≥ 0, got -1/],
    ['gamma:gamma=Infinity', /got Infinity/],
    ['gamma:gamma=NaN', /got NaN/],
    ['gamma:bias=no', /bias of method "gamma": expected absorb or ignore, got no/],
    ['gamma:relative=yes', /relative of method "gamma": expected false or true, got yes/],
    ['gamma:gamma=1,gamma=2', /"gamma" is given twice/],
    ['epsilon:epsilon=-1e-6', /epsilon of method "epsilon": expected a number ≥ 0, got -1e-6/],
    ['zplus:stabilizer=-1', /expected a number ≥ 0, got -1/],
    ['alpha-beta:alpha=2,beta=2', /parameters of method "alpha-beta": expected alpha − beta = 1, not 2 − 2/],
    ['alpha-beta:alpha=3', /expected alpha − beta = 1, not 3 − 1/],
    ['alpha-beta:alpha=0,beta=-1', /beta of method "alpha-beta": expected a number ≥ 0, got -1/],
    ['alpha2-beta1:alpha=2', /no parameter/],
    ['zbox:low=1,high=1', /expected low below high, not 1 and 1/],
    ['epsilon-gamma-box:low=2,high=1', /expected low below high, not 2 and 1/],
    ['zbox:low=0', /method "zbox": expected high too, got no value/],
    ['zbox:high=0', /method "zbox": expected low too, got no value/],
    ['integrated-gradients:steps=0', /expected a whole number ≥ 1, got 0/],
    ['integrated-gradients:steps=1.5', /expected a whole number ≥ 1, got 1.5/],
    ['smoothgrad:noise=-0.1', /noise of method "smoothgrad": expected a number ≥ 0/],
    ['occlusion:columns=0', /columns of method "occlusion": expected a whole number ≥ 1/],
    ['pass:bias=ignore', /no parameter/],
  ])('%s', (text, message) => {
    expect(() => parseMethod(text)).toThrow(MethodError);
    expect(() => parseMethod(text)).toThrow(message);
  });
});
