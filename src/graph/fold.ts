// Constant folding: what no input reaches is computed once, and shapes that are known become constants.
import { evaluate } from './interpret.ts';
import type { OpName } from './ops.ts';
import { inferNode, type Known, knownConstant } from './shapes.ts';
import { prune } from './simplify.ts';
import type { Graph, Node, Shape, Tensor } from './types.ts';
import { int64s, sizeOf } from './types.ts';
import { verify } from './verify.ts';

/** A constant that is spread over more elements than this stays an op: files would grow by it. */
const LARGEST_SPREAD = 2 ** 20;

/**
 * Replaces by constants every value that depends on no input (in double precision, by the interpreter) and every shape
 * that is known; a Reshape gets its target as numbers, with −1 for an open extent. Outputs stay results of nodes.
 * @throws GraphError where a node does not fit its inputs
 */
export function fold(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const known = new Map<string, Known>();
  for (const { name, dtype, shape } of graph.inputs) known.set(name, { dtype, shape });
  for (const [name, constant] of constants) known.set(name, knownConstant(constant));
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const taken = new Set([...known.keys(), ...graph.nodes.flatMap((n) => n.outputs)]);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const types = inferNode(node, (name) => known.get(name));
    node.outputs.forEach((name, i) => {
      if (name !== '') known.set(name, types[i]);
    });
    const results = node.outputs.some((name) => outputs.has(name))
      ? undefined
      : (listed(types) ?? computed(node, types, constants));
    node.outputs.forEach((name, i) => {
      if (results && name !== '') constants.set(name, results[i]);
    });
    if (!results)
      nodes.push(
        withTarget(
          node,
          { input: known.get(node.inputs[0])?.shape ?? [], output: types[0].shape },
          constants,
          taken,
        ),
      );
  }
  return verify(prune({ ...graph, nodes, constants }));
}

/** Values whose elements are known as numbers. */
function listed(types: readonly Known[]): Tensor[] | undefined {
  const tensors = types.flatMap(({ dtype, shape, elements }) =>
    elements?.every((d) => typeof d === 'number')
      ? [{ dtype, dims: shape as number[], data: Float64Array.from(elements as number[]) }]
      : [],
  );
  return tensors.length === types.length ? tensors : undefined;
}

/** What a node makes of constants. */
function computed(
  node: Node,
  types: readonly Known[],
  constants: ReadonlyMap<string, Tensor>,
): Tensor[] | undefined {
  const inputs = node.inputs.map((name) => constants.get(name));
  if (node.inputs.some((name, i) => name !== '' && !inputs[i])) return undefined;
  const given = inputs.reduce((n, t) => n + (t?.data.length ?? 0), 0);
  const made = types.reduce((n, t) => n + sizeOf(t.shape as number[]), 0);
  if (made > Math.max(given, LARGEST_SPREAD)) return undefined;
  return evaluate(
    node,
    inputs.map(
      (t) => t && { ...t, data: t.data instanceof Float64Array ? t.data : new Float64Array(t.data) },
    ),
  );
}

/**
 * A Reshape or Expand whose computed target is known, with that target as a constant: −1 for the one open extent of a
 * Reshape, 1 where an Expand keeps what its input has.
 */
function withTarget(
  node: Node,
  types: { readonly input: Shape; readonly output: Shape },
  constants: Map<string, Tensor>,
  taken: Set<string>,
): Node {
  const target = constants.has(node.inputs[1]) ? undefined : targetOf(node.op, types.input, types.output);
  if (!target) return node;
  let name = `${node.outputs[0]}/shape`;
  while (taken.has(name)) name += "'";
  taken.add(name);
  constants.set(name, int64s(target));
  return { ...node, inputs: node.inputs.with(1, name) } as Node;
}

function targetOf(op: OpName, input: Shape, output: Shape): number[] | undefined {
  if (op === 'Reshape') {
    const open = output.filter((d) => typeof d === 'string').length;
    return open > 1 || output.includes(0) ? undefined : output.map((d) => (typeof d === 'string' ? -1 : d));
  }
  if (op !== 'Expand') return undefined;
  const target = output.map((d, i) => (d === input[i - output.length + input.length] ? 1 : d));
  return target.every((d) => typeof d === 'number') ? target : undefined;
}
