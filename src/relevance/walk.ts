// How relevance passes each op: linear layers by their rule, activations as they are, rearrangements the way they came.
import { maxPoolBackward, maxPoolForward, maxPoolPlaces } from '../graph/adjoint.ts';
import { GRADIENT } from '../graph/gradient.ts';
import type { OpName } from '../graph/ops.ts';
import type { ReverseRule, ReverseTable, Visit } from '../graph/reverse.ts';
import type { Node } from '../graph/types.ts';
import type { Facts } from './facts.ts';
import { affine, averaging, convolution, dense, globalAveraging, type Linear } from './linear.ts';
import { type Absorbed, propagate, type Unpooled } from './propagate.ts';
import { NORM, type Rule } from './rules.ts';

export interface Walk {
  readonly table: ReverseTable;
  /** What a ledger calls the rule of a node. */
  readonly ruleName: (node: Node) => string;
  /** What the rule at a node absorbed. */
  readonly absorbed: (node: Node) => Absorbed;
}

const NOTHING: Absorbed = { bias: [], stabilizer: [], dropped: [] };

const SUPPORTED =
  'Conv, Gemm, MatMul by a constant matrix, BatchNormalization, Relu, MaxPool, AveragePool, GlobalAveragePool, ' +
  'GlobalMaxPool, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Dropout and a final Softmax';
const refused = (op: OpName) => `no rule for ${op}; supported are ${SUPPORTED}`;

/**
 * The table of the relevance walk.
 * @param rules the rule of every layer with weights, by the name of its output
 * @param keeping whether what is absorbed is kept for a ledger
 */
export function relevanceWalk(rules: ReadonlyMap<string, Rule>, facts: Facts, keeping: boolean): Walk {
  const shares = new Map<string, Absorbed>();
  const unpooled = new Map<string, Unpooled>();
  const by = <K extends OpName>(layer: (v: Visit<K>) => Linear): ReverseRule<K> => ({
    backward: (v) => {
      const absorbed = keeping ? { bias: [], stabilizer: [], dropped: [] } : undefined;
      if (absorbed) shares.set(v.node.outputs[0], absorbed);
      const arriving = { z: v.node.outputs[0], r: v.out, unpooled: unpooled.get(v.out) };
      const rule = rules.get(v.node.outputs[0]) ?? NORM;
      return [propagate(v.g, layer(v), arriving, rule, facts, absorbed)];
    },
  });
  const pass = { backward: (v: Visit<OpName>) => [v.out] };
  const winner: ReverseRule<'MaxPool'> = {
    forward: maxPoolForward,
    backward: (v) => {
      const unpool = (pooled: string) => maxPoolBackward(v.g, v.node, v.saved, pooled);
      const spread = unpool(v.out);
      const places = (pooled: string) => maxPoolPlaces(v.g, v.node, v.saved, pooled);
      unpooled.set(spread, { from: v.input(0), z: v.node.outputs[0], r: v.out, unpool, places });
      return [spread];
    },
  };
  const table: ReverseTable = {
    Conv: by(convolution),
    ConvTranspose: refused('ConvTranspose'),
    Gemm: by(dense),
    MatMul: 'only a product of [N, features] with a constant matrix has a rule',

    MaxPool: winner,
    AveragePool: by(averaging),
    GlobalAveragePool: by(globalAveraging),
    GlobalMaxPool: GRADIENT.GlobalMaxPool,

    BatchNormalization: by(affine),
    Dropout: pass,
    Identity: pass,
    Relu: pass,
    Sigmoid: refused('Sigmoid'),
    Tanh: refused('Tanh'),
    Softmax: refused('Softmax'),
    LogSoftmax: refused('LogSoftmax'),

    Add: refused('Add'),
    Sub: refused('Sub'),
    Mul: refused('Mul'),
    Div: refused('Div'),
    Pow: refused('Pow'),
    Max: refused('Max'),
    Min: refused('Min'),
    Neg: refused('Neg'),
    Abs: refused('Abs'),
    Sqrt: refused('Sqrt'),
    Exp: refused('Exp'),
    Log: refused('Log'),
    Reciprocal: refused('Reciprocal'),

    Equal: refused('Equal'),
    Less: refused('Less'),
    Greater: refused('Greater'),
    GreaterOrEqual: refused('GreaterOrEqual'),
    And: refused('And'),
    Not: refused('Not'),
    Where: refused('Where'),
    Cast: refused('Cast'),

    ReduceSum: refused('ReduceSum'),
    ReduceMean: refused('ReduceMean'),
    ReduceMax: refused('ReduceMax'),
    ArgMax: refused('ArgMax'),

    Flatten: GRADIENT.Flatten,
    Reshape: GRADIENT.Reshape,
    Transpose: GRADIENT.Transpose,
    Squeeze: GRADIENT.Squeeze,
    Unsqueeze: GRADIENT.Unsqueeze,
    Expand: refused('Expand'),
    Concat: refused('Concat'),
    Slice: refused('Slice'),
    Split: refused('Split'),
    Pad: refused('Pad'),
    Gather: refused('Gather'),
    GatherElements: refused('GatherElements'),
    ScatterElements: refused('ScatterElements'),
    Shape: refused('Shape'),
    Size: refused('Size'),
  };
  return {
    table,
    ruleName: (node) => rules.get(node.outputs[0])?.name ?? WITHOUT_WEIGHTS[node.op] ?? 'pass',
    absorbed: (node) => shares.get(node.outputs[0]) ?? NOTHING,
  };
}

/** What ledgers call the rules of layers without weights that do more than pass. */
const WITHOUT_WEIGHTS: Partial<Record<OpName, string>> = {
  AveragePool: 'norm',
  GlobalAveragePool: 'norm',
  BatchNormalization: 'norm',
  MaxPool: 'winner',
  GlobalMaxPool: 'winner',
};
