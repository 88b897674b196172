// Opens the batch of models that were exported for one clip, where each clip goes its own way through them.
import { EarmarkError } from '../../errors.ts';
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { int64s } from '../../graph/types.ts';
import { activeValues } from '../assign.ts';
import { withConstant } from './edit.ts';

const BATCH = 'N';

/**
 * The graph with a batch of any size in the place of one clip; as it is where an op looks across the first axis, so that
 * clips would mix.
 */
export function openBatch(graph: Graph): Graph {
  const [input] = graph.inputs;
  if (input.shape[0] !== 1) return graph;
  const before = inferShapes(graph);
  const opened = { ...graph, inputs: [{ ...input, shape: [BATCH, ...input.shape.slice(1)] }] };
  try {
    const open = withOpenReshapes(opened, (name) => before.get(name)?.shape[0] === 1);
    const after = inferShapes(open);
    // Every value must be what it was for each clip.
    const same = [...activeValues(open)].every((name) => {
      const [was, is] = [before.get(name)?.shape, after.get(name)?.shape];
      return was && is && was[0] === 1 && is[0] === BATCH && was.slice(1).every((d, i) => d === is[i + 1]);
    });
    if (!same || acrossClips(open)) return graph;
    const outputs = open.outputs.map((o) => ({ ...o, shape: after.get(o.name)?.shape ?? o.shape }));
    return { ...open, outputs };
  } catch (error) {
    if (error instanceof EarmarkError) return graph;
    throw error;
  }
}

/** Reshapes to [1, …] of what begins with the batch keep it. */
function withOpenReshapes(graph: Graph, isClip: (value: string) => boolean): Graph {
  let current = graph;
  for (const node of graph.nodes) {
    if (node.op !== 'Reshape' || !isClip(node.inputs[0])) continue;
    const target = Array.from(graph.constants.get(node.inputs[1])?.data ?? []);
    if (target[0] !== 1) continue;
    const put = withConstant(current, `${node.outputs[0]}/shape`, int64s(target.with(0, 0)));
    const open: Node = { ...node, inputs: [node.inputs[0], put.name], attributes: { allowzero: 0 } };
    current = { ...put.graph, nodes: put.graph.nodes.map((n) => (n === node ? open : n)) };
  }
  return current;
}

/** Whether an op goes along the first axis without changing its extent, as a softmax over it would. */
function acrossClips(graph: Graph): boolean {
  return graph.nodes.some(
    (node) => (node.op === 'Softmax' || node.op === 'LogSoftmax') && node.attributes.axis === 0,
  );
}
