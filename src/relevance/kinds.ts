// What kind of layer each op is to relevance: an op without an entry does not compile.
import type { OpName } from '../graph/ops.ts';
import type { Node } from '../graph/types.ts';

export const LAYER_KINDS = [
  'convolution',
  'dense',
  'average',
  'sum',
  'affine',
  'activation',
  'max',
  'product',
  'rearrangement',
  'other',
] as const;

/**
 * convolution, dense: layers with weights. average, sum: linear maps without weights. affine: by constants, element by
 * element. activation: of one value. max: one of several values. product: of two computed values. rearrangement: what
 * moves, repeats or leaves out elements. other: no rule of its own.
 */
export type LayerKind = (typeof LAYER_KINDS)[number];

const KINDS: { readonly [K in OpName]: LayerKind } = {
  Conv: 'convolution',
  ConvTranspose: 'convolution',
  Gemm: 'dense',
  MatMul: 'dense',

  AveragePool: 'average',
  GlobalAveragePool: 'average',
  ReduceMean: 'average',
  Add: 'sum',
  Sub: 'sum',
  Sum: 'sum',
  ReduceSum: 'sum',
  BatchNormalization: 'affine',
  Neg: 'affine',

  MaxPool: 'max',
  GlobalMaxPool: 'max',
  ReduceMax: 'max',
  ReduceMin: 'max',
  Max: 'max',
  Min: 'max',

  Mul: 'product',
  Div: 'product',

  Relu: 'activation',
  LeakyRelu: 'activation',
  PRelu: 'activation',
  ThresholdedRelu: 'activation',
  Clip: 'activation',
  Elu: 'activation',
  Selu: 'activation',
  Celu: 'activation',
  Softplus: 'activation',
  Softsign: 'activation',
  HardSwish: 'activation',
  HardSigmoid: 'activation',
  Mish: 'activation',
  Sigmoid: 'activation',
  Tanh: 'activation',
  Erf: 'activation',
  LRN: 'activation',

  Dropout: 'rearrangement',
  Identity: 'rearrangement',
  Cast: 'rearrangement',
  Flatten: 'rearrangement',
  Reshape: 'rearrangement',
  Transpose: 'rearrangement',
  Squeeze: 'rearrangement',
  Unsqueeze: 'rearrangement',
  Expand: 'rearrangement',
  Tile: 'rearrangement',
  Concat: 'rearrangement',
  Slice: 'rearrangement',
  Split: 'rearrangement',
  Pad: 'rearrangement',
  Gather: 'rearrangement',

  Softmax: 'other',
  LogSoftmax: 'other',
  Pow: 'other',
  Abs: 'other',
  Sqrt: 'other',
  Exp: 'other',
  Log: 'other',
  Reciprocal: 'other',
  Floor: 'other',
  Ceil: 'other',
  Sign: 'other',
  Mod: 'other',
  ReduceProd: 'other',
  ReduceL2: 'other',
  Equal: 'other',
  Less: 'other',
  LessOrEqual: 'other',
  Greater: 'other',
  GreaterOrEqual: 'other',
  And: 'other',
  Or: 'other',
  Not: 'other',
  Where: 'other',
  ArgMax: 'other',
  GatherElements: 'other',
  ScatterElements: 'other',
  Shape: 'other',
  Size: 'other',
  Range: 'other',
};

/** What the kinds are made of, for errors. */
export function opsOfKind(kind: LayerKind): OpName[] {
  return (Object.keys(KINDS) as OpName[]).filter((op) => KINDS[op] === kind);
}

/**
 * The kind of a node, given which of its inputs depend on the model's own: arithmetic with constants is affine, and
 * what has computed weights, indices or divisors is no layer.
 */
export function kindOf(node: Node, isActive: (value: string) => boolean): LayerKind {
  const active = node.inputs.map((name) => name !== '' && isActive(name));
  const only = (i: number) => active.every((on, j) => on === (i === j));
  const kind = KINDS[node.op];
  switch (node.op) {
    case 'Add':
    case 'Sub':
    case 'Mul':
      return active.every(Boolean) ? kind : 'affine';
    case 'Div':
      return only(0) ? 'affine' : active[0] ? 'product' : 'other';
    case 'Max':
    case 'Min':
      return active.every(Boolean) ? kind : 'activation';
    case 'Where':
      return 'rearrangement';
    case 'Sum':
    case 'Concat':
      return kind;
    default:
      return only(0) ? kind : 'other';
  }
}

/** Layers with weights. */
export function hasWeights(kind: LayerKind): boolean {
  return kind === 'convolution' || kind === 'dense';
}
