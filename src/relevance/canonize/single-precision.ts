// Models in double precision, as ones in single: relevance graphs run in float32.
import { onnxDType } from '../../graph/dtypes.ts';
import type { DType, Graph, Node } from '../../graph/types.ts';

const single = (dtype: DType): DType => (dtype === 'float64' ? 'float32' : dtype);

/** The graph with float32 wherever it has float64; constants keep their digits until they are written. */
export function singlePrecision(graph: Graph): Graph {
  const retype = <T extends { readonly dtype: DType }>(value: T): T => ({
    ...value,
    dtype: single(value.dtype),
  });
  return {
    ...graph,
    inputs: graph.inputs.map(retype),
    outputs: graph.outputs.map(retype),
    constants: new Map([...graph.constants].map(([name, t]) => [name, retype(t)])),
    nodes: graph.nodes.map(
      (node): Node =>
        node.op === 'Cast' && node.attributes.to === onnxDType('float64')
          ? { ...node, attributes: { ...node.attributes, to: onnxDType('float32') } }
          : node,
    ),
  };
}
