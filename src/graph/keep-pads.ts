// Keeps runtimes from merging a Pad of zeros into a maximum.
import { inferShapes, type Known } from './shapes.ts';
import type { Graph, Node } from './types.ts';

/**
 * A Pad of zeros that a MaxPool reads pads with −0, which is the same number: ONNX Runtime (1.30) merges a Pad of +0 into
 * the pool behind it, where padding stands for −∞.
 */
export function keepPads(graph: Graph): Graph {
  const pooled = new Set(graph.nodes.filter((n) => n.op === 'MaxPool').map((n) => n.inputs[0]));
  const types = inferShapes(graph);
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== 'Pad' || !pooled.has(node.outputs[0])) return node;
    const value = node.inputs[2] ? constants.get(node.inputs[2])?.data[0] : 0;
    if ((node.attributes.mode ?? 'constant') !== 'constant' || value !== 0) return node;
    const name = `${node.outputs[0]}/zero`;
    const { dtype } = types.get(node.inputs[0]) as Known;
    constants.set(name, { dtype, dims: [], data: Float64Array.of(-0) });
    return { ...node, inputs: [node.inputs[0], node.inputs[1], name, ...node.inputs.slice(3)] };
  });
  return { ...graph, constants, nodes };
}
