// Passes that change no result: dropping what nothing uses and what only copies, pooling before rectifying.
import type { Graph, Node } from './types.ts';

/** Drops nodes and constants that no output depends on. */
export function prune(graph: Graph): Graph {
  const live = new Set(graph.outputs.map((o) => o.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    for (const name of node.inputs) live.add(name);
    nodes.push(node);
  }
  const constants = new Map([...graph.constants].filter(([name]) => live.has(name)));
  return { ...graph, nodes: nodes.reverse(), constants };
}

/** An output that is a copy of what a node computes gets that node's result itself, under the output's name. */
export function withoutCopies(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const computed = new Set(graph.nodes.flatMap((n) => n.outputs));
  const names = new Map<string, string>();
  const nodes = graph.nodes.filter(({ op, inputs: [value], outputs: [copy] }) => {
    const is = op === 'Identity' && outputs.has(copy) && !outputs.has(value) && computed.has(value);
    if (!is || names.has(value)) return true;
    names.set(value, copy);
    return false;
  });
  const renamed = (values: readonly string[]) => values.map((name) => names.get(name) ?? name);
  return {
    ...graph,
    nodes: nodes.map((n) => ({ ...n, inputs: renamed(n.inputs), outputs: renamed(n.outputs) }) as Node),
  };
}

/**
 * max(relu(z)) = relu(max(z)): a ReLU that only a MaxPool reads moves behind it, where there is less to do.
 * The winner of a window changes only where all of it is ≤ 0.
 * @param allowed whether the ReLU's output may be treated so; the gradient always may
 */
export function poolBeforeRelu(graph: Graph, allowed: (value: string) => boolean = () => true): Graph {
  const readers = new Map<string, number>();
  for (const name of [...graph.nodes.flatMap((n) => n.inputs), ...graph.outputs.map((o) => o.name)]) {
    readers.set(name, (readers.get(name) ?? 0) + 1);
  }
  const pools = new Map(
    graph.nodes
      .filter((n) => n.op === 'MaxPool' && n.outputs.length === 1 && readers.get(n.inputs[0]) === 1)
      .map((pool) => [pool.inputs[0], pool]),
  );
  const moved = (node: Node) => node.op === 'Relu' && pools.has(node.outputs[0]) && allowed(node.outputs[0]);
  const gone = new Set(graph.nodes.filter(moved).map((relu) => relu.outputs[0]));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (moved(node)) return [];
    if (node.op !== 'MaxPool' || !gone.has(node.inputs[0])) return [node];
    const relu = graph.nodes.find((n) => n.outputs[0] === node.inputs[0]) as Node;
    const largest = `${node.outputs[0]}/max`;
    return [
      { ...node, inputs: relu.inputs, outputs: [largest] },
      { ...relu, inputs: [largest], outputs: node.outputs } as Node,
    ];
  });
  return { ...graph, nodes };
}
