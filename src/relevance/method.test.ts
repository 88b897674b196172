// Methods as users write them: what they come to, and what is refused.
import { describe, expect, it } from 'vitest';
import { MethodError } from '../errors.ts';
import { DEFAULT_METHOD, methods, parseMethod } from './method.ts';

const plain = { parameters: {}, stabilizer: 1e-6, bias: 'absorb' };

it('a single rule is that of every layer', () => {
  const { name, rules, first } = parseMethod('zplus');
  expect(name).toBe('zplus');
  expect(rules).toEqual({ convolution: { name: 'zplus', ...plain }, dense: { name: 'zplus', ...plain } });
  expect(first).toBeUndefined();
});

it('the default is flat, then z⁺, then ε', () => {
  expect(parseMethod(DEFAULT_METHOD)).toEqual({
    name: 'epsilon-plus-flat',
    rules: {
      convolution: { name: 'zplus', ...plain },
      dense: { name: 'epsilon', ...plain, parameters: { epsilon: 1e-6 } },
    },
    first: { name: 'flat', ...plain },
  });
});

it('parameters reach the rules that have them', () => {
  const { rules, first } = parseMethod('epsilon-plus-flat: epsilon = 0.25, stabilizer=1e-3 ,bias=ignore');
  expect(rules.dense).toMatchObject({ parameters: { epsilon: 0.25 }, stabilizer: 0.25, bias: 'ignore' });
  expect(rules.convolution).toMatchObject({ stabilizer: 1e-3, bias: 'ignore' });
  expect(first).toMatchObject({ stabilizer: 1e-3, bias: 'ignore' });
  expect(parseMethod('gamma:gamma=2').rules.dense.parameters).toEqual({ gamma: 2 });
  expect(parseMethod('epsilon:epsilon=0').rules.dense.stabilizer).toBe(0);
});

it('a name with its parameters means the method that it came from', () => {
  for (const text of ['gamma:gamma=0.5,bias=ignore', 'epsilon', 'epsilon-plus:stabilizer=0.001']) {
    expect(parseMethod(parseMethod(text).name)).toEqual(parseMethod(text));
  }
});

it('every method that is listed can be read, with every parameter that it lists', () => {
  for (const { name, about, parameters } of methods()) {
    expect(about.length).toBeGreaterThan(10);
    const given = parameters.map((p) => `${p}=${p === 'bias' ? 'ignore' : 0.5}`);
    expect(parseMethod(`${name}:${given.join(',')}`).rules.dense.bias).toBe('ignore');
  }
});

describe('refusals', () => {
  it.each([
    ['lrp', /unknown method "lrp": expected epsilon-plus, epsilon-plus-flat, epsilon, zplus/],
    ['', /unknown method ""/],
    ['norm', /unknown method "norm"/],
    ['toString', /unknown method/],
    [
      'epsilon:gamma=1',
      /method "epsilon" has no parameter "gamma=1": expected bias=absorb, epsilon=0.000001/,
    ],
    ['epsilon:stabilizer=1', /no parameter/],
    ['epsilon:constructor=1', /no parameter/],
    ['gamma:gamma', /no parameter "gamma"/],
    ['gamma:gamma=1=2', /no parameter/],
    ['gamma:gamma=', /gamma of method "gamma": expected a number ≥ 0, got nothing/],
    ['gamma:gamma=much', /got much/],
    ['gamma:gamma=-1', /got -1/],
    ['gamma:gamma=Infinity', /got Infinity/],
    ['gamma:bias=no', /bias of method "gamma": expected absorb or ignore, got no/],
    ['gamma:gamma=1,gamma=2', /"gamma" is given twice/],
  ])('%s', (text, message) => {
    expect(() => parseMethod(text)).toThrow(MethodError);
    expect(() => parseMethod(text)).toThrow(message);
  });
});
