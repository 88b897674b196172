// Oracle and property: every op in ONNX Runtime against the float64 interpreter, every gradient by central differences.
import { describe, expect, it } from 'vitest';
import { nodeRuntime } from '../runtime/node.ts';
import type { RuntimeTensor } from '../runtime/runtime.ts';
import { GraphBuilder, namesOf } from './builder.ts';
import { gradient } from './gradient.ts';
import { type Array64, array64, interpret } from './interpret.ts';
import { decodeOnnx, encodeOnnx } from './onnx.ts';
import type { OpName } from './ops.ts';
import type { Graph, Shape } from './types.ts';
import { int64s, sizeOf, tensor } from './types.ts';
import { verify } from './verify.ts';

interface Case {
  /** Shapes of the float inputs, named a, b, c. "N" is fed with 2. */
  readonly shapes: readonly Shape[];
  /** The op under test on these inputs; a result that is not float is cast. */
  readonly build: (g: GraphBuilder, inputs: string[]) => string;
  /** Values the inputs are drawn from; distinct and away from kinks where not given. */
  readonly values?: (i: number) => number;
  /** The result is discrete: there is nothing to differentiate. */
  readonly discrete?: boolean;
}

const positive = (i: number) => 0.3 + ((i * 7919) % 101) / 50;
const one = (shape: Shape, build: Case['build'], more: Partial<Case> = {}): Case => ({
  shapes: [shape],
  build,
  ...more,
});
const two = (a: Shape, b: Shape, build: Case['build'], more: Partial<Case> = {}): Case => ({
  shapes: [a, b],
  build,
  ...more,
});
const unary = (op: OpName, more: Partial<Case> = {}) => [one(['N', 3], (g, [a]) => g.emit(op, [a]), more)];
const binary = (op: OpName, more: Partial<Case> = {}) => [
  two(['N', 3, 4], [3, 1], (g, [a, b]) => g.emit(op, [a, b]), more),
  two([4], ['N', 3, 4], (g, [a, b]) => g.emit(op, [a, b]), more),
];
const comparison = (op: OpName) => [
  two(['N', 3, 4], [3, 1], (g, [a, b]) => g.cast(g.emit(op, [a, b]), 'float32'), {
    discrete: true,
    values: (i) => (i % 5) - 2,
  }),
];
const conv = (x: Shape, w: Shape, attributes: object): Case => ({
  shapes: [x, w, [w[0]]],
  build: (g, inputs) => g.emit('Conv', inputs, attributes),
});
const pool = (op: 'MaxPool' | 'AveragePool', x: Shape, attributes: object) =>
  one(x, (g, [a]) => g.emit(op, [a], attributes));
const reductions = (op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax') => [
  one(['N', 3, 4], (g, [a]) => g.emit(op, [a, int64s([0, -1])], { keepdims: 0 })),
  one(['N', 3, 4], (g, [a]) => g.emit(op, [a, int64s([1])])),
  one(['N', 3], (g, [a]) => g.emit(op, [a], { keepdims: 0 })),
];

const CASES: { readonly [K in OpName]: readonly Case[] } = {
  Conv: [
    conv(['N', 2, 5, 6], [3, 2, 3, 3], { pads: [1, 1, 1, 1] }),
    conv(['N', 2, 7, 6], [4, 2, 3, 2], { strides: [2, 3], pads: [1, 0, 2, 1] }),
    conv(['N', 4, 6, 6], [4, 1, 3, 3], { group: 4, dilations: [2, 1], pads: [2, 1, 2, 1] }),
    conv(['N', 4, 9], [6, 2, 3], { group: 2, strides: [2], pads: [0, 1] }),
    conv(['N', 2, 5, 5], [3, 2, 1, 1], { pads: [1, 1, 1, 1] }),
    conv(['N', 2, 5, 6], [3, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  ],
  ConvTranspose: [
    one(['N', 2, 4, 3], (g, [a]) =>
      g.emit('ConvTranspose', [a, kernel([2, 3, 3, 2])], {
        strides: [2, 3],
        pads: [1, 0, 1, 0],
        output_padding: [1, 2],
      }),
    ),
    one(['N', 4, 5], (g, [a]) =>
      g.emit('ConvTranspose', [a, kernel([4, 2, 3])], { group: 2, dilations: [2] }),
    ),
  ],
  Gemm: [
    { shapes: [['N', 3], [3, 4], [4]], build: (g, x) => g.emit('Gemm', x, { alpha: 1.5, beta: 0.5 }) },
    {
      shapes: [
        ['N', 3],
        [4, 3],
        [1, 4],
      ],
      build: (g, x) => g.emit('Gemm', x, { transB: 1 }),
    },
    two([3, 2], [3, 4], (g, x) => g.emit('Gemm', x, { transA: 1, alpha: 2 })),
    two([3, 2], [4, 3], (g, x) => g.emit('Gemm', x, { transA: 1, transB: 1 })),
  ],
  MatMul: [
    two(['N', 3], [3, 4], (g, x) => g.emit('MatMul', x)),
    two(['N', 2, 3, 4], [4, 2], (g, x) => g.emit('MatMul', x)),
    two([1, 3, 4], [2, 4, 2], (g, x) => g.emit('MatMul', x)),
  ],

  MaxPool: [
    pool('MaxPool', ['N', 2, 6, 8], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool('MaxPool', ['N', 2, 5, 7], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool('MaxPool', ['N', 2, 9], { kernel_shape: [2], strides: [2] }),
    pool('MaxPool', ['N', 2, 9], { kernel_shape: [3], strides: [2] }),
    pool('MaxPool', ['N', 2, 6, 7], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      ceil_mode: 1,
    }),
  ],
  AveragePool: [
    pool('AveragePool', ['N', 2, 6, 9], { kernel_shape: [2, 3], strides: [2, 3] }),
    pool('AveragePool', ['N', 2, 5, 7], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool('AveragePool', ['N', 2, 6, 7], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    pool('AveragePool', ['N', 2, 7], { kernel_shape: [3], strides: [1], pads: [1, 1], count_include_pad: 1 }),
  ],
  GlobalAveragePool: [one(['N', 3, 2, 5], (g, [a]) => g.emit('GlobalAveragePool', [a]))],
  GlobalMaxPool: [one(['N', 3, 2, 5], (g, [a]) => g.emit('GlobalMaxPool', [a]))],

  BatchNormalization: [
    {
      shapes: [['N', 3, 2, 2], [3], [3], [3], [3]],
      build: (g, x) => g.emit('BatchNormalization', x, { epsilon: 1e-3 }),
      values: positive,
    },
  ],
  Dropout: unary('Dropout'),
  Identity: unary('Identity'),
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Softmax: [
    one(['N', 4], (g, [a]) => g.emit('Softmax', [a])),
    one(['N', 3, 4], (g, [a]) => g.emit('Softmax', [a], { axis: 1 })),
  ],
  LogSoftmax: [one(['N', 4], (g, [a]) => g.emit('LogSoftmax', [a]))],

  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: [...binary('Mul'), one(['N', 3], (g, [a]) => g.mul(a, a))],
  Div: binary('Div', { values: positive }),
  Pow: binary('Pow', { values: positive }),
  Max: binary('Max'),
  Min: binary('Min'),
  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Sqrt: unary('Sqrt', { values: positive }),
  Exp: unary('Exp'),
  Log: unary('Log', { values: positive }),
  Reciprocal: unary('Reciprocal', { values: positive }),

  Equal: comparison('Equal'),
  Less: comparison('Less'),
  Greater: comparison('Greater'),
  GreaterOrEqual: comparison('GreaterOrEqual'),
  And: [
    two(
      ['N', 3],
      [3],
      (g, [a, b]) => {
        const both = g.emit('And', [g.emit('Greater', [a, 0]), g.emit('Less', [b, 1])]);
        return g.cast(both, 'float32');
      },
      { discrete: true },
    ),
  ],
  Not: [
    one(['N', 3], (g, [a]) => g.cast(g.emit('Not', [g.emit('Greater', [a, 0])]), 'float32'), {
      discrete: true,
    }),
  ],
  Where: [two(['N', 3], [1, 3], (g, [a, b]) => g.where(g.emit('Greater', [a, b]), a, b))],
  Cast: [one(['N', 3], (g, [a]) => g.cast(g.cast(a, 'float64'), 'float32'))],

  ReduceSum: reductions('ReduceSum'),
  ReduceMean: reductions('ReduceMean'),
  ReduceMax: reductions('ReduceMax'),
  ArgMax: [
    one(['N', 4], (g, [a]) => g.cast(g.emit('ArgMax', [a], { axis: 1 }), 'float32'), { discrete: true }),
    one(['N', 4], (g, [a]) => g.cast(g.emit('ArgMax', [a], { axis: -1, keepdims: 0 }), 'float32'), {
      discrete: true,
      values: () => 1,
    }),
  ],

  Flatten: [
    one(['N', 3, 2, 2], (g, [a]) => g.emit('Flatten', [a])),
    one(['N', 3, 2], (g, [a]) => g.emit('Flatten', [a], { axis: 2 })),
  ],
  Reshape: [
    one(['N', 3, 4], (g, [a]) => g.reshape(a, [0, -1])),
    one(['N', 3, 4], (g, [a]) => g.reshape(a, [-1, 2])),
  ],
  Transpose: [one(['N', 3, 4], (g, [a]) => g.transpose(a, [2, 0, 1]))],
  Squeeze: [one(['N', 1, 4, 1], (g, [a]) => g.emit('Squeeze', [a, int64s([1, -1])]))],
  Unsqueeze: [one(['N', 4], (g, [a]) => g.emit('Unsqueeze', [a, int64s([0, 3])]))],
  Expand: [one([3, 1], (g, [a]) => g.emit('Expand', [a, int64s([2, 3, 4])]))],
  Concat: [two(['N', 3], ['N', 2], (g, x) => g.concat(x, 1))],
  Slice: [
    one(['N', 3, 6], (g, [a]) => g.slice(a, [{ axis: 2, start: 1, end: 6, step: 2 }])),
    one(['N', 3, 6], (g, [a]) =>
      g.slice(a, [
        { axis: -1, start: -1, end: -(2 ** 31), step: -1 },
        { axis: 1, start: 0, end: -1 },
      ]),
    ),
  ],
  Split: [
    one(['N', 3, 6], (g, [a]) => g.split(a, 2, 2)[1]),
    one(['N', 5], (g, [a]) => {
      const [p, q] = g.emitAll('Split', [a, int64s([2, 3])], { axis: 1 }, ['p', 'q']);
      return g.concat([q, p], 1);
    }),
  ],
  Pad: [one(['N', 3, 4], (g, [a]) => g.pad(a, [0, 1, 0], [0, 0, 2]))],
  Gather: [
    one(['N', 4], (g, [a]) => g.emit('Gather', [a, int64s([3, 0, 3])], { axis: 1 })),
    one(['N', 4], (g, [a]) => g.emit('Gather', [a, tensor([-1], [], 'int64')], { axis: 1 })),
  ],
  GatherElements: [
    one(['N', 4], (g, [a]) => g.emit('GatherElements', [a, tensor([3, 0], [2, 1], 'int64')], { axis: 1 })),
  ],
  ScatterElements: [
    two(
      [2, 4],
      [2, 2],
      (g, [a, b]) =>
        g.emit('ScatterElements', [a, tensor([1, 1, 3, 0], [2, 2], 'int64'), b], {
          axis: 1,
          reduction: 'add',
        }),
      { discrete: true },
    ),
  ],
  Shape: [
    one(['N', 4], (g, [a]) => g.cast(g.emit('Shape', [a], { start: 1 }), 'float32'), { discrete: true }),
  ],
  Size: [one(['N', 4], (g, [a]) => g.cast(g.emit('Size', [a]), 'float32'), { discrete: true })],
};

/** Numbers in (-1, 1), all different, none within 0.01 of a kink at 0. */
function spread(i: number): number {
  const v = (((i + 1) * 0.6180339887498949) % 1) * 2 - 1;
  return Math.abs(v) < 0.02 ? v + 0.05 : v;
}

function kernel(dims: readonly number[]) {
  return tensor(
    Array.from({ length: sizeOf(dims) }, (_, i) => spread(i + 31)),
    dims,
  );
}

function prepare({ shapes, build, values = spread }: Case): { graph: Graph; feeds: Record<string, Array64> } {
  const g = new GraphBuilder();
  const names = shapes.map((shape, i) => g.input('abcde'[i], 'float32', shape));
  const y = build(g, names);
  g.node({ op: 'Identity', name: 'y', inputs: [y], outputs: ['y'], attributes: {} });
  g.output('y');
  let drawn = 0;
  const feeds = Object.fromEntries(
    names.map((name, i) => {
      const dims = shapes[i].map((d) => (d === 'N' ? 2 : (d as number)));
      return [
        name,
        array64(
          Float32Array.from({ length: sizeOf(dims) }, () => values(drawn++)),
          dims,
        ),
      ];
    }),
  );
  return { graph: verify(g.build('case')), feeds };
}

function single(feeds: Record<string, Array64>): Record<string, RuntimeTensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dims, data }]) => [
      name,
      { dtype: 'float32' as const, dims, data: Float32Array.from(data) },
    ]),
  );
}

async function expectSame(graph: Graph, feeds: Record<string, Array64>): Promise<void> {
  const expected = interpret(graph, feeds);
  const session = await nodeRuntime.open(decodeOnnx(encodeOnnx(graph), 'case'));
  const got = await session.run(single(feeds));
  for (const [name, { dims, data }] of Object.entries(expected)) {
    expect(got[name].dims, name).toEqual(dims);
    const scale = Math.max(1, ...data.map(Math.abs));
    data.forEach((value, i) => {
      expect(Math.abs(Number(got[name].data[i]) - value), `${name}[${i}]`).toBeLessThanOrEqual(2e-6 * scale);
    });
  }
  await session.release();
}

/** Σ w ⊙ y with fixed weights w: a scalar whose gradient tells every element of y apart. */
function weighted(graph: Graph): Graph {
  const g = new GraphBuilder(namesOf(graph));
  for (const input of graph.inputs) g.input(input.name, input.dtype, input.shape);
  for (const [name, t] of graph.constants) g.constant(t, name);
  for (const node of graph.nodes) g.node(node);
  const dims = graph.outputs[0].shape.map((d) =>
    typeof d === 'string' ? 2 * (Number.parseInt(d, 10) || 1) : d,
  );
  const weights = tensor(
    Array.from({ length: sizeOf(dims) }, (_, i) => spread(i + 77)),
    dims,
  );
  const flat = g.reshape(g.mul('y', g.constant(weights)), [-1]);
  const loss = g.emit('ReduceSum', [flat, int64s([0])], { keepdims: 0 }, 'loss');
  g.output(loss);
  return g.build('weighted');
}

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  it.each(cases.map((c, i) => [i, c] as const))(
    'case %i: ONNX Runtime gives what the interpreter gives',
    async (_, c) => {
      const { graph, feeds } = prepare(c);
      await expectSame(graph, feeds);
    },
  );

  const smooth = cases.map((c, i) => [i, c] as const).filter(([, c]) => !c.discrete);
  it.runIf(smooth.length > 0).each(smooth)('case %i: gradient equals central differences', async (_, c) => {
    const { graph, feeds } = prepare(c);
    const loss = weighted(graph);
    const names = graph.inputs.map((input) => input.name);
    const full = gradient(loss, 'loss', names);
    const analytic = interpret(full, feeds);
    const h = 1e-5;
    for (const name of names) {
      const nudged = (i: number, by: number) => {
        const data = feeds[name].data.slice();
        data[i] += by;
        return interpret(loss, { ...feeds, [name]: { ...feeds[name], data } }).loss.data[0];
      };
      feeds[name].data.forEach((_, i) => {
        const numeric = (nudged(i, h) - nudged(i, -h)) / (2 * h);
        const got = analytic[`gradient.${name}`].data[i];
        expect(Math.abs(got - numeric), `∂/∂${name}[${i}]`).toBeLessThanOrEqual(
          1e-8 * Math.max(1, Math.abs(numeric)) + 1e-9,
        );
      });
      expect(analytic[`gradient.${name}`].dims).toEqual(feeds[name].dims);
    }
    await expectSame(full, feeds);
  });
});
