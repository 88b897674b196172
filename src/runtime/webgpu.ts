// ONNX Runtime's WebGPU provider: what it has to be told of a graph, and the graph that tells whether it computes.
import type { InferenceSession } from 'onnxruntime-node';
import { GraphBuilder } from '../graph/builder.ts';
import { inferShapes } from '../graph/shapes.ts';
import type { Graph, Node, Shape } from '../graph/types.ts';

/** The WebGPU provider for a graph. ONNX Runtime itself leaves ops without a kernel to the CPU, and this {@link fails}. */
export function webgpuProvider(graph: Graph): InferenceSession.WebGpuExecutionProviderOption {
  const known = inferShapes(graph);
  const shapeOf = (name: string): Shape => known.get(name)?.shape ?? [];
  const forceCpuNodeNames = graph.nodes.filter((node) => fails(node, shapeOf)).map(({ name }) => name);
  // An empty list is refused.
  return { name: 'webgpu', ...(forceCpuNodeNames.length > 0 && { forceCpuNodeNames }) };
}

/**
 * Whether a node's WebGPU kernel (ONNX Runtime 1.30) fails or gives wrong numbers:
 * - max pooling with indices, which it refuses when it runs;
 * - powers whose exponent differs from row to row, which it refuses, too;
 * - grouped convolutions of more than 4 channels for each group, where fours of them cross groups: wrong;
 * - grouped transposed convolutions to one channel for each group from several: wrong.
 */
function fails({ op, inputs, outputs, attributes }: Node, shapeOf: (name: string) => Shape): boolean {
  switch (op) {
    case 'MaxPool':
      return outputs.length > 1;
    case 'Pow':
      return shapeOf(inputs[1]).some((d) => d !== 1);
    case 'Conv': {
      const { group = 1 } = attributes;
      const each = Number(shapeOf(inputs[1])[0]) / group;
      return group > 1 && each > 4 && each % 4 !== 0;
    }
    case 'ConvTranspose': {
      const { group = 1 } = attributes;
      const [channels, each] = shapeOf(inputs[1]);
      return group > 1 && each === 1 && channels !== group;
    }
    default:
      return false;
  }
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
