// What the passes of canonize share: finding, renaming and replacing nodes and constants.
import type { Graph, Node, Tensor, ValueInfo } from '../../graph/types.ts';

/** The node that gives a value; undefined for inputs and constants. */
export function producerOf(graph: Graph, value: string): Node | undefined {
  return graph.nodes.find((node) => node.outputs.includes(value));
}

/** How often a value is read, by nodes or as an output. */
export function uses(graph: Graph, name: string): number {
  const byNodes = graph.nodes.reduce((n, node) => n + node.inputs.filter((i) => i === name).length, 0);
  return byNodes + graph.outputs.filter((o) => o.name === name).length;
}

/** The node that alone reads a value, once. */
export function onlyReader(graph: Graph, value: string): Node | undefined {
  return uses(graph, value) === 1 ? graph.nodes.find((node) => node.inputs.includes(value)) : undefined;
}

/** Replaces every use of a value by another. */
export function rename(graph: Graph, from: string, to: string): Graph {
  const use = (name: string) => (name === from ? to : name);
  return {
    ...graph,
    nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(use) }) as Node),
    outputs: graph.outputs.map((o): ValueInfo => ({ ...o, name: use(o.name) })),
  };
}

/** Puts nodes in the place of one. */
export function replace(graph: Graph, node: Node, by: readonly Node[]): Graph {
  return { ...graph, nodes: graph.nodes.flatMap((n) => (n === node ? by : [n])) };
}

/** Takes a node out; what read its output reads one of its inputs instead, the first unless told. */
export function bypass(graph: Graph, node: Node, input: string = node.inputs[0]): Graph {
  return rename(replace(graph, node, []), node.outputs[0], input);
}

/** A name that no value, constant or node of the graph has. */
export function freeName(graph: Graph, base: string): string {
  const taken = new Set([
    ...graph.constants.keys(),
    ...graph.inputs.map((i) => i.name),
    ...graph.nodes.flatMap((n) => [n.name, ...n.outputs]),
  ]);
  let name = base;
  while (taken.has(name)) name += "'";
  return name;
}

/** The graph with one more constant, and the name that it got. */
export function withConstant(graph: Graph, base: string, t: Tensor): { graph: Graph; name: string } {
  const name = freeName(graph, base);
  return { graph: { ...graph, constants: new Map(graph.constants).set(name, t) }, name };
}
