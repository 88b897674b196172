// Verifies a graph: every name given once and before use, arity and attributes as ONNX has them, types that fit.
import { GraphError } from '../errors.ts';
import { attributeKinds, opSpec } from './ops.ts';
import { inferShapes } from './shapes.ts';
import type { Graph, Node } from './types.ts';
import { showType, sizeOf } from './types.ts';

/**
 * Gives the graph back if it is valid; every pass ends in this.
 * @throws GraphError naming the node or value at fault.
 */
export function verify(graph: Graph): Graph {
  const defined = new Set<string>();
  const define = (name: string, by: string) => {
    if (name === '') throw new GraphError(`${by} gives a value without a name`);
    if (defined.has(name)) throw new GraphError(`value "${name}" is defined twice (by ${by})`);
    defined.add(name);
  };
  for (const input of graph.inputs) define(input.name, 'the inputs');
  for (const [name, constant] of graph.constants) {
    define(name, 'the constants');
    if (constant.data.length !== sizeOf(constant.dims)) {
      throw new GraphError({
        what: `constant "${name}" does not fill its shape`,
        expected: `${sizeOf(constant.dims)} numbers`,
        got: `${constant.data.length}`,
      });
    }
  }
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    verifyNode(node);
    if (nodeNames.has(node.name)) throw new GraphError(`two nodes are named "${node.name}"`);
    nodeNames.add(node.name);
    for (const name of node.inputs) {
      if (name !== '' && !defined.has(name)) {
        throw new GraphError(`${node.op} "${node.name}" uses "${name}", which is not defined before it`);
      }
    }
    for (const [i, name] of node.outputs.entries()) {
      if (i === 0 || name !== '') define(name, `${node.op} "${node.name}"`);
    }
  }
  const types = inferShapes(graph);
  for (const output of graph.outputs) {
    const type = types.get(output.name);
    if (!type) throw new GraphError(`output "${output.name}" is not computed`);
    const fits =
      type.dtype === output.dtype &&
      type.shape.length === output.shape.length &&
      type.shape.every(
        (d, i) => typeof d === 'string' || typeof output.shape[i] === 'string' || d === output.shape[i],
      );
    if (!fits) {
      throw new GraphError({
        what: `output "${output.name}" is declared with another type than it has`,
        expected: showType(output),
        got: showType(type),
      });
    }
  }
  return graph;
}

/** Checks numbers of inputs and outputs and the names of attributes. @throws GraphError */
export function verifyNode(node: Node): void {
  const { inputs, outputs = 1 } = opSpec(node.op);
  const where = `${node.op} "${node.name}"`;
  if (node.inputs.length < inputs[0] || node.inputs.length > inputs[1]) {
    throw new GraphError({
      what: `${where}: number of inputs`,
      expected: inputs[0] === inputs[1] ? `${inputs[0]}` : `${inputs[0]} to ${inputs[1]}`,
      got: `${node.inputs.length}`,
    });
  }
  if (node.outputs.length < 1 || node.outputs.length > outputs) {
    throw new GraphError({
      what: `${where}: number of outputs`,
      expected: `1 to ${outputs}`,
      got: `${node.outputs.length}`,
    });
  }
  for (const name of Object.keys(node.attributes)) {
    if (!(name in attributeKinds(node.op))) throw new GraphError(`${where}: unknown attribute "${name}"`);
  }
}
