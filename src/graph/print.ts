// Prints a graph as text, one line a value, for people and for snapshots.
import { inferShapes } from './shapes.ts';
import type { Graph, Tensor } from './types.ts';
import { showType } from './types.ts';

/** The graph as text: inputs, constants, nodes with the types of what they give, outputs. */
export function print(graph: Graph): string {
  const types = inferShapes(graph);
  const typed = (name: string) => `${name}: ${showType(types.get(name) as never)}`;
  const operand = (name: string) => {
    const constant = graph.constants.get(name);
    return constant && constant.data.length <= 4 ? showConstant(constant) : name || '_';
  };
  const lines = [`graph ${graph.name}`];
  for (const input of graph.inputs) lines.push(`  input ${typed(input.name)}`);
  for (const [name, constant] of graph.constants) {
    if (constant.data.length > 4) lines.push(`  const ${typed(name)}`);
  }
  for (const node of graph.nodes) {
    const attributes = Object.entries(node.attributes)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${Array.isArray(value) ? `[${value}]` : value}`)
      .join('');
    const results = node.outputs.filter((name) => name !== '').map(typed);
    lines.push(`  ${results.join(', ')} = ${node.op}(${node.inputs.map(operand).join(', ')})${attributes}`);
  }
  for (const output of graph.outputs) lines.push(`  output ${typed(output.name)}`);
  return `${lines.join('\n')}\n`;
}

function showConstant({ dims, data }: Tensor): string {
  const numbers = Array.from(data, (value) => String(Number(value.toPrecision(7))));
  return dims.length === 0 ? numbers[0] : `[${numbers}]`;
}
