// The gradient: for every op, the adjoints of its inputs (the chain rule) or the reason why there is none.
import { GraphError } from '../errors.ts';
import { GraphBuilder, namesOf } from './builder.ts';
import { ACTIVATIONS } from './gradient/activations.ts';
import { ARITHMETIC } from './gradient/arithmetic.ts';
import { ARRANGEMENT } from './gradient/arrangement.ts';
import { LINEAR } from './gradient/linear.ts';
import { type ReverseTable, Tape } from './reverse.ts';
import { prune } from './simplify.ts';
import type { Graph } from './types.ts';
import { verify } from './verify.ts';

export const GRADIENT: ReverseTable = { ...LINEAR, ...ACTIVATIONS, ...ARITHMETIC, ...ARRANGEMENT };

/**
 * Adds the gradient of a scalar output to a graph.
 * @param of the scalar output that is differentiated
 * @param wanted inputs or constants of the graph; each gets an output `gradient.<name>` of its own shape
 * @returns a graph with the outputs of `graph` and the gradients
 * @throws GraphError where an op on the way has no gradient
 */
export function gradient(graph: Graph, of: string, wanted: readonly string[]): Graph {
  const g = new GraphBuilder(namesOf(graph));
  for (const input of graph.inputs) g.input(input.name, input.dtype, input.shape);
  const tape = new Tape(g, graph, GRADIENT, wanted);
  const seed = g.filledLike(1, of);
  const adjoints = tape.back(new Map([[of, seed]]));
  for (const output of graph.outputs) g.output(output.name);
  for (const name of wanted) {
    const adjoint = adjoints.get(name);
    if (adjoint === undefined) throw new GraphError(`"${of}" does not depend on "${name}"`);
    g.node({
      op: 'Identity',
      name: `gradient.${name}`,
      inputs: [adjoint],
      outputs: [`gradient.${name}`],
      attributes: {},
    });
    g.output(`gradient.${name}`);
  }
  return verify(prune(g.build(`${graph.name}_gradient`, graph.metadata)));
}
