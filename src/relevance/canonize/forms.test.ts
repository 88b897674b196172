// The other forms that canonizing gives a model: an open batch, single precision, two classes of one logit, gates.
import { expect, it } from 'vitest';
import { random } from '../../corpus/random.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { array64, interpret } from '../../graph/interpret.ts';
import { type Graph, type Tensor, tensor } from '../../graph/types.ts';
import { activeValues } from '../assign.ts';
import { gateOf } from '../gates.ts';
import { canonize } from './canonize.ts';

const next = random(7);
const some = (...dims: number[]): Tensor =>
  tensor(
    Float64Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => 2 * next() - 1),
    dims,
  );

function model(batch: number | string, build: (g: GraphBuilder, x: string) => string): Graph {
  const g = new GraphBuilder();
  g.output(build(g, g.input('x', 'float32', [batch, 2, 4, 4])));
  return g.build('model');
}

/** Logits of clips, one after the other. */
const run = (graph: Graph, clips: Float64Array, count: number) =>
  Array.from(interpret(graph, { x: array64(clips, [count, 2, 4, 4]) })[graph.outputs[0].name].data);

it('a model exported for one clip takes any batch', () => {
  const graph = model(1, (g, x) => {
    const conv = g.relu(g.emit('Conv', [x, some(3, 2, 3, 3)], {}));
    return g.emit('Gemm', [g.reshape(conv, [1, 12]), some(12, 3)], {});
  });
  const open = canonize(graph);
  expect(open.inputs[0].shape).toEqual(['N', 2, 4, 4]);
  const clips = some(3, 2, 4, 4).data as Float64Array;
  const apart = [0, 1, 2].flatMap((i) => run(graph, clips.slice(32 * i, 32 * i + 32), 1));
  run(open, clips, 3).forEach((v, i) => {
    expect(v).toBeCloseTo(apart[i], 12);
  });
});

it.each<[string, (g: GraphBuilder, x: string) => string]>([
  ['a sum over the first axis', (g, x) => g.mul(x, g.reduceSum(x, [0]))],
  ['a softmax over the first axis', (g, x) => g.emit('Softmax', [x], { axis: 0 })],
  ['a constant of the batch', (g, x) => g.concat([x, some(1, 2, 4, 4)], 0)],
])('%s keeps its batch', (_, mix) => {
  const graph = model(1, (g, x) => {
    const first = g.slice(mix(g, x), [{ axis: 0, start: 0, end: 1 }]);
    return g.emit('Gemm', [g.reshape(first, [1, 32]), some(32, 2)], {});
  });
  expect(canonize(graph).inputs[0].shape[0]).toBe(1);
});

it('a model in double precision is explained in single', () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float64', ['N', 3]);
  const double = { ...some(3, 2), dtype: 'float64' as const };
  g.output(g.emit('Gemm', [g.cast(g.cast(x, 'float32'), 'float64'), double], {}));
  const single = canonize(g.build('double'));
  expect(single.inputs[0].dtype).toBe('float32');
  expect(single.outputs[0].dtype).toBe('float32');
});

it('two classes of one logit z are −z and z', () => {
  const graph = model('N', (g, x) => {
    const p = g.emit('Sigmoid', [g.emit('Gemm', [g.emit('Flatten', [x]), some(32, 1)], {})]);
    return g.concat([g.sub(1, p), p], 1);
  });
  const clips = some(2, 2, 4, 4).data as Float64Array;
  const probabilities = run(graph, clips, 2);
  run(canonize(graph), clips, 2).forEach((z, i) => {
    expect(1 / (1 + Math.exp(-z))).toBeCloseTo(probabilities[i], 12);
  });
});

it.each<[string, (g: GraphBuilder, x: string) => [string, string], 0 | 1 | undefined]>([
  ['SiLU', (g, x) => [x, g.emit('Sigmoid', [x])], 1],
  ['GELU', (g, x) => [g.add(g.emit('Erf', [g.div(x, Math.SQRT2)]), 1), x], 0],
  ['HardSwish', (g, x) => [x, g.div(clip(g, g.add(x, 3)), 6)], 1],
  [
    'squeeze and excitation',
    (g, x) => [g.emit('HardSigmoid', [g.emit('GlobalAveragePool', [x])]), clip(g, x)],
    0,
  ],
  ['a gated activation', (g, x) => [g.emit('Tanh', [x]), g.emit('Sigmoid', [x])], 1],
  ['two gates', (g, x) => [g.emit('Sigmoid', [x]), g.emit('Sigmoid', [g.neg(x)])], undefined],
  ['no gate', (g, x) => [x, g.relu(x)], undefined],
  ['a square', (_, x) => [x, x], undefined],
])('the gate of %s', (_, operands, expected) => {
  const graph = model('N', (g, x) => {
    const y = g.emit('Conv', [x, some(3, 2, 1, 1)], {});
    const product = g.mul(...operands(g, y));
    return g.emit('Gemm', [g.reshape(product, [0, -1]), some(48, 2)], {});
  });
  const product = graph.nodes.findLast((node) => node.op === 'Mul');
  expect(product && gateOf(graph, product, activeValues(graph))).toBe(expected);
});

function clip(g: GraphBuilder, x: string): string {
  return g.emit('Clip', [x, 0, 6]);
}
