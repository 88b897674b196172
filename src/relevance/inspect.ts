// Tells, layer by layer, what a method does with a model: the rule, what was merged into what, what passes and why.
import type { InputRange } from '../features/range.ts';
import { inferShapes } from '../graph/shapes.ts';
import type { Graph, Node, Shape } from '../graph/types.ts';
import { type Assignments, activeValues, assign } from './assign.ts';
import { canonize } from './canonize/canonize.ts';
import { biasAdd } from './canonize/scale.ts';
import type { LayerKind } from './kinds.ts';
import { type Method, showNumber } from './method.ts';
import { isRule, type Rule, type Treatment } from './rules.ts';
import { nameOf } from './walk.ts';

/** One node of the model. */
export interface InspectedNode {
  readonly node: string;
  readonly op: string;
  /** Of its first output. */
  readonly shape: Shape;
  readonly kind: LayerKind | null;
  /** The rule with its parameters, or what is done in its place; null where no relevance comes by, or none can pass. */
  readonly rule: string | null;
  /** What was merged, what passes and why. */
  readonly note: string;
  /** Whether relevance arrives and no rule lets it pass. */
  readonly refused: boolean;
}

export interface Inspection {
  readonly method: string;
  readonly start: 'logit' | 'one';
  readonly nodes: readonly InspectedNode[];
}

const NOTES: Readonly<Partial<Record<LayerKind, string>>> = {
  activation: 'relevance passes as it is',
  max: 'the winner takes all, the first of equals',
  rearrangement: 'relevance goes back the way the elements came',
  average: 'a linear layer of equal weights',
  sum: 'each operand by its share',
  affine: 'a layer of its own: it merges with no layer before or after it',
};

/**
 * What a method does at each node of a model, in the model's order.
 * @throws ModelError where the graph is no classifier, MethodError where the method does not fit it
 */
export function inspect(model: Graph, method: Method, range?: InputRange): Inspection {
  const notes = new Map<string, string>();
  const canonical = canonize(model, (node, what) => {
    notes.set(node, notes.has(node) ? `${notes.get(node)}; ${what}` : what);
  });
  const assignments = assign(canonical, method, range);
  const kept = new Map(canonical.nodes.map((node) => [node.name, node]));
  const shapes = inferShapes(model);
  const active = activeValues(model);
  const carrying = relevant(canonical, assignments);
  const nodes = model.nodes.map((node): InspectedNode => {
    const own = kept.get(node.name);
    const base = { node: node.name, op: node.op, shape: shapes.get(node.outputs[0])?.shape ?? [] };
    const nothing = { ...base, kind: null, rule: null, refused: false };
    const note = notes.get(node.name);
    if (!own)
      return {
        ...nothing,
        note: note ?? (active.has(node.outputs[0]) ? 'not needed for the logits' : 'constant'),
      };
    const { kind, treatment } = assignments.get(own.outputs[0]) ?? {};
    if (!kind) return { ...nothing, note: note ?? 'does not depend on the input' };
    if (!carrying.has(own)) return { ...nothing, kind, note: 'steers a gate: no relevance comes here' };
    const refused = !treatment && kind !== 'max' && kind !== 'rearrangement';
    return {
      ...base,
      kind,
      rule: refused ? null : (showTreatment(treatment) ?? nameOf(assignments, own)),
      note: [note, refused ? 'no rule: name one in a composite' : whyOf(canonical, own, kind, treatment)]
        .filter(Boolean)
        .join('; '),
      refused,
    };
  });
  return { method: method.name, start: method.start, nodes };
}

function whyOf(graph: Graph, node: Node, kind: LayerKind, treatment: Treatment | undefined): string {
  if (treatment?.name === 'gradient') return '';
  if (kind === 'product') return 'the signal takes all, its gate is as a constant';
  if (kind === 'affine' && treatment?.name === 'pass') return 'a scale: relevance passes as it is';
  return NOTES[kind] ?? (biasAdd(graph, node) ? 'its shift differs by position: a bias map' : '');
}

/** A rule with its parameters, as they are written. */
function showTreatment(treatment: Treatment | undefined): string | undefined {
  if (!treatment || !isRule(treatment)) return undefined;
  const { name, parameters, stabilizer, relative, bias }: Rule = treatment;
  const own = Object.entries(parameters).map(([key, value]) => `${key}=${showNumber(value)}`);
  const plain = name === 'epsilon' || name === 'lrp-0' || name === 'pass';
  return [
    name,
    [
      ...own,
      ...(plain ? [] : [`stabilizer=${showNumber(stabilizer)}`]),
      ...(relative ? ['relative'] : []),
      ...(bias === 'ignore' ? ['bias=ignore'] : []),
    ].join(','),
  ]
    .filter(Boolean)
    .join(':');
}

/** The nodes that relevance comes by: those on a way from the logits to the input that goes by no gate. */
function relevant(graph: Graph, assignments: Assignments): Set<Node> {
  const values = new Set(graph.outputs.map((o) => o.name));
  const found = new Set<Node>();
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => values.has(name)) || !assignments.has(node.outputs[0])) continue;
    found.add(node);
    const { treatment } = assignments.get(node.outputs[0]) ?? {};
    const signal = { first: 0, second: 1 }[treatment?.name as string];
    node.inputs.forEach((name, i) => {
      if (signal === undefined || signal === i) values.add(name);
    });
  }
  return found;
}
