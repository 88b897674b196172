// An affine layer y = k·x + c, as batch norm and arithmetic with constants are: read from a node, and written as one.
import { GraphError } from '../../errors.ts';
import type { Known } from '../../graph/shapes.ts';
import type { Graph, Node, NodeOf, Shape, Tensor } from '../../graph/types.ts';
import { sizeOf } from '../../graph/types.ts';
import { replace, withConstant } from './edit.ts';

/** A number, or a constant that broadcasts against a value. */
export type Field = number | Tensor;

/** y = k·x + c at one node. */
export interface Affine {
  readonly node: Node;
  readonly x: string;
  readonly k: Field;
  readonly c: Field;
  /** Of x and y alike. */
  readonly shape: Shape;
}

/** A constant in double precision. */
export function field(data: Float64Array, dims: readonly number[]): Tensor {
  return { dtype: 'float32', dims, data };
}

export function mapField(f: Field, of: (v: number) => number): Field {
  return typeof f === 'number' ? of(f) : { ...f, data: Float64Array.from(f.data, of) };
}

/** A field that depends on one axis of a shape only, as a vector along it; undefined for others. */
export function alongAxis(f: Field, shape: Shape, axis: number): Float64Array | undefined {
  const size = shape[axis];
  if (typeof size !== 'number') return undefined;
  if (typeof f === 'number') return new Float64Array(size).fill(f);
  const at = axis - (shape.length - f.dims.length);
  if (f.data.length === 1) return new Float64Array(size).fill(f.data[0]);
  const along = f.dims.every((d, i) => d === (i === at ? size : 1));
  return along ? Float64Array.from(f.data) : undefined;
}

/** The affine layer that a node is; undefined where it is none, or enlarges its input. */
export function affineAt(graph: Graph, node: Node, types: ReadonlyMap<string, Known>): Affine | undefined {
  const read = node.op === 'BatchNormalization' ? batchNorm(graph, node, types) : arithmetic(graph, node);
  const shape = types.get(read?.x ?? '')?.shape;
  const same = shape?.length === types.get(node.outputs[0])?.shape.length;
  const fits = same && shape?.every((d, i) => d === types.get(node.outputs[0])?.shape[i]);
  return read && shape && fits ? { node, shape, ...read } : undefined;
}

/** k = γ/√(σ² + ε), c = β − k·μ, along axis 1. */
function batchNorm(
  graph: Graph,
  node: NodeOf<'BatchNormalization'>,
  types: ReadonlyMap<string, Known>,
): Pick<Affine, 'x' | 'k' | 'c'> | undefined {
  if (node.attributes.training_mode) {
    throw new GraphError({
      what: `BatchNormalization "${node.name}" is in training mode: its result depends on the whole batch`,
      todo: 'Export the model for inference (eval mode).',
    });
  }
  const statistics = node.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
  if (statistics.some((t) => !t)) return undefined;
  const [gamma, beta, mean, variance] = statistics as Float64Array[];
  const epsilon = node.attributes.epsilon ?? 1e-5;
  const k = Float64Array.from(gamma, (v, i) => v / Math.sqrt(variance[i] + epsilon));
  const rank = types.get(node.inputs[0])?.shape.length ?? 2;
  const dims = [k.length, ...new Array<number>(rank - 2).fill(1)];
  return {
    x: node.inputs[0],
    k: field(k, dims),
    c: field(
      k.map((v, i) => beta[i] - v * mean[i]),
      dims,
    ),
  };
}

function arithmetic(graph: Graph, node: Node): Pick<Affine, 'x' | 'k' | 'c'> | undefined {
  const [a, b] = node.inputs;
  if (node.op === 'Neg') return { x: a, k: -1, c: 0 };
  const [left, right] = [graph.constants.get(a), graph.constants.get(b ?? '')];
  if (Boolean(left) === Boolean(right)) return undefined;
  const x = left ? b : a;
  const constant = (left ?? right) as Tensor;
  switch (node.op) {
    case 'Add':
      return { x, k: 1, c: constant };
    case 'Sub':
      return left ? { x, k: -1, c: constant } : { x, k: 1, c: mapField(constant, (v) => -v) };
    case 'Mul':
      return { x, k: constant, c: 0 };
    case 'Div':
      return left ? undefined : { x, k: mapField(constant, (v) => 1 / v), c: 0 };
    default:
      return undefined;
  }
}

/** Puts k·x + c along axis 1 in the place of a node, as the batch norm that it comes to (mean 0, variance 1, ε = 0). */
export function asBatchNorm(graph: Graph, node: Node, x: string, k: Float64Array, c: Float64Array): Graph {
  let current = graph;
  const statistics = [k, c, new Float64Array(k.length), new Float64Array(k.length).fill(1)].map((data, i) => {
    const name = `${node.outputs[0]}/${['scale', 'shift', 'mean', 'variance'][i]}`;
    const put = withConstant(current, name, field(data, [sizeOf([k.length])]));
    current = put.graph;
    return put.name;
  });
  const norm: NodeOf<'BatchNormalization'> = {
    op: 'BatchNormalization',
    name: node.name,
    inputs: [x, ...statistics],
    outputs: node.outputs,
    attributes: { epsilon: 0 },
  };
  return replace(current, node, [norm]);
}
