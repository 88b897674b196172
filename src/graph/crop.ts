// Does not compute what max pooling leaves over.
import { staticDims } from './dims.ts';
import { inferShapes, type Known } from './shapes.ts';
import type { Graph, Node, NodeOf, Tensor } from './types.ts';
import { sizeOf, stridesOf } from './types.ts';
import { span, windowOf } from './window.ts';

/**
 * Convolutions whose last rows or columns a MaxPool leaves over do not compute them: their end padding shrinks, so
 * that 65 columns pooled in pairs become 64. A constant map that is added in between is cut to fit.
 */
export function cropToPools(graph: Graph): Graph {
  const types = inferShapes(graph);
  let current = graph;
  for (const node of graph.nodes) {
    if (node.op !== 'Conv' || (node.attributes.auto_pad ?? 'NOTSET') !== 'NOTSET') continue;
    const add = mapAfter(graph, node);
    const pool = onlyReader(graph, (add?.node ?? node).outputs[0]);
    if (pool?.op !== 'MaxPool' || (pool.attributes.auto_pad ?? 'NOTSET') !== 'NOTSET') continue;
    const input = staticDims((types.get(node.outputs[0]) as Known).shape.slice(2), node.name);
    const excess = leftOver(pool, input, node);
    if (excess.every((n) => n === 0)) continue;
    const { strides = input.map(() => 1), pads = input.flatMap(() => [0, 0]) } = node.attributes;
    const cropped = pads.map(
      (pad, i) => pad - (excess[i - input.length] ?? 0) * (strides[i - input.length] ?? 0),
    );
    const conv: Node = { ...node, attributes: { ...node.attributes, pads: cropped } };
    current = { ...current, nodes: current.nodes.map((n) => (n === node ? conv : n)) };
    if (add)
      current = withCutMap(
        current,
        add,
        input.map((size, i) => size - excess[i]),
      );
  }
  return current;
}

/** The node that alone reads a value, once. */
function onlyReader(graph: Graph, value: string): Node | undefined {
  const readers = graph.nodes.filter((n) => n.inputs.includes(value));
  const isOutput = graph.outputs.some((o) => o.name === value);
  return readers.length === 1 && !isOutput ? readers[0] : undefined;
}

interface MapAdd {
  readonly node: Node;
  readonly map: string;
}

/** The Add of a constant that alone reads a node. */
function mapAfter(graph: Graph, node: Node): MapAdd | undefined {
  const add = onlyReader(graph, node.outputs[0]);
  const map = add?.inputs.find((name) => name !== node.outputs[0]) ?? '';
  return add?.op === 'Add' && graph.constants.has(map) ? { node: add, map } : undefined;
}

/** How many rows and columns at the end of its input a MaxPool takes no part of, as far as a Conv's padding gives them. */
function leftOver(pool: NodeOf<'MaxPool'>, input: readonly number[], conv: NodeOf<'Conv'>): number[] {
  const w = windowOf(pool.attributes, pool.attributes.kernel_shape ?? [], input, pool.name);
  const { strides = input.map(() => 1), pads = input.flatMap(() => [0, 0]) } = conv.attributes;
  return input.map((size, i) => {
    if (w.padsBegin[i] > 0 || w.padsEnd[i] > 0) return 0;
    const left = Math.max(size - ((w.output[i] - 1) * w.strides[i] + span(w, i)), 0);
    return left * strides[i] <= pads[input.length + i] ? left : 0;
  });
}

/** Cuts a constant that is added, [O, …] or what broadcasts to it, to the first positions of each spatial axis. */
function withCutMap(graph: Graph, { node, map }: MapAdd, spatial: readonly number[]): Graph {
  const t = graph.constants.get(map) as Tensor;
  const lead = t.dims.length - spatial.length;
  const dims = t.dims.map((d, i) => (i < lead || d === 1 ? d : spatial[i - lead]));
  const strides = stridesOf(dims);
  const from = stridesOf(t.dims);
  const data = Float64Array.from(
    { length: sizeOf(dims) },
    (_, at) => t.data[dims.reduce((sum, d, i) => sum + (Math.floor(at / strides[i]) % d) * from[i], 0)],
  );
  const name = `${map}/cut`;
  const add = { ...node, inputs: node.inputs.map((input) => (input === map ? name : input)) } as Node;
  return {
    ...graph,
    constants: new Map(graph.constants).set(name, { ...t, dims, data }),
    nodes: graph.nodes.map((n) => (n === node ? add : n)),
  };
}
