// Which operand of a product is a gate: one that ends in a bounded activation, and so says how much, not what.
import type { OpName } from '../graph/ops.ts';
import type { Graph, Node } from '../graph/types.ts';

/** How sure an op's result is to be a gate: what stays within 0 and 1, then what is clipped, then what is bounded. */
const CERTAINTY: Partial<Record<OpName, number>> = {
  Sigmoid: 3,
  HardSigmoid: 3,
  Softmax: 3,
  Erf: 3,
  Clip: 2,
  Tanh: 1,
};

/** Ops that leave a gate a gate. */
const THROUGH: ReadonlySet<OpName> = new Set<OpName>([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Neg',
  'BatchNormalization',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Expand',
  'Identity',
  'Cast',
  'Slice',
  'Split',
]);

/**
 * The index of the operand of a Mul that is a gate, so that the other is the signal; undefined where neither operand
 * ends in a bounded activation, or both do alike. SiLU, GELU (by Erf or Tanh) and HardSwish as arithmetic, and the
 * scales of squeeze-and-excitation are such products.
 */
export function gateOf(graph: Graph, node: Node, active: ReadonlySet<string>): 0 | 1 | undefined {
  const [a, b] = node.inputs.map((name) => certainty(graph, name, active));
  if (a === b || node.inputs[0] === node.inputs[1]) return undefined;
  return a > b ? 0 : 1;
}

function certainty(graph: Graph, value: string, active: ReadonlySet<string>): number {
  const node = graph.nodes.find((n) => n.outputs.includes(value));
  if (!node) return 0;
  const own = CERTAINTY[node.op];
  if (own !== undefined) return own;
  if (!THROUGH.has(node.op)) return 0;
  const operands = node.inputs.filter((name) => active.has(name));
  return operands.length === 0 ? 0 : Math.min(...operands.map((name) => certainty(graph, name, active)));
}
