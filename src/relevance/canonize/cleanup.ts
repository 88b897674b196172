// Drops what does nothing at inference, and makes a Pad of zeros the padding of the layer behind it.
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, Node } from '../../graph/types.ts';
import type { Note } from './canonize.ts';
import { bypass, onlyReader, replace } from './edit.ts';

/** Dropout, Identity, a Cast to the same type and a Pad by nothing do nothing at inference. */
export function dropInference(graph: Graph, note: Note): Graph {
  const types = inferShapes(graph);
  const nothing = (node: Node) =>
    node.op === 'Dropout' ||
    node.op === 'Identity' ||
    (node.op === 'Cast' && types.get(node.inputs[0])?.dtype === types.get(node.outputs[0])?.dtype) ||
    (node.op === 'Pad' && graph.constants.get(node.inputs[1])?.data.every((n) => n === 0));
  let current = graph;
  for (const { outputs, name } of graph.nodes.filter(nothing)) {
    current = bypass(current, current.nodes.find((n) => n.outputs[0] === outputs[0]) as Node);
    note(name, 'does nothing at inference');
  }
  return current;
}

/** A Pad of zeros before a Conv or average pooling that alone reads it becomes its padding. */
export function mergePads(graph: Graph, note: Note): Graph {
  let current = graph;
  for (const pad of graph.nodes) {
    if (pad.op !== 'Pad' || (pad.attributes.mode ?? 'constant') !== 'constant' || pad.inputs[3]) continue;
    const amounts = Array.from(current.constants.get(pad.inputs[1])?.data ?? []);
    const value = pad.inputs[2] ? current.constants.get(pad.inputs[2])?.data[0] : 0;
    const reader = onlyReader(current, pad.outputs[0]);
    const takes = reader && paddedBy(reader, amounts);
    if (value !== 0 || !reader || !takes) continue;
    const merged = { ...takes, inputs: takes.inputs.with(0, pad.inputs[0]) } as Node;
    const own = current.nodes.find((n) => n.outputs[0] === pad.outputs[0]) as Node;
    current = replace(replace(current, reader, [merged]), own, []);
    note(pad.name, `padding of ${reader.name}`);
  }
  return current;
}

/** A Conv, or an average pooling without padding of its own, with zeros added around its input; undefined for others. */
function paddedBy(node: Node, amounts: readonly number[]): Node | undefined {
  const rank = amounts.length / 2;
  const [begin, end] = [amounts.slice(0, rank), amounts.slice(rank)];
  const spatialOnly = [begin, end].every(
    (side) => side[0] === 0 && side[1] === 0 && side.every((n) => n >= 0),
  );
  if ((node.op !== 'Conv' && node.op !== 'AveragePool') || rank < 3 || !spatialOnly) return undefined;
  if (!['NOTSET', 'VALID'].includes(node.attributes.auto_pad ?? 'NOTSET')) return undefined;
  const added = [...begin.slice(2), ...end.slice(2)];
  const given = node.attributes.auto_pad === 'VALID' ? undefined : node.attributes.pads;
  const own = given ?? added.map(() => 0);
  const explicit = { ...node.attributes, auto_pad: 'NOTSET' };
  if (node.op === 'Conv') {
    return { ...node, attributes: { ...explicit, pads: added.map((n, i) => n + own[i]) } } as Node;
  }
  const kernel = node.attributes.kernel_shape ?? [];
  const fits = added.every((n, i) => n < kernel[i % kernel.length]);
  if (own.some((n) => n > 0) || node.attributes.ceil_mode || !fits) return undefined;
  return { ...node, attributes: { ...explicit, pads: added, count_include_pad: 1 } } as Node;
}
