// Passes that change no result: dropping what nothing uses, pooling before rectifying.
import { staticDims } from './dims.ts';
import { inferShapes, type Known } from './shapes.ts';
import type { Graph, Node, NodeOf } from './types.ts';
import { padsOf, span, windowOf } from './window.ts';

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

/**
 * Convolutions whose last rows or columns a MaxPool leaves over do not compute them: their end padding shrinks, so
 * that 65 columns pooled in pairs become 64.
 */
export function cropToPools(graph: Graph): Graph {
  const types = inferShapes(graph);
  const pools = graph.nodes.filter((n): n is NodeOf<'MaxPool'> => n.op === 'MaxPool');
  const nodes = graph.nodes.map((node): Node => {
    if (node.op !== 'Conv' || (node.attributes.auto_pad ?? 'NOTSET') !== 'NOTSET') return node;
    const readers = graph.nodes.filter((n) => n.inputs.includes(node.outputs[0]));
    const pool = pools.find((n) => n === readers[0]);
    const isOutput = graph.outputs.some((o) => o.name === node.outputs[0]);
    if (!pool || readers.length > 1 || isOutput || (pool.attributes.auto_pad ?? 'NOTSET') !== 'NOTSET')
      return node;
    const input = staticDims((types.get(node.outputs[0]) as Known).shape.slice(2), node.name);
    const w = windowOf(pool.attributes, pool.attributes.kernel_shape ?? [], input, pool.name);
    const { strides = input.map(() => 1), pads = input.flatMap(() => [0, 0]) } = node.attributes;
    const cropped = pads.map((pad, i) => {
      const axis = i - input.length;
      if (axis < 0 || w.padsBegin[axis] > 0 || w.padsEnd[axis] > 0) return pad;
      const left = input[axis] - ((w.output[axis] - 1) * w.strides[axis] + span(w, axis));
      const excess = Math.max(left, 0) * strides[axis];
      return excess <= pad ? pad - excess : pad;
    });
    return { ...node, attributes: { ...node.attributes, pads: cropped } };
  });
  return { ...graph, nodes };
}

/**
 * Pools with ceil_mode get the end padding that it comes to, and lose it: runtimes disagree on windows that would start
 * in the padding. Averages that count padding keep it where a window overhangs even that, since it would count more.
 */
export function explicitCeil(graph: Graph): Graph {
  const types = inferShapes(graph);
  const nodes = graph.nodes.map((node): Node => {
    if ((node.op !== 'MaxPool' && node.op !== 'AveragePool') || !node.attributes.ceil_mode) return node;
    const input = staticDims((types.get(node.inputs[0]) as Known).shape.slice(2), node.name);
    const w = windowOf(node.attributes, node.attributes.kernel_shape ?? [], input, node.name);
    const padsEnd = w.output.map((size, i) =>
      Math.max((size - 1) * w.strides[i] + span(w, i) - input[i] - w.padsBegin[i], 0),
    );
    const overhangs = padsEnd.some((pad, i) => pad > w.padsEnd[i]);
    if (node.op === 'AveragePool' && node.attributes.count_include_pad && overhangs) return node;
    const attributes = {
      ...node.attributes,
      ceil_mode: 0,
      auto_pad: 'NOTSET',
      pads: padsOf({ ...w, padsEnd }),
    };
    return { ...node, attributes } as Node;
  });
  return { ...graph, nodes };
}
