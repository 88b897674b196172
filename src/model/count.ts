// What a network costs: its parameters, and the multiplications that a clip takes.
import { quotient, staticDims } from '../graph/dims.ts';
import type { OpName } from '../graph/ops.ts';
import { inferShapes } from '../graph/shapes.ts';
import { type Graph, type Node, type Shape, sizeOf } from '../graph/types.ts';
import type { Network } from './layers.ts';
import { parametersOf } from './network.ts';

/** Numbers that a network holds, running statistics with them, as Keras counts. @param input [1, bins, frames] or [1, samples] */
export function parameterCount(network: Network, input: readonly number[]): number {
  return parametersOf(network, input).reduce((n, { dims }) => n + sizeOf(dims), 0);
}

/** The shapes of a node's inputs and of its output, for one clip. */
type Shapes = (name: string) => readonly number[];
type Cost = (node: Node, shape: Shapes) => number;

/** Σ over the output of what each of its elements adds up: the weights that it meets. */
const convolution: Cost = ({ inputs, outputs }, shape) =>
  sizeOf(shape(outputs[0])) * sizeOf(shape(inputs[1]).slice(1));

const product =
  (along: (node: Node) => number): Cost =>
  (node, shape) =>
    sizeOf(shape(node.outputs[0])) * (shape(node.inputs[0]).at(along(node)) as number);

/** Ops that multiply and add; all others are elementwise or comparisons, and are not counted. */
const COSTS: Partial<Record<OpName, Cost>> = {
  Conv: convolution,
  // Each input meets a kernel for every output channel of its group.
  ConvTranspose: ({ inputs }, shape) => sizeOf(shape(inputs[0])) * sizeOf(shape(inputs[1]).slice(1)),
  Gemm: product((node) => (node.op === 'Gemm' && node.attributes.transA ? 0 : 1)),
  MatMul: product(() => -1),
};

/** Multiply-adds of convolutions and matrix products for one clip. @throws GraphError where extents beside the batch are open */
export function multiplyAdds(graph: Graph): number {
  const types = inferShapes(graph);
  const batch = graph.inputs[0]?.shape[0] ?? 1;
  const ofClip = (shape: Shape) => shape.map((d) => (typeof d === 'string' ? (quotient(d, batch) ?? d) : d));
  const shapeOf: Shapes = (name) => staticDims(ofClip(types.get(name)?.shape ?? []), name);
  return graph.nodes.reduce((n, node) => n + (COSTS[node.op]?.(node, shapeOf) ?? 0), 0);
}
