// The slow twin: runs a graph in float64 with plain loops. Tests compare with it; passes fold constants by it.
import { GraphError } from '../errors.ts';
import { type Array64, array64 } from './array64.ts';
import { ARRANGEMENT } from './evaluate/arrangement.ts';
import { ELEMENTWISE } from './evaluate/elementwise.ts';
import { LINEAR } from './evaluate/linear.ts';
import type { Evaluate, EvaluateTable } from './evaluate/table.ts';
import type { OpName } from './ops.ts';
import type { Graph, Node } from './types.ts';

export { type Array64, array64 } from './array64.ts';

const EVALUATE: EvaluateTable = { ...LINEAR, ...ELEMENTWISE, ...ARRANGEMENT };

/** Runs a graph; gives all of its outputs, or the values named. */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, Array64>>,
  wanted: readonly string[] = graph.outputs.map((o) => o.name),
): Record<string, Array64> {
  const values = new Map<string, Array64>();
  for (const { name } of graph.inputs) {
    if (!feeds[name]) throw new GraphError(`input "${name}" is not fed`);
    values.set(name, feeds[name]);
  }
  for (const [name, t] of graph.constants) values.set(name, array64(t.data, t.dims, t.dtype));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const results = evaluate(node, inputs);
    node.outputs.forEach((name, i) => {
      if (name !== '') values.set(name, results[i]);
    });
  }
  return Object.fromEntries(wanted.map((name) => [name, values.get(name) as Array64]));
}

/** The outputs of one node; an omitted optional input is undefined. */
export function evaluate(node: Node, inputs: readonly (Array64 | undefined)[]): Array64[] {
  const rule = EVALUATE[node.op] as unknown as Evaluate<OpName>;
  return [rule(inputs as Array64[], node.attributes as never, node as never)].flat();
}
