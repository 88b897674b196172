// Logits: found behind whatever a classifier ends in, and what probabilities are made of them.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { array64, interpret } from '../graph/interpret.ts';
import { type Graph, int64s, tensor } from '../graph/types.ts';
import { logitsOf, probabilitiesOf } from './logits.ts';

const WEIGHT = tensor([1, -2, 0.5, 3, 0.25, -1], [2, 3]);
const INPUT = { x: array64([1, 2, -3, 0.5], [2, 2]) };
const LOGITS = [7, -1.5, -1.5, -1.5, 6.125, -2];

/** A dense layer of 2 values to 3 logits, and what is put behind it. */
function modelOf(end: (g: GraphBuilder, dense: string) => string, weight = WEIGHT): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 2]);
  g.output(end(g, g.emit('MatMul', [x, weight])));
  return g.build('model');
}

/** What the graph holds under that name. */
function valuesOf(graph: Graph, name: string): number[] {
  const output = { name, dtype: 'float32', shape: ['N', 'C'] } as const;
  return Array.from(interpret({ ...graph, outputs: [output] }, INPUT)[name].data);
}

describe('of a classifier that ends in', () => {
  it.each<[string, (g: GraphBuilder, z: string) => string, string | null]>([
    ['its logits', (_, z) => z, null],
    ['an Identity', (g, z) => g.emit('Identity', [z]), null],
    ['Softmax', (g, z) => g.emit('Softmax', [z], { axis: 1 }), 'Softmax'],
    ['LogSoftmax', (g, z) => g.emit('LogSoftmax', [z], { axis: 1 }), 'LogSoftmax'],
    ['Sigmoid and a cast', (g, z) => g.emit('Cast', [g.emit('Sigmoid', [z])], { to: 1 }), 'Sigmoid'],
    [
      'Softmax of [N, classes, 1], flattened behind it',
      (g, z) => {
        const deep = g.emit('Unsqueeze', [z, int64s([2])]);
        const squashed = g.emit('Softmax', [g.emit('Abs', [g.emit('Neg', [deep])])], { axis: 1 });
        return g.emit('Squeeze', [squashed, int64s([2])]);
      },
      'Softmax',
    ],
    ['an activation that is not final', (g, z) => g.emit('Neg', [g.emit('Softmax', [z], { axis: 1 })]), null],
  ])('%s', (end, make, activation) => {
    const found = logitsOf(modelOf(make));
    expect(found).toMatchObject({ activation, classes: 3 });
    const values = valuesOf(found.graph, found.name);
    if (end.startsWith('an activation')) expect(Math.max(...values)).toBeLessThanOrEqual(0);
    else if (end.startsWith('Softmax of')) expect(values).toEqual(LOGITS.map(Math.abs));
    else expect(values).toEqual(LOGITS);
  });

  it('one number for each clip', () => {
    const single = tensor([1, -1], [2, 1]);
    const squeezed = modelOf((g, z) => g.emit('Squeeze', [g.emit('Sigmoid', [z]), int64s([1])]), single);
    expect(squeezed.outputs[0].shape).toEqual(['N']);
    const found = logitsOf(squeezed);
    expect(found).toMatchObject({ activation: 'Sigmoid', classes: 1 });
    expect(valuesOf(found.graph, found.name)).toEqual([-1, -3.5]);
  });

  it('two activations: the last is looked through', () => {
    const graph = modelOf((g, z) => g.emit('Sigmoid', [g.emit('Softmax', [z], { axis: 1 })]));
    const { name, activation } = logitsOf(graph);
    expect(activation).toBe('Sigmoid');
    expect(valuesOf(graph, name).reduce((a, b) => a + b)).toBeCloseTo(2, 12);
  });
});

it('"logits" goes before other outputs', () => {
  const g = new GraphBuilder();
  const z = g.emit('MatMul', [g.input('x', 'float32', ['N', 2]), WEIGHT]);
  g.output(g.emit('Sigmoid', [z]));
  g.output(g.emit('Neg', [z], {}, 'logits'));
  expect(logitsOf(g.build('two'))).toMatchObject({ name: 'logits', activation: null });
});

it('a model without a matrix of logits is no classifier', () => {
  const g = new GraphBuilder();
  g.output(g.emit('Relu', [g.input('x', 'float32', ['N', 2, 3])]));
  expect(() => logitsOf(g.build('deep'))).toThrow(ModelError);
  expect(() => logitsOf(g.build('deep'))).toThrow(
    /no classifier: expected an output of logits \[N, classes\]/,
  );
});

describe('probabilities', () => {
  it('softmax, also of what overflows', () => {
    expect(probabilitiesOf([0, Math.log(3)], null)).toEqual([
      expect.closeTo(0.25, 12),
      expect.closeTo(0.75, 12),
    ]);
    expect(probabilitiesOf([1000, 1000], 'Softmax')).toEqual([0.5, 0.5]);
  });

  it('a sigmoid for each of many labels, and for a single logit', () => {
    expect(probabilitiesOf([0, 1000, -1000], 'Sigmoid')).toEqual([0.5, 1, 0]);
    expect(probabilitiesOf([Math.log(3)], null)[0]).toBeCloseTo(0.75, 12);
  });
});
