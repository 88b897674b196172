// The linear layers that rules run on, as maps z = Σ f(x; W) + b of one or more operands, each with its adjoint fᵀ(r; W).
import {
  averagePoolAdjoint,
  convAdjoint,
  convTransposeAdjoint,
  isFewChannels,
  pooledConvAdjoint,
  transposedWindow,
} from '../graph/adjoint.ts';
import { unbroadcast } from '../graph/broadcasting.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import { axisOf, staticDims } from '../graph/dims.ts';
import type { OpName } from '../graph/ops.ts';
import type { Visit } from '../graph/reverse.ts';
import { int64s, tensor } from '../graph/types.ts';
import { padsOf } from '../graph/window.ts';
import { windowCounts } from '../graph/window-counts.ts';

/** One operand of a linear layer; all operands are names of values. */
export interface Operand {
  /** Which input of the node it is. */
  readonly index: number;
  readonly x: string;
  /** Whether relevance per unit of x is carried back, and not relevance. */
  readonly perUnit?: boolean;
  /**
   * The weights: a value of their own; or, where the layer has none, their common sign and the number by which each is
   * divided (a mean's count), which broadcasts against the output.
   */
  readonly weight: string | { readonly sign: 1 | -1; readonly divisor?: string | number };
  /** f(x; W), and + b where the layer's op adds a bias of its own; weights of a layer without are those it has. */
  readonly apply: (x: string, weight: string, bias?: string) => string;
  /** fᵀ(r; W) */
  readonly adjoint: (r: string, weight: string) => string;
  /** fᵀ of what max pooling's places hold, where that is the faster way. */
  readonly adjointOfPlaces?: ((places: readonly string[], weight: string) => string) | undefined;
  /** f(1; 1): how many real inputs each output has, a constant that broadcasts against the output. */
  readonly fanIn: () => string;
  /** Sums r over outputs that all inputs reach alike, where that leaves less to do. */
  readonly total?: (r: string) => string;
  /** fᵀ(r; 1), of what `total` leaves where it is given. */
  readonly spread: (r: string) => string;
}

export interface Linear {
  readonly operands: readonly Operand[];
  readonly bias?: {
    readonly value: string;
    /** Whether `apply` adds it; else it is added to the result. */
    readonly fused: boolean;
    /** A part of the bias, shaped so that it broadcasts against the output. */
    readonly field: (part: string) => string;
  };
}

/** A bias map that follows a layer as an Add of its own. */
export interface BiasMap {
  /** The sum of both. */
  readonly z: string;
  readonly bias: string;
}

/** The linear map at a node. */
export const LINEAR: { readonly [K in OpName]?: (v: Visit<K>, map?: BiasMap) => Linear } = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gemm: dense,
  MatMul: product,
  AveragePool: averaging,
  GlobalAveragePool: globalAveraging,
  ReduceMean: (v) => reduction(v, elementsOf(v)),
  ReduceSum: (v) => reduction(v, 1),
  Add: summing,
  Sub: summing,
  Sum: summing,
  BatchNormalization: affine,
  Mul: scaling,
  Div: scaling,
  Neg: summing,
};

function biasOf(
  own: string | undefined,
  map: BiasMap | undefined,
  field: (part: string) => string,
): Pick<Linear, 'bias'> {
  if (map) return { bias: { value: map.bias, fused: false, field: (part) => part } };
  return own ? { bias: { value: own, fused: true, field } } : {};
}

function convolution(v: Visit<'Conv'>, map?: BiasMap): Linear {
  const { g, node } = v;
  const [x, weight, bias] = node.inputs;
  const group = node.attributes.group ?? 1;
  const [out, perGroup, ...kernel] = staticDims(g.shape(weight), v.where);
  const w = v.window(kernel);
  const attributes = {
    kernel_shape: kernel,
    strides: w.strides,
    dilations: w.dilations,
    pads: padsOf(w),
    group,
  };
  const operand: Operand = {
    index: 0,
    x,
    weight,
    apply: (input, part, biasPart) =>
      g.emit('Conv', [input, part, ...(biasPart ? [biasPart] : [])], attributes),
    adjoint: (r, part) => convAdjoint(g, r, part, w, group),
    adjointOfPlaces: isFewChannels(g, weight, w, group)
      ? (places, part) => pooledConvAdjoint(g, places, part, w)
      : undefined,
    fanIn: () =>
      g.constant(
        tensor(
          windowCounts(w).map((n) => n * perGroup),
          [1, 1, ...w.output],
        ),
      ),
    // All weights are equal: the outputs of a group are summed, and one kernel of ones does for all.
    total: (r) => totalOfGroups(g, r, out, group),
    spread: (r) => {
      const single = convAdjoint(g, r, onesKernel(v, kernel), w, 1);
      const each = perGroup === 1 ? single : g.emit('Expand', [single, int64s([1, perGroup, ...w.input])]);
      return g.reshape(each, [-1, perGroup * group, ...w.input]);
    },
  };
  return { operands: [operand], ...biasOf(bias, map, byChannel(v)) };
}

/** Sums over the channels of each group: [N, O, …] → [N·groups, 1, …]. */
function totalOfGroups(g: GraphBuilder, r: string, channels: number, groups: number): string {
  if (groups === 1) return g.reduceSum(r, [1]);
  const extents = staticDims(g.shape(r).slice(2), 'the flat rule');
  return g.reduceSum(g.reshape(r, [-1, channels / groups, ...extents]), [1]);
}

function onesKernel({ g }: Visit<OpName>, kernel: readonly number[]): string {
  return g.constant(tensor(new Float64Array(kernel.reduce((n, k) => n * k, 1)).fill(1), [1, 1, ...kernel]));
}

/** [C] → [1, C, 1, …] */
function byChannel(v: Visit<OpName>): (part: string) => string {
  const ones = v
    .shape(0)
    .slice(2)
    .map(() => 1);
  return (part) => v.g.reshape(part, [1, -1, ...ones]);
}

function transposedConvolution(v: Visit<'ConvTranspose'>, map?: BiasMap): Linear {
  const { g, node } = v;
  const [x, weight, bias] = node.inputs;
  const { attributes } = node;
  const group = attributes.group ?? 1;
  const [channels, perGroup, ...kernel] = staticDims(g.shape(weight), v.where);
  const w = transposedWindow(g, node);
  const out = perGroup * group;
  const operand: Operand = {
    index: 0,
    x,
    weight,
    apply: (input, part, biasPart) =>
      g.emit('ConvTranspose', [input, part, ...(biasPart ? [biasPart] : [])], attributes),
    adjoint: (r, part) => convTransposeAdjoint(g, r, part, w, group),
    fanIn: () => {
      const ones = g.emit('Expand', [1, int64s([1, channels / group, ...w.input])]);
      const kernelOfOnes = g.emit('Expand', [1, int64s([channels / group, 1, ...kernel])]);
      return g.emit('ConvTranspose', [ones, kernelOfOnes], { ...attributes, group: 1 });
    },
    total: (r) => totalOfGroups(g, r, out, group),
    spread: (r) => {
      const single = convTransposeAdjoint(g, r, onesKernel(v, kernel), w, 1);
      const each = g.emit('Expand', [single, int64s([1, channels / group, ...w.input])]);
      return g.reshape(each, [-1, channels, ...w.input]);
    },
  };
  return { operands: [operand], ...biasOf(bias, map, byChannel(v)) };
}

/** Gemm(x, Wᵀ, b) of a matrix x. */
function dense(v: Visit<'Gemm'>, map?: BiasMap): Linear {
  const { g, node } = v;
  const [x, weight, bias] = node.inputs;
  const [, fanIn] = staticDims(g.shape(weight), v.where);
  const operand: Operand = {
    index: 0,
    x,
    weight,
    apply: (input, part, biasPart) =>
      g.emit('Gemm', [input, part, ...(biasPart ? [biasPart] : [])], { transB: 1 }),
    adjoint: (r, part) => g.emit('Gemm', [r, part], {}),
    fanIn: () => g.constant(tensor([fanIn], [1, 1])),
    spread: (r) => g.emit('Expand', [g.reduceSum(r, [1]), int64s([1, fanIn])]),
  };
  return { operands: [operand], ...biasOf(bias, map, (part) => part) };
}

/** MatMul by a constant matrix along the last axis. */
function product(v: Visit<'MatMul'>, map?: BiasMap): Linear {
  const { g, node } = v;
  const [x, weight] = node.inputs;
  const [fanIn] = staticDims(g.shape(weight), v.where);
  const rank = v.shape(0).length;
  const ones = new Array<number>(rank - 1).fill(1);
  const operand: Operand = {
    index: 0,
    x,
    weight,
    apply: (input, part) => g.emit('MatMul', [input, part]),
    adjoint: (r, part) => g.emit('MatMul', [r, g.transpose(part, [1, 0])]),
    fanIn: () => g.constant(tensor([fanIn], [...ones, 1])),
    spread: (r) => g.emit('Expand', [g.reduceSum(r, [rank - 1]), int64s([...ones, fanIn])]),
  };
  return { operands: [operand], ...biasOf(undefined, map, (part) => part) };
}

/** A layer whose weights all have one sign and size: what spreads evenly is its adjoint, times the divisor. */
function even(
  v: Visit<OpName>,
  index: number,
  sign: 1 | -1,
  apply: (x: string) => string,
  adjoint: (r: string) => string,
  divisor?: string | number,
): Operand {
  const { g } = v;
  const whole = (r: string) => (divisor === undefined || divisor === 1 ? r : g.mul(r, divisor));
  return {
    index,
    x: v.input(index),
    weight: { sign, ...(divisor !== undefined && { divisor }) },
    apply,
    adjoint,
    fanIn: () =>
      whole(apply(g.emit('Expand', [1, int64s([1, ...staticDims(v.shape(index).slice(1), v.where)])]))),
    spread: (r) => adjoint(whole(r)),
  };
}

/** Average pooling; its weights are the window's. */
function averaging(v: Visit<'AveragePool'>): Linear {
  const { g, node } = v;
  const [channels] = staticDims([v.shape(0)[1]], v.where);
  const w = v.window();
  const counts = windowCounts(w, node.attributes.count_include_pad === 1);
  const divisor = g.constant(tensor(counts, [1, 1, ...w.output]));
  const adjoint = (r: string) =>
    averagePoolAdjoint(g, r, w, channels, node.attributes.count_include_pad === 1);
  return {
    operands: [even(v, 0, 1, (x) => g.emit('AveragePool', [x], node.attributes), adjoint, divisor)],
  };
}

/** Averaging over all positions. */
function globalAveraging(v: Visit<'GlobalAveragePool'>): Linear {
  const spatial = staticDims(v.shape(0).slice(2), v.where);
  const count = spatial.reduce((n, d) => n * d, 1);
  const adjoint = (r: string) => v.g.emit('Expand', [v.g.mul(r, 1 / count), int64s([1, 1, ...spatial])]);
  return { operands: [even(v, 0, 1, (x) => v.g.emit('GlobalAveragePool', [x]), adjoint, count)] };
}

/** Sum or mean over axes. */
function reduction(v: Visit<'ReduceMean' | 'ReduceSum'>, count: number): Linear {
  const { g, node } = v;
  const axes = reducedAxes(v);
  const extents = v.shape(0).map((d, axis) => (axes.includes(axis) ? staticDims([d], v.where)[0] : 1));
  const adjoint = (r: string) => {
    const kept = v.g.shape(r).length === v.shape(0).length ? r : g.emit('Unsqueeze', [r, int64s(axes)]);
    return g.emit('Expand', [count === 1 ? kept : g.mul(kept, 1 / count), int64s(extents)]);
  };
  const apply = (x: string) =>
    g.emit(node.op, [x, int64s(axes)], { keepdims: node.attributes.keepdims ?? 1 });
  return { operands: [even(v, 0, 1, apply, adjoint, count)] };
}

/** The axes of a reduction, counted from the start. */
export function reducedAxes(v: Visit<'ReduceMean' | 'ReduceSum' | 'ReduceMax' | 'ReduceMin'>): number[] {
  const rank = v.shape(0).length;
  const given = v.g.constantOf(v.input(1) ?? '');
  const axes = given?.data.length
    ? Array.from(given.data, (a) => axisOf(a, rank, v.where))
    : [...Array(rank).keys()];
  return axes.sort((a, b) => a - b);
}

function elementsOf(v: Visit<'ReduceMean'>): number {
  const extents = reducedAxes(v).map((axis) => v.shape(0)[axis]);
  return staticDims(extents, v.where).reduce((n, d) => n * d, 1);
}

/** Sums and differences; of constants, with them as the bias. */
function summing(v: Visit<OpName>): Linear {
  const { g, node } = v;
  const sign = (i: number) => (node.op === 'Neg' || (node.op === 'Sub' && i === 1) ? -1 : 1);
  const computed = [...node.inputs.keys()].filter((i) => v.needs(i));
  const constant = [...node.inputs.keys()].find((i) => !v.needs(i));
  const operands = computed.map((i) =>
    even(
      v,
      i,
      sign(i),
      (x) => x,
      (r) => unbroadcast(g, r, v.shape(i)),
    ),
  );
  if (constant === undefined) return { operands };
  const own = v.input(constant);
  const value = sign(constant) === 1 ? own : g.neg(own);
  return { operands, bias: { value, fused: false, field: (part) => part } };
}

/** Products with and quotients by constants. */
function scaling(v: Visit<'Mul' | 'Div'>): Linear {
  const { g, node } = v;
  const index = v.needs(0) ? 0 : 1;
  const constant = v.input(1 - index);
  const weight = node.op === 'Div' ? g.emit('Reciprocal', [constant]) : constant;
  return { operands: [elementwise(v, index, weight)] };
}

function elementwise(v: Visit<OpName>, index: number, weight: string): Operand {
  const { g } = v;
  return {
    index,
    x: v.input(index),
    weight,
    apply: (x, part) => g.mul(x, part),
    adjoint: (r, part) => unbroadcast(g, g.mul(r, part), v.shape(index)),
    fanIn: () => g.constant(tensor([1], [])),
    spread: (r) => unbroadcast(g, r, v.shape(index)),
  };
}

/** A batch norm that could not be merged: f(x) = k·x with k = γ/√(σ² + ε), and b = β − k·μ. */
function affine(v: Visit<'BatchNormalization'>): Linear {
  const { g, node } = v;
  const [, gamma, beta, mean, variance] = node.inputs;
  const field = byChannel(v);
  const k = g.div(gamma, g.emit('Sqrt', [g.add(variance, node.attributes.epsilon ?? 1e-5)]));
  return {
    operands: [elementwise(v, 0, field(k))],
    bias: { value: g.sub(beta, g.mul(k, mean)), fused: false, field },
  };
}
