// Property: passes that simplify a graph change none of its results, in the float64 interpreter to the bit.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphOf, networks } from '../../test/support/networks.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { float32 } from '../runtime/runtime.ts';
import { GraphBuilder } from './builder.ts';
import { cropToPools } from './crop.ts';
import { array64, interpret } from './interpret.ts';
import { inferShapes } from './shapes.ts';
import { poolBeforeRelu, prune, withoutCopies } from './simplify.ts';
import type { Graph } from './types.ts';
import { int64s, tensor } from './types.ts';
import { verify } from './verify.ts';

const PASSES = { prune, withoutCopies, poolBeforeRelu: (g: Graph) => poolBeforeRelu(g), cropToPools };

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

it('a Pad of zeros before max pooling stays one in ONNX Runtime', async () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 1, 2, 2]);
  const padded = g.emit('Pad', [x, int64s([0, 0, 1, 1, 0, 0, 1, 1])]);
  g.output(g.emit('MaxPool', [padded], { kernel_shape: [2, 2], strides: [2, 2] }, 'y'));
  const session = await nodeRuntime.open(g.build('padded'));
  const { y } = await session.run({ x: float32(new Float32Array(4).fill(-1), [1, 1, 2, 2]) });
  expect(Array.from(y.data as Float32Array, Math.abs)).toEqual([0, 0, 0, 0]);
  await session.release();
});

it('cropToPools cuts a map that is added in between', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 1, 5, 7]);
  const kernel = tensor(
    Float64Array.from({ length: 18 }, (_, i) => Math.sin(i)),
    [2, 1, 3, 3],
  );
  const conv = g.emit('Conv', [x, kernel], { pads: [1, 1, 1, 1] });
  const map = tensor(
    Float64Array.from({ length: 70 }, (_, i) => Math.cos(i)),
    [2, 5, 7],
  );
  g.output(g.emit('MaxPool', [g.add(conv, map)], { kernel_shape: [2, 2], strides: [2, 2] }, 'y'));
  const graph = g.build('mapped');
  const cropped = verify(cropToPools(graph));
  expect(inferShapes(cropped).get('conv')?.shape).toEqual(['N', 2, 4, 6]);
  const feeds = {
    x: array64(
      Float64Array.from({ length: 70 }, (_, i) => Math.sin(3 * i)),
      [2, 1, 5, 7],
    ),
  };
  expect(interpret(cropped, feeds).y).toEqual(interpret(graph, feeds).y);
});
