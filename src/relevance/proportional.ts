// Where relevance is proportional to the input: which values are the input's elements, and nothing but shares of them follow.
import type { Graph, Node } from '../graph/types.ts';
import type { Assignments } from './assign.ts';
import { isRule, poolsOf } from './rules.ts';

/**
 * The names of the input and of its rearrangements, where all that reads them are layers with weights whose rule gives
 * R = x ⊙ ρ; undefined where anything else does, so that there is no ρ.
 */
export function elementsOfInput(graph: Graph, assignments: Assignments): ReadonlySet<string> | undefined {
  const elements = new Set([graph.inputs[0].name]);
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => elements.has(name))) continue;
    const { kind, treatment } = assignments.get(node.outputs[0]) ?? {};
    if (kind === 'rearrangement' && !bringsOwn(node)) {
      for (const name of node.outputs) elements.add(name);
      continue;
    }
    const weighs = kind === 'convolution' || kind === 'dense';
    if (!weighs || !treatment || !isRule(treatment)) return undefined;
    const terms = poolsOf(treatment).flatMap((pool) => pool.terms);
    if (terms.some(([input, weight]) => !input.startsWith('x') || weight === '1')) return undefined;
  }
  return elements;
}

/** Whether a rearrangement puts values beside those that come, and books their relevance. */
const bringsOwn = ({ op }: Node) => op === 'Pad' || op === 'Where';
