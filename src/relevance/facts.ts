// What is known before any run about signs and zeros; it keeps the relevance graph small.
import type { OpName } from '../graph/ops.ts';
import type { Graph, Node } from '../graph/types.ts';

export interface Facts {
  /** The value is ≥ 0 everywhere. */
  readonly nonNegative: (value: string) => boolean;
  /** The relevance of the value is 0 wherever the value is 0. */
  readonly vanishing: (value: string) => boolean;
  /** The relevance of the value is 0 wherever the value is ≤ 0: only a ReLU that vanishes reads it, or pools it. */
  readonly gated: (value: string) => boolean;
}

/** Ops whose result is ≥ 0 whatever goes in. */
const NON_NEGATIVE: ReadonlySet<OpName> = new Set<OpName>([
  'Relu',
  'Sigmoid',
  'Softmax',
  'Abs',
  'Exp',
  'Sqrt',
]);

/** Ops that keep every element, average them or pick one: signs and zeros pass. */
const KEEPING: ReadonlySet<OpName> = new Set<OpName>([
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
]);

/**
 * @param proportional whether the rule at a linear node gives no relevance to an input of 0
 * @param startVanishes whether the start itself is 0 where the logit is 0
 */
export function factsOf(graph: Graph, proportional: (node: Node) => boolean, startVanishes: boolean): Facts {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = (value: string) => graph.nodes.filter((node) => node.inputs.includes(value));
  const nonNegative = memoized((value): boolean => {
    const node = producer.get(value);
    if (!node) return graph.constants.get(value)?.data.every((v) => v >= 0) ?? false;
    return NON_NEGATIVE.has(node.op) || (KEEPING.has(node.op) && nonNegative(node.inputs[0]));
  });
  const vanishing = memoized((value): boolean => {
    if (graph.outputs.some((o) => o.name === value)) return startVanishes;
    return readers(value).every((node) => {
      // Averages take the ε rule, which is proportional.
      if (/Average/.test(node.op)) return true;
      return KEEPING.has(node.op) || node.op === 'Relu' ? vanishing(node.outputs[0]) : proportional(node);
    });
  });
  const gated = memoized((value): boolean => {
    if (graph.outputs.some((o) => o.name === value)) return false;
    return readers(value).every((node) => {
      if (node.op === 'MaxPool') return gated(node.outputs[0]);
      return node.op === 'Relu' && vanishing(node.outputs[0]);
    });
  });
  return { nonNegative, vanishing, gated };
}

function memoized<T>(f: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, f(key));
    return known.get(key) as T;
  };
}
