// Keeps runtimes from merging a Pad of zeros into the pool behind it.
import { inferShapes, type Known } from './shapes.ts';
import type { Graph, Node } from './types.ts';

/**
 * A Pad of zeros that a pool reads pads with −0, which is the same number: ONNX Runtime (1.30) merges a Pad of +0 into the
 * pool behind it, where a MaxPool's padding stands for −∞, and where it must be smaller than the kernel.
 */
export function keepPads(graph: Graph): Graph {
  const types = inferShapes(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== 'Pad' || (node.attributes.mode ?? 'constant') !== 'constant') return node;
    const value = node.inputs[2] ? constants.get(node.inputs[2])?.data[0] : 0;
    const pads = Array.from(constants.get(node.inputs[1])?.data ?? []);
    const isMistaken = (reader: Node) => {
      if (reader.inputs[0] !== node.outputs[0]) return false;
      if (reader.op !== 'AveragePool') return reader.op === 'MaxPool';
      const { kernel_shape: kernel = [] } = reader.attributes;
      return pads.some((n, i) => n >= (kernel[(i % (pads.length / 2)) - 2] ?? Number.POSITIVE_INFINITY));
    };
    if (value !== 0 || !graph.nodes.some(isMistaken)) return node;
    const name = `${node.outputs[0]}/zero`;
    const { dtype } = types.get(node.inputs[0]) as Known;
    constants.set(name, { dtype, dims: [], data: Float64Array.of(-0) });
    return { ...node, inputs: [node.inputs[0], node.inputs[1], name, ...node.inputs.slice(3)] };
  });
  return { ...graph, constants, nodes };
}
