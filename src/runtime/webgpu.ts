// What ONNX Runtime's WebGPU provider has to be told of a graph.
import type { InferenceSession } from 'onnxruntime-node';
import type { Graph } from '../graph/types.ts';

/**
 * The WebGPU provider for a graph. ONNX Runtime itself leaves ops without a kernel to the CPU; max pooling has one, but
 * without indices, which it tells only when it runs (1.30), so those nodes are named here.
 */
export function webgpuProvider(graph: Graph): InferenceSession.WebGpuExecutionProviderOption {
  const indexed = graph.nodes.filter(({ op, outputs }) => op === 'MaxPool' && outputs.length > 1);
  // An empty list is refused.
  return {
    name: 'webgpu',
    ...(indexed.length > 0 && { forceCpuNodeNames: indexed.map(({ name }) => name) }),
  };
}
