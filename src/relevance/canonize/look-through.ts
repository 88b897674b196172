// Looks through what stands between the logits and a model's output: the logit is what is explained.
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, ValueInfo } from '../../graph/types.ts';
import { logitsOf } from '../../model/logits.ts';
import type { Note } from './canonize.ts';

/** The graph whose only output are its logits, [N, classes]. @throws ModelError where it has none */
export function lookThrough(model: Graph, note: Note): Graph {
  const { name, node, graph } = logitsOf(model);
  if (node !== null) note(node, 'looked through: the logit is explained');
  const { dtype, shape } = inferShapes(graph).get(name) as ValueInfo;
  return { ...graph, outputs: [{ name, dtype, shape }] };
}
