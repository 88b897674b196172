// Looks through what stands between the logits and a model's output: the logit is what is explained.
import { ModelError } from '../../errors.ts';
import type { OpName } from '../../graph/ops.ts';
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph } from '../../graph/types.ts';
import { isFloat } from '../../graph/types.ts';
import type { Note } from './canonize.ts';
import { producerOf } from './edit.ts';

const SQUASHING: ReadonlySet<OpName> = new Set<OpName>(['Softmax', 'LogSoftmax', 'Sigmoid']);

/** The graph whose only output are its logits, [N, classes]. @throws ModelError where it has none */
export function lookThrough(graph: Graph, note: Note): Graph {
  const types = inferShapes(graph);
  const isDense = (name: string) => {
    const type = types.get(name);
    return type && isFloat(type.dtype) && type.shape.length === 2 && typeof type.shape[1] === 'number';
  };
  const named = graph.outputs.find((o) => o.name === 'logits' && isDense(o.name));
  const output = named ?? graph.outputs.find((o) => isDense(o.name));
  if (!output) {
    throw new ModelError({
      what: `model "${graph.name}" is no classifier`,
      expected: 'an output of logits [N, classes]',
      got: graph.outputs.map((o) => `${o.name} [${o.shape.join(', ')}]`).join(', '),
    });
  }
  let logits = output.name;
  for (;;) {
    const node = producerOf(graph, logits);
    const passes = node?.op === 'Identity' || node?.op === 'Cast' || (node && SQUASHING.has(node.op));
    if (!node || !passes || !isDense(node.inputs[0])) break;
    if (SQUASHING.has(node.op)) note(node.name, 'looked through: the logit is explained');
    logits = node.inputs[0];
  }
  const { dtype, shape } = types.get(logits) as NonNullable<ReturnType<typeof types.get>>;
  return { ...graph, outputs: [{ name: logits, dtype, shape }] };
}
