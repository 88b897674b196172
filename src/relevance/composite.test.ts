// Composites: which layer of a real graph takes which clause, and what is refused.
import { describe, expect, it } from 'vitest';
import { MethodError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, tensor } from '../graph/types.ts';
import { assign } from './assign.ts';
import { compile } from './compile.ts';
import { type Composite, parseComposite } from './composite.ts';
import { parseMethod } from './method.ts';

/** conv a → Relu → conv b → + ← a → pooled → fc → out, and a product of two computed values. */
function residual(): Graph {
  const g = new GraphBuilder();
  const weights = (...dims: number[]) =>
    tensor(new Float32Array(dims.reduce((a, b) => a * b)).fill(0.5), dims);
  const a = g.emit(
    'Conv',
    [g.input('x', 'float32', ['N', 1, 4, 4]), weights(2, 1, 3, 3)],
    { pads: [1, 1, 1, 1] },
    'block1/a',
  );
  const b = g.emit('Conv', [g.emit('Relu', [a], {}, 'relu'), weights(2, 2, 1, 1)], {}, 'block1/b');
  const sum = g.emit('Add', [a, b], {}, 'join');
  const both = g.emit('Mul', [sum, a], {}, 'both');
  const pooled = g.emit('Flatten', [g.emit('GlobalAveragePool', [both], {}, 'pool')], {}, 'flat');
  const hidden = g.emit('Gemm', [pooled, weights(3, 2)], { transB: 1 }, 'fc');
  g.output(g.emit('Gemm', [hidden, weights(2, 3)], { transB: 1 }, 'out'));
  return g.build('residual');
}

const graph = residual();
const product = { name: 'both', rule: 'halves' };

/** The treatment of each node by its name. */
function chosen(composite: Composite): Record<string, string | undefined> {
  const assignments = assign(graph, parseComposite(composite));
  return Object.fromEntries(graph.nodes.map((n) => [n.name, assignments.get(n.outputs[0])?.treatment?.name]));
}

it('what no clause is for takes its default', () => {
  expect(chosen({ rules: [{ kind: ['convolution', 'dense'], rule: 'zplus' }] })).toEqual({
    'block1/a': 'zplus',
    relu: 'pass',
    'block1/b': 'zplus',
    join: 'norm',
    both: undefined,
    pool: 'norm',
    flat: undefined,
    fc: 'zplus',
    out: 'zplus',
  });
});

it.each<[string, Composite['rules'], Record<string, string>]>([
  [
    'the first that fits counts',
    [
      { name: '*', kind: 'dense', rule: 'epsilon' },
      { kind: 'dense', rule: 'zplus' },
    ],
    { fc: 'epsilon', out: 'epsilon' },
  ],
  [
    'a name with a pattern',
    [{ name: 'block1/*', rule: 'gamma' }],
    { 'block1/a': 'gamma', 'block1/b': 'gamma' },
  ],
  [
    'a pattern is no regular expression',
    [
      { name: 'block1.a', rule: 'gamma' },
      { name: '*/a', rule: 'flat' },
    ],
    { 'block1/a': 'flat' },
  ],
  [
    'first and last',
    [
      { position: 'first', rule: 'flat' },
      { position: 'last', rule: 'lrp-0' },
    ],
    { 'block1/a': 'flat', out: 'lrp-0' },
  ],
  [
    'numbers from both ends',
    [
      { position: 1, rule: 'flat' },
      { position: -2, rule: 'wsquare' },
    ],
    { 'block1/b': 'flat', fc: 'wsquare' },
  ],
  [
    'all that is said must fit',
    [
      { position: 'first', kind: 'dense', rule: 'flat' },
      { kind: 'convolution', position: 'first', rule: 'gamma' },
    ],
    { 'block1/a': 'gamma' },
  ],
  [
    'layers without weights',
    [
      { kind: 'sum', rule: 'zplus' },
      { name: 'pool', rule: 'flat' },
      { kind: 'activation', rule: 'gradient' },
    ],
    { join: 'zplus', pool: 'flat', relu: 'gradient' },
  ],
  ['a product', [product], { both: 'halves' }],
])('%s', (_, rules, expected) => {
  const all = chosen({ base: 'epsilon-alpha2-beta1', rules });
  const base = { 'block1/a': 'alpha2-beta1', 'block1/b': 'alpha2-beta1', fc: 'epsilon', out: 'epsilon' };
  const usual = { relu: 'pass', join: 'norm', pool: 'norm', both: undefined, flat: undefined };
  expect(all).toEqual({ ...base, ...usual, ...expected });
});

it('name, start and the input as a factor come from the composite, then from its base', () => {
  const rules = [{ kind: 'dense', rule: 'epsilon' }] as const;
  expect(parseComposite({ rules: [...rules] })).toMatchObject({
    name: 'composite',
    start: 'logit',
    timesInput: false,
  });
  expect(parseComposite({ name: 'mine', base: 'input-x-gradient', rules: [...rules] })).toMatchObject({
    name: 'mine',
    start: 'one',
    timesInput: true,
  });
  expect(parseComposite({ base: 'gradient', start: 'logit', rules: [...rules] }).start).toBe('logit');
});

it('a composite that says what a preset does gives the same graph', () => {
  const own = parseComposite({
    name: 'epsilon-plus-flat',
    rules: [
      product,
      { position: 'first', rule: 'flat' },
      { kind: 'convolution', rule: 'zplus' },
      { kind: 'dense', rule: 'epsilon' },
    ],
  });
  const preset = parseMethod('epsilon-plus-flat');
  const method = { ...preset, clauses: [...own.clauses.slice(0, 1), ...preset.clauses] };
  expect(compile(graph, { method: own }).graph).toEqual(compile(graph, { method }).graph);
});

describe('refusals', () => {
  const dense = { kind: 'dense', rule: 'epsilon' };
  it.each<[unknown, RegExp]>([
    [null, /mine.json: value: .*expected object/],
    [[], /expected object, received array/],
    [{}, /mine.json: rules: .*expected array/],
    [{ rules: [] }, /rules: .*Write \{"rules"/],
    [{ rules: [dense], colour: 1 }, /colour/],
    [{ rules: [{ ...dense, colour: 1 }] }, /rules.0: .*colour/],
    [{ rules: [dense, { rule: 'epsilon' }] }, /rules.1: a kind, name or position says/],
    [{ rules: [{ kind: 'dense' }] }, /rules.0.rule: /],
    [
      { rules: [{ kind: 'conv', rule: 'epsilon' }] },
      /rules.0.kind: expected one or several of convolution, dense/,
    ],
    [{ rules: [{ kind: [], rule: 'epsilon' }] }, /rules.0.kind: /],
    [
      { rules: [{ position: 1.5, rule: 'flat' }] },
      /rules.0.position: expected first, last or a whole number/,
    ],
    [
      { rules: [{ kind: 'dense', rule: 'epsilonn' }] },
      /mine.json: rules.0: unknown rule "epsilonn": expected epsilon, lrp-0/,
    ],
    [
      { rules: [dense, { kind: 'dense', rule: 'gamma:gamma=-1' }] },
      /mine.json: rules.1: gamma of rule "gamma": expected a number ≥ 0/,
    ],
    [{ rules: [{ kind: 'dense', rule: 'alpha-beta:alpha=3' }] }, /alpha − beta = 1/],
    [{ base: 'lrp', rules: [dense] }, /mine.json: base: unknown method "lrp"/],
    [{ base: 'occlusion', rules: [dense] }, /base "occlusion": expected a method of one pass/],
    [{ start: 'two', rules: [dense] }, /start: /],
    [{ name: '', rules: [dense] }, /name: /],
  ])('%j', (value, message) => {
    expect(() => parseComposite(value, 'mine.json')).toThrow(MethodError);
    expect(() => parseComposite(value, 'mine.json')).toThrow(message);
  });

  it.each<[string, Composite['rules'], RegExp]>([
    [
      'a rule for a rearrangement',
      [{ name: 'flat', rule: 'epsilon' }],
      /Flatten "flat" cannot take "epsilon": expected one of gradient/,
    ],
    [
      'a rule for an activation',
      [{ name: 'relu', rule: 'zplus' }],
      /Relu "relu" cannot take "zplus": expected one of pass, gradient, guided-backprop/,
    ],
    ['a way for products at a sum', [{ kind: 'sum', rule: 'first' }], /Add "join" cannot take "first"/],
    [
      'a box without bounds',
      [{ position: 'first', rule: 'zbox' }],
      /box rule at Conv "block1\/a" needs the range/,
    ],
  ])('%s', (_, rules, message) => {
    const method = parseComposite({ rules: [...rules, product] });
    expect(() => compile(graph, { method })).toThrow(MethodError);
    expect(() => compile(graph, { method })).toThrow(message);
  });

  it('an op without a rule, whose error shows the composite that gives it one', () => {
    const compiled = (rules: Composite['rules']) => () =>
      compile(graph, { method: parseComposite({ rules }) });
    expect(compiled([{ kind: 'dense', rule: 'epsilon' }])).toThrow(/no rule for/);
    expect(compiled([{ kind: ['dense', 'convolution'], rule: 'epsilon' }])).toThrow(
      /no rule for Mul "both".*\{"rules": \[\{"name": "both", "rule": "first"\}/,
    );
    expect(
      compiled([
        { kind: ['dense', 'convolution'], rule: 'epsilon' },
        { name: 'both', rule: 'first' },
      ]),
    ).not.toThrow();
  });
});
