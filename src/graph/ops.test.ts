// Oracle and property: every op in ONNX Runtime against the float64 interpreter, every gradient by central differences.
import { describe, expect, it } from 'vitest';
import { noWebgpu, ONNX_RUNTIMES } from '../../test/contract/runtimes.ts';
import type { RuntimeTensor } from '../runtime/runtime.ts';
import { GraphBuilder, namesOf, type Operand } from './builder.ts';
import { gradient } from './gradient.ts';
import { type Array64, array64, interpret } from './interpret.ts';
import { decodeOnnx, encodeOnnx } from './onnx.ts';
import type { Attributes, OpName } from './ops.ts';
import type { DType, Graph, Shape } from './types.ts';
import { int64s, scalar, sizeOf, tensor } from './types.ts';
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
const pool = (
  op: 'MaxPool' | 'AveragePool',
  x: Shape,
  attributes: Attributes<'MaxPool'> & Attributes<'AveragePool'>,
) => one(x, (g, [a]) => g.emit(op, [a], attributes));
const deconv = (x: Shape, w: Shape, attributes: Attributes<'ConvTranspose'>): Case => ({
  shapes: [x, w, [(w[1] as number) * (attributes.group ?? 1)]],
  build: (g, inputs) => g.emit('ConvTranspose', inputs, attributes),
});
const wide = (i: number) => 6 * spread(i);
const activation = <K extends OpName>(op: K, attributes: Attributes<K> = {} as Attributes<K>) =>
  one(['N', 2, 5], (g, [a]) => g.emit(op, [a], attributes), { values: wide });
const discrete = (op: OpName, more: Partial<Case> = {}) =>
  unary(op, { values: wide, discrete: true, ...more });
const remainder = (dtype: DType, fmod: number): Case =>
  two(
    ['N', 6],
    [6],
    (g, [a, b]) => g.cast(g.emit('Mod', [g.cast(a, dtype), g.cast(b, dtype)], { fmod }), 'float32'),
    {
      discrete: true,
      values: (i) => [7, -7, 5, -5, 6, -6, 9, 4, -4, 3, -3, -8, 2, 3, -3, -4, 4, 5][i % 18],
    },
  );
const padded = (x: Shape, pads: readonly number[], mode: string, more: readonly Operand[] = []) =>
  one(x, (g, [a]) => g.emit('Pad', [a, int64s(pads), ...more], { mode }));
const reductions = (
  op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd' | 'ReduceL2',
) => [
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
    conv(['N', 4, 5, 5], [10, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] }),
    conv(['N', 2, 5, 6], [3, 2, 3, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  ],
  ConvTranspose: [
    deconv(['N', 2, 4, 3], [2, 3, 3, 2], { strides: [2, 3], pads: [1, 0, 1, 0], output_padding: [1, 2] }),
    deconv(['N', 4, 5], [4, 2, 3], { group: 2, dilations: [2] }),
    deconv(['N', 2, 4, 3], [2, 3, 3, 2], { strides: [2, 3], pads: [2, 0, 0, 1] }),
    deconv(['N', 4, 3, 4], [4, 1, 2, 3], { group: 2 }),
    deconv(['N', 4, 3, 4], [4, 1, 2, 3], {
      group: 4,
      strides: [1, 2],
      dilations: [3, 2],
      output_padding: [0, 1],
    }),
    deconv(['N', 2, 5], [2, 3, 4], { strides: [2], auto_pad: 'SAME_UPPER' }),
    deconv(['N', 2, 5], [2, 3, 3], { strides: [2], auto_pad: 'SAME_UPPER' }),
    deconv(['N', 2, 5], [2, 3, 3], { strides: [2], auto_pad: 'SAME_LOWER' }),
    deconv(['N', 2, 4, 5], [2, 3, 3, 2], { strides: [2, 1], auto_pad: 'VALID' }),
    deconv(['N', 2, 4, 5], [2, 3, 3, 4], { strides: [2, 2], output_shape: [8, 9] }),
    deconv(['N', 2, 5], [2, 3, 3], { strides: [2], output_shape: [10], auto_pad: 'SAME_UPPER' }),
    deconv(['N', 2, 5], [2, 3, 4], { pads: [5, 0], strides: [2] }),
    deconv(['N', 2, 5], [2, 3, 3], { strides: [2], output_shape: [12] }),
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
    pool('MaxPool', ['N', 2, 6, 7], { kernel_shape: [2, 3], strides: [2, 2], pads: [1, 0, 0, 2] }),
    pool('MaxPool', ['N', 2, 7, 8], {
      kernel_shape: [2, 3],
      dilations: [3, 2],
      strides: [1, 2],
      pads: [1, 1, 0, 2],
    }),
    pool('MaxPool', ['N', 2, 7], { kernel_shape: [2], strides: [2], auto_pad: 'SAME_UPPER' }),
    pool('MaxPool', ['N', 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }),
    pool('MaxPool', ['N', 2, 7, 6], { kernel_shape: [2, 2], strides: [2, 2], auto_pad: 'VALID' }),
    pool('MaxPool', ['N', 2, 7], { kernel_shape: [2], strides: [2], ceil_mode: 1 }),
  ],
  AveragePool: [
    pool('AveragePool', ['N', 2, 6, 9], { kernel_shape: [2, 3], strides: [2, 3] }),
    pool('AveragePool', ['N', 2, 5, 7], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool('AveragePool', ['N', 2, 6, 7], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    pool('AveragePool', ['N', 2, 7], { kernel_shape: [3], strides: [1], pads: [1, 1], count_include_pad: 1 }),
    pool('AveragePool', ['N', 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    pool('AveragePool', ['N', 2, 7, 6], { kernel_shape: [2, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }),
    pool('AveragePool', ['N', 2, 7], { kernel_shape: [2], strides: [2], auto_pad: 'VALID' }),
    pool('AveragePool', ['N', 2, 7], { kernel_shape: [3], strides: [3], ceil_mode: 1 }),
    pool('AveragePool', ['N', 2, 5, 7], { kernel_shape: [3, 2], strides: [2, 1], pads: [2, 0, 0, 1] }),
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
  LRN: [
    one(['N', 5, 2, 3], (g, [a]) => g.emit('LRN', [a], { size: 3, alpha: 0.7, beta: 0.6, bias: 1.5 })),
    one(['N', 5, 2, 2], (g, [a]) => g.emit('LRN', [a], { size: 5 }), { values: wide }),
  ],
  Dropout: unary('Dropout'),
  Identity: unary('Identity'),
  Relu: unary('Relu'),
  LeakyRelu: [activation('LeakyRelu'), activation('LeakyRelu', { alpha: 0.25 })],
  PRelu: [
    two(['N', 3, 4], [3, 1], (g, x) => g.emit('PRelu', x)),
    two(['N', 4], [1], (g, x) => g.emit('PRelu', x)),
  ],
  ThresholdedRelu: [activation('ThresholdedRelu'), activation('ThresholdedRelu', { alpha: -0.5 })],
  Clip: [
    one(['N', 9], (g, [a]) => g.emit('Clip', [a, 0, 1.5]), { values: wide }),
    one(['N', 9], (g, [a]) => g.emit('Clip', [a, '', 1.5]), { values: wide }),
    one(['N', 9], (g, [a]) => g.emit('Clip', [a, -1]), { values: wide }),
  ],
  Elu: [activation('Elu'), activation('Elu', { alpha: 0.5 })],
  Selu: [activation('Selu'), activation('Selu', { alpha: 1.5, gamma: 0.5 })],
  Celu: [activation('Celu'), activation('Celu', { alpha: 2 })],
  Sigmoid: unary('Sigmoid'),
  HardSigmoid: [activation('HardSigmoid'), activation('HardSigmoid', { alpha: 0.5, beta: 0.25 })],
  HardSwish: [activation('HardSwish')],
  Mish: [activation('Mish')],
  Softplus: [activation('Softplus')],
  Softsign: [activation('Softsign')],
  Tanh: unary('Tanh'),
  Erf: [activation('Erf')],
  Softmax: [
    one(['N', 4], (g, [a]) => g.emit('Softmax', [a])),
    one(['N', 3, 4], (g, [a]) => g.emit('Softmax', [a], { axis: 1 })),
  ],
  LogSoftmax: [one(['N', 4], (g, [a]) => g.emit('LogSoftmax', [a]))],

  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: [...binary('Mul'), one(['N', 3], (g, [a]) => g.mul(a, a))],
  Div: binary('Div', { values: positive }),
  Mod: [remainder('int64', 0), remainder('int32', 1), remainder('float32', 1)],
  Pow: [
    ...binary('Pow', { values: positive }),
    one(['N', 6], (g, [a]) => g.emit('Pow', [a, 2]), { values: wide }),
    one(['N', 6], (g, [a]) => g.emit('Pow', [a, 3]), { values: wide }),
  ],
  Sum: [
    { shapes: [['N', 3, 4], [4], [3, 1]], build: (g, x) => g.emit('Sum', x) },
    one(['N', 3], (g, [a]) => g.emit('Sum', [a])),
  ],
  Max: binary('Max'),
  Min: binary('Min'),
  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Sqrt: unary('Sqrt', { values: positive }),
  Exp: unary('Exp'),
  Log: unary('Log', { values: positive }),
  Reciprocal: unary('Reciprocal', { values: positive }),
  Floor: discrete('Floor'),
  Ceil: discrete('Ceil'),
  Sign: discrete('Sign', { values: (i) => (i % 3) - 1 }),

  Equal: comparison('Equal'),
  Less: comparison('Less'),
  LessOrEqual: comparison('LessOrEqual'),
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
  Or: [
    two(
      ['N', 3],
      [3],
      (g, [a, b]) => g.cast(g.emit('Or', [g.emit('Greater', [a, 0.3]), g.emit('Less', [b, 0])]), 'float32'),
      { discrete: true },
    ),
  ],
  Not: [
    one(['N', 3], (g, [a]) => g.cast(g.emit('Not', [g.emit('Greater', [a, 0])]), 'float32'), {
      discrete: true,
    }),
  ],
  Where: [two(['N', 3], [1, 3], (g, [a, b]) => g.where(g.emit('Greater', [a, b]), a, b))],
  Cast: [
    one(['N', 3], (g, [a]) => g.cast(g.cast(a, 'float64'), 'float32')),
    one(['N', 6], (g, [a]) => g.cast(g.cast(a, 'int64'), 'float32'), { discrete: true, values: wide }),
    one(['N', 6], (g, [a]) => g.cast(g.cast(a, 'bool'), 'float32'), {
      discrete: true,
      values: (i) => (i % 3) / 4,
    }),
  ],

  ReduceSum: reductions('ReduceSum'),
  ReduceMean: reductions('ReduceMean'),
  ReduceMax: reductions('ReduceMax'),
  ReduceMin: reductions('ReduceMin'),
  ReduceProd: reductions('ReduceProd').map((c) => ({ ...c, discrete: true })),
  ReduceL2: reductions('ReduceL2'),
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
  Tile: [
    one(['N', 3, 2], (g, [a]) => g.emit('Tile', [a, int64s([1, 2, 3])])),
    one([2, 3], (g, [a]) => g.emit('Tile', [a, int64s([2, 1])])),
  ],
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
  Pad: [
    one(['N', 3, 4], (g, [a]) => g.pad(a, [0, 1, 0], [0, 0, 2])),
    padded(['N', 3, 4], [0, 1, -1, 0, 0, 2], 'constant', [0.5]),
    padded(['N', 3, 4], [0, -2, 1, 0, 1, -2], 'constant'),
    padded(['N', 3, 4], [1, 2, 2, -1], 'reflect', ['', int64s([1, -1])]),
    padded(['N', 3, 4], [0, 2, 1, 0, 0, 2], 'reflect'),
    padded(['N', 3, 4], [0, 2, -1, 0, 1, 5], 'edge'),
  ],
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
  Range: [
    one(
      ['N', 4],
      (g, [a]) => {
        const counted = g.emit('Range', [scalar(7, 'int64'), scalar(-2, 'int64'), scalar(-2, 'int64')]);
        return g.mul(g.cast(counted, 'float32'), g.reduceSum(a, [0, 1]));
      },
      { discrete: true },
    ),
    one(
      [5, 2],
      (g, [a]) => {
        const size = g.emit('Gather', [g.emit('Shape', [a]), scalar(0, 'int64')]);
        return g.cast(g.emit('Range', [scalar(0, 'int64'), size, scalar(1, 'int64')]), 'float32');
      },
      { discrete: true },
    ),
  ],
  Size: [one(['N', 4], (g, [a]) => g.cast(g.emit('Size', [a]), 'float32'), { discrete: true })],
};

/** Numbers in (-1, 1), all different, none within 0.01 of a kink at 0. */
function spread(i: number): number {
  const v = (((i + 1) * 0.6180339887498949) % 1) * 2 - 1;
  return Math.abs(v) < 0.02 ? v + 0.05 : v;
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

/** Of the largest value, or of 1. WGSL lets powers and exponentials be off by more units in the last place than IEEE does. */
const BOUND = { cpu: 2e-6, webgpu: 1e-5 };

async function expectSame(graph: Graph, feeds: Record<string, Array64>): Promise<void> {
  const expected = Object.entries(interpret(graph, feeds));
  for (const [by, runtime] of ONNX_RUNTIMES) {
    const session = await runtime.open(decodeOnnx(encodeOnnx(graph), 'case'));
    const got = await session.run(single(feeds));
    for (const [name, { dims, data }] of expected) {
      expect(got[name].dims, `${name}, ${by}`).toEqual(dims);
      const bound = BOUND[runtime.device] * Math.max(1, ...data.map(Math.abs));
      data.forEach((value, i) => {
        const off = Math.abs(Number(got[name].data[i]) - value);
        expect(off, `${name}[${i}], ${by}`).toBeLessThanOrEqual(bound);
      });
    }
    await session.release();
  }
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

if (noWebgpu !== undefined) it.skip(`WebGPU: ${noWebgpu}`);
