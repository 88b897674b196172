// What is known before any run about signs and zeros; it keeps the relevance graph small.
import type { OpName } from '../graph/ops.ts';
import type { Graph, Node } from '../graph/types.ts';
import type { Assignments } from './assign.ts';
import { isProportional, isRule } from './rules.ts';

export interface Facts {
  /** A ReLU lets no relevance through to its input where that is ≤ 0. */
  readonly rectified: (relu: string) => boolean;
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
  'HardSigmoid',
  'Softmax',
  'Softplus',
  'Abs',
  'Exp',
  'Sqrt',
]);

/** Ops that move elements, and change none. */
const REARRANGING: readonly OpName[] = [
  'Concat',
  'Split',
  'Slice',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Identity',
];

/** Ops whose result is ≥ 0 where all that goes in is. */
const SIGN_KEEPING: ReadonlySet<OpName> = new Set<OpName>([
  ...REARRANGING,
  'MaxPool',
  'GlobalMaxPool',
  'ReduceMax',
  'AveragePool',
  'GlobalAveragePool',
  'ReduceMean',
  'ReduceSum',
  'Add',
  'Sum',
  'Mul',
  'Expand',
]);

/** Ops whose inputs get relevance 0 at 0 where their outputs do: they keep, pick or rectify elements. */
const ZERO_KEEPING: ReadonlySet<OpName> = new Set<OpName>([
  ...REARRANGING,
  'Relu',
  'MaxPool',
  'GlobalMaxPool',
]);

/** @param startVanishes whether the start itself is 0 where the logit is 0 */
export function factsOf(graph: Graph, assignments: Assignments, startVanishes: boolean): Facts {
  const producer = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readersOf = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of new Set(node.inputs)) readersOf.set(name, [...(readersOf.get(name) ?? []), node]);
  }
  const readers = (value: string) => readersOf.get(value) ?? [];
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const treatment = (node: Node) => assignments.get(node.outputs[0])?.treatment;
  const nonNegative = memoized((value): boolean => {
    const node = producer.get(value);
    if (!node) return graph.constants.get(value)?.data.every((v) => v >= 0) ?? false;
    const data =
      node.op === 'ReduceSum' || node.op === 'ReduceMean' || node.op === 'ReduceMax' ? 1 : undefined;
    const operands = /^(Reshape|Squeeze|Unsqueeze|Expand|Slice|Split)$/.test(node.op) ? 1 : data;
    return (
      NON_NEGATIVE.has(node.op) ||
      (SIGN_KEEPING.has(node.op) && node.inputs.slice(0, operands).every(nonNegative))
    );
  });
  const vanishing = memoized((value): boolean => {
    if (outputs.has(value) && !startVanishes) return false;
    return readers(value).every((node) => {
      const treated = treatment(node);
      if (node.op === 'Relu' && treated?.name === 'deconvnet') return false;
      if (ZERO_KEEPING.has(node.op)) return node.outputs.every((name) => name === '' || vanishing(name));
      // The gate of a product takes nothing.
      if (!treated || !isRule(treated)) return false;
      return treated.name !== 'pass' && isProportional(treated);
    });
  });
  const rectified = (relu: string): boolean => {
    const name = assignments.get(relu)?.treatment?.name;
    if (name === 'deconvnet' || name === 'guided-backprop') return false;
    return name === 'gradient' || vanishing(relu);
  };
  const gated = memoized((value): boolean => {
    if (outputs.has(value)) return false;
    const by = readers(value);
    return (
      by.length > 0 &&
      by.every((node) => {
        if (node.op === 'MaxPool') return gated(node.outputs[0]);
        return node.op === 'Relu' && rectified(node.outputs[0]);
      })
    );
  });
  return { nonNegative, vanishing, gated, rectified };
}

function memoized<T>(f: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    if (!known.has(key)) known.set(key, f(key));
    return known.get(key) as T;
  };
}
