// Which treatment each node gets: the first clause of the method that selects it, or the default of its kind.
import { MethodError } from '../errors.ts';
import type { InputRange } from '../features/range.ts';
import type { OpName } from '../graph/ops.ts';
import type { Graph, Node } from '../graph/types.ts';
import { gateOf } from './gates.ts';
import { hasWeights, kindOf, type LayerKind } from './kinds.ts';
import type { Clause, Method } from './method.ts';
import { isRule, NORM, PASS, RULES, type Rule, type Treatment } from './rules.ts';

/** What is done at one node. */
export interface Assignment {
  readonly kind: LayerKind;
  /** undefined: what the kind does of itself (max, rearrangement), or nothing (other). */
  readonly treatment: Treatment | undefined;
}

/** Assignments by the name of a node's first output; nodes that do not depend on the model's input have none. */
export type Assignments = ReadonlyMap<string, Assignment>;

const DEFAULTS: Partial<Record<LayerKind, Treatment>> = {
  average: NORM,
  sum: NORM,
  affine: NORM,
  activation: PASS,
};

/** Ops that only scale: each output has one contribution, and all of the relevance is its. */
const SCALES: readonly OpName[] = ['Mul', 'Div', 'Neg'];

/** @throws MethodError where a clause gives a layer what it cannot take */
export function assign(graph: Graph, method: Method, range?: InputRange): Assignments {
  const active = activeValues(graph);
  const kinds = new Map(
    graph.nodes
      .filter((node) => node.inputs.some((name) => active.has(name)))
      .map((node) => [node, kindOf(node, (name) => active.has(name))]),
  );
  const positions = positionsOf(graph, kinds);
  const assignments = new Map<string, Assignment>();
  for (const [node, kind] of kinds) {
    const clause = method.clauses.find((c) => selects(c, node, kind, positions));
    const chosen = clause ? fitting(clause.treatment, node, kind, clause) : undefined;
    const scale = kind === 'affine' && SCALES.includes(node.op) ? PASS : undefined;
    const treatment = chosen ?? scale ?? DEFAULTS[kind] ?? gate(graph, node, kind, active);
    assignments.set(node.outputs[0], { kind, treatment: treatment && withRange(treatment, node, range) });
  }
  return assignments;
}

/** Every value that depends on the graph's inputs. */
export function activeValues(graph: Graph): Set<string> {
  const active = new Set(graph.inputs.map((input) => input.name));
  for (const node of graph.nodes) {
    if (node.op === 'Shape' || node.op === 'Size') continue;
    if (node.inputs.some((name) => active.has(name))) for (const name of node.outputs) active.add(name);
  }
  return active;
}

/** Where a layer with weights stands. */
interface Position {
  /** In the order of the data, from 0 and from the end. */
  readonly index: number;
  readonly fromEnd: number;
  /** No other layer with weights feeds it. */
  readonly first: boolean;
  /** It feeds no other layer with weights. */
  readonly last: boolean;
}

function positionsOf(graph: Graph, kinds: ReadonlyMap<Node, LayerKind>): Map<Node, Position> {
  const weighted = graph.nodes.filter((node) => hasWeights(kinds.get(node) ?? 'other'));
  const behind = reached(
    graph.nodes,
    weighted,
    (n) => n.inputs,
    (n) => n.outputs,
  );
  const before = reached(
    graph.nodes.toReversed(),
    weighted,
    (n) => n.outputs,
    (n) => n.inputs,
  );
  return new Map(
    weighted.map((node, index) => [
      node,
      { index, fromEnd: index - weighted.length, first: !behind.has(node), last: !before.has(node) },
    ]),
  );
}

/** The nodes that lie behind one of `from`, going from `entry` to `exit` of each node. */
function reached(
  nodes: readonly Node[],
  from: readonly Node[],
  entry: (node: Node) => readonly string[],
  exit: (node: Node) => readonly string[],
): Set<Node> {
  const values = new Set<string>();
  const found = new Set<Node>();
  for (const node of nodes) {
    if (entry(node).some((name) => values.has(name))) found.add(node);
    if (found.has(node) || from.includes(node)) for (const name of exit(node)) values.add(name);
  }
  return found;
}

function selects(
  { kinds, name, position }: Clause,
  node: Node,
  kind: LayerKind,
  positions: ReadonlyMap<Node, Position>,
): boolean {
  const at = positions.get(node);
  // A clause that says neither kind nor name is for layers with weights.
  if (!kinds && name === undefined && !at) return false;
  if (kinds && !kinds.includes(kind)) return false;
  if (name !== undefined && !matches(name, node.name)) return false;
  if (position === undefined) return true;
  if (!at) return false;
  if (position === 'first') return at.first;
  if (position === 'last') return at.last;
  return position === at.index || position === at.fromEnd;
}

/** Whether a text fits a pattern in which `*` stands for any text. */
function matches(pattern: string, text: string): boolean {
  const literal = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(text);
}

const LINEAR: readonly LayerKind[] = ['convolution', 'dense', 'average', 'sum', 'affine'];
const OPERANDS = ['first', 'second', 'halves'];

/** Whether a layer of that kind can be treated so. */
function takes(kind: LayerKind, treatment: Treatment): boolean {
  if (treatment.name === 'gradient') return true;
  if (treatment.name === 'pass') return kind !== 'product' && kind !== 'max' && kind !== 'rearrangement';
  if (isRule(treatment)) return LINEAR.includes(kind);
  return OPERANDS.includes(treatment.name) ? kind === 'product' : kind === 'activation';
}

function fitting(treatment: Treatment, node: Node, kind: LayerKind, clause: Clause): Treatment {
  if (takes(kind, treatment)) return treatment;
  const fit = [...Object.keys(RULES), 'gradient', 'guided-backprop', 'deconvnet', ...OPERANDS].filter(
    (name) => takes(kind, { name } as Treatment),
  );
  throw new MethodError({
    what: `${node.op} "${node.name}" cannot take "${treatment.name}"`,
    expected: `one of ${fit.join(', ')} for a layer of kind ${kind}`,
    todo: clause.kinds ? '' : 'Say for which kind of layer the rule is.',
  });
}

/** A product's signal takes all where the other operand is a gate, as a computed divisor always is. */
function gate(graph: Graph, node: Node, kind: LayerKind, active: ReadonlySet<string>): Treatment | undefined {
  if (kind !== 'product') return undefined;
  if (node.op === 'Div') return { name: 'first' };
  const index = gateOf(graph, node, active);
  return index === undefined ? undefined : { name: index === 0 ? 'second' : 'first' };
}

/** The box rule without bounds takes those of the model's input. */
function withRange(treatment: Treatment, node: Node, range: InputRange | undefined): Treatment {
  if (treatment.name !== 'zbox' || Object.hasOwn((treatment as Rule).parameters, 'low')) return treatment;
  if (!range) {
    throw new MethodError({
      what: `the box rule at ${node.op} "${node.name}" needs the range of the model's input`,
      expected: 'low and high, such as zbox:low=-1,high=1',
      got: 'neither, and the model does not say what its input is',
    });
  }
  return { ...(treatment as Rule), parameters: { low: range.low, high: range.high } };
}
