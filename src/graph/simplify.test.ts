// Property: passes that simplify a graph change none of its results, in the float64 interpreter to the bit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphOf, networks } from '../../test/support/networks.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { float32 } from '../runtime/runtime.ts';
import { GraphBuilder } from './builder.ts';
import { array64, interpret } from './interpret.ts';
import { inferShapes } from './shapes.ts';
import { cropToPools, explicitCeil, poolBeforeRelu, prune } from './simplify.ts';
import type { Graph } from './types.ts';
import { tensor } from './types.ts';
import { verify } from './verify.ts';

const PASSES = { prune, poolBeforeRelu: (g: Graph) => poolBeforeRelu(g), cropToPools };

describe.each(Object.entries(PASSES))('%s', (_, pass) => {
  it.each(['real', 'quarters'] as const)('keeps the logits of networks of %s numbers', (numbers) => {
    fc.assert(
      fc.property(networks(numbers), (network) => {
        const graph = graphOf(network);
        const simpler = verify(pass(graph));
        const feeds = { input: array64([...network.clip(1), ...network.clip(2)], [2, ...network.dims]) };
        expect(interpret(simpler, feeds).logits).toEqual(interpret(graph, feeds).logits);
      }),
      { seed: 9, numRuns: 60 },
    );
  });
});

/** x → Conv [5 × 7] → ReLU → MaxPool by 2, with what else reads the values in between. */
function pooled(also: 'nothing' | 'relu' | 'conv' = 'nothing'): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 1, 5, 7]);
  const weight = tensor(
    Float32Array.from({ length: 18 }, (_, i) => (i % 5) - 2),
    [2, 1, 3, 3],
  );
  g.emit('Conv', [x, g.constant(weight, 'w')], { pads: [1, 1, 1, 1] }, 'conv');
  g.emit('Relu', ['conv'], {}, 'relu');
  g.emit('MaxPool', ['relu'], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool');
  g.emit('Neg', ['conv'], {}, 'unused');
  g.output('pool');
  if (also !== 'nothing') g.output(also);
  return g.build('pooled');
}
const opsOf = (graph: Graph) => graph.nodes.map((n) => n.op);

it('prune drops what no output needs, constants too', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 2]);
  g.relu(g.add(x, g.constant(tensor([1, 2]), 'dead')));
  g.emit('Neg', [x], {}, 'y');
  g.output('y');
  const pruned = prune(g.build('g'));
  expect([opsOf(pruned), pruned.constants.size]).toEqual([['Neg'], 0]);
});

it('poolBeforeRelu moves a ReLU that a MaxPool alone reads, and only where it may', () => {
  expect(opsOf(poolBeforeRelu(prune(pooled())))).toEqual(['Conv', 'MaxPool', 'Relu']);
  expect(opsOf(poolBeforeRelu(prune(pooled('relu'))))).toEqual(['Conv', 'Relu', 'MaxPool']);
  expect(opsOf(poolBeforeRelu(prune(pooled()), () => false))).toEqual(['Conv', 'Relu', 'MaxPool']);
});

it('cropToPools leaves out the rows and columns that pooling leaves over', () => {
  const shapeOf = (graph: Graph) => inferShapes(cropToPools(poolBeforeRelu(prune(graph)))).get('conv')?.shape;
  expect(shapeOf(pooled())).toEqual(['N', 2, 4, 6]);
  expect(shapeOf(pooled('conv'))).toEqual(['N', 2, 5, 7]);
});

it.each([
  ['MaxPool', 6, { kernel_shape: [3], strides: [2], ceil_mode: 1 }],
  ['MaxPool', 5, { kernel_shape: [2], strides: [2], pads: [1, 1], ceil_mode: 1 }],
  ['AveragePool', 6, { kernel_shape: [3], strides: [2], ceil_mode: 1 }],
  ['AveragePool', 5, { kernel_shape: [2], strides: [2], pads: [1, 1], ceil_mode: 1 }],
  ['AveragePool', 7, { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1, count_include_pad: 1 }],
] as const)(
  'explicitCeil writes the rounding up of %s over %i as padding that ONNX Runtime takes',
  async (op, size, a) => {
    const g = new GraphBuilder();
    g.emit(op, [g.input('x', 'float32', ['N', 2, size])], a, 'y');
    g.output('y');
    const graph = g.build('pool');
    const explicit = verify(explicitCeil(graph));
    const data = Float32Array.from({ length: 2 * size }, (_, i) => Math.sin(7 * i));
    const expected = interpret(graph, { x: array64(data, [1, 2, size]) }).y;
    expect(interpret(explicit, { x: array64(data, [1, 2, size]) }).y).toEqual(expected);
    const session = await nodeRuntime.open(explicit);
    const { y } = await session.run({ x: float32(data, [1, 2, size]) });
    await session.release();
    expect(y.dims).toEqual(expected.dims);
    expected.data.forEach((v, i) => {
      expect(Math.abs(Number(y.data[i]) - v)).toBeLessThanOrEqual(1e-6);
    });
  },
);
