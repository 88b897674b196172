// ONNX Runtime's WebGPU provider: what it has to be told of a graph, and the graph that tells whether it computes.
import type { InferenceSession } from 'onnxruntime-node';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph, Node } from '../graph/types.ts';

/**
 * The WebGPU provider for a graph. ONNX Runtime itself leaves ops without a kernel to the CPU; those whose kernel fails
 * when it runs (1.30) are named here: max pooling with indices, and powers whose exponent differs from row to row.
 */
export function webgpuProvider(graph: Graph): InferenceSession.WebGpuExecutionProviderOption {
  const { nodes, constants } = graph;
  const fails = ({ op, inputs, outputs }: Node) =>
    (op === 'MaxPool' && outputs.length > 1) || (op === 'Pow' && constants.get(inputs[1])?.data.length !== 1);
  const forceCpuNodeNames = nodes.filter(fails).map(({ name }) => name);
  // An empty list is refused.
  return { name: 'webgpu', ...(forceCpuNodeNames.length > 0 && { forceCpuNodeNames }) };
}

/** y = x + x. */
export function doubling(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1]);
  g.node({ op: 'Add', name: 'y', inputs: [x, x], outputs: ['y'], attributes: {} });
  g.output('y');
  return g.build('probe');
}

/** What is told where a GPU was asked for and there is none. @param reason in few words */
export function noGpu(reason: string): string {
  const short = reason.length > 80 ? `${reason.slice(0, 79)}…` : reason;
  return `no GPU through WebGPU (${short}): the CPU computes`;
}
