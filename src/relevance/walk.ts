// How relevance passes each node: linear layers by their rule, other layers by what the method or their kind says.
import { GraphError, MethodError } from '../errors.ts';
import { fromPlaces, maxPoolBackward, maxPoolForward, maxPoolPlaces } from '../graph/adjoint.ts';
import { unbroadcast } from '../graph/broadcasting.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { GRADIENT } from '../graph/gradient.ts';
import { logisticDenominator } from '../graph/logistic.ts';
import { OPS, type OpName } from '../graph/ops.ts';
import type { ReverseRule, ReverseTable, Visit } from '../graph/reverse.ts';
import type { Graph, Node, NodeOf } from '../graph/types.ts';
import { int64s } from '../graph/types.ts';
import type { Assignments } from './assign.ts';
import { biasAdd } from './canonize/scale.ts';
import type { Facts } from './facts.ts';
import { LAYER_KINDS, opsOfKind } from './kinds.ts';
import { type Absorbed, absorbingNothing } from './ledger.ts';
import { type BiasMap, LINEAR, type Linear } from './linear.ts';
import type { Unpooled } from './parts.ts';
import { propagate } from './propagate.ts';
import { isRule, type Treatment } from './rules.ts';
import { reduceWinner } from './winner.ts';

export interface Walk {
  readonly table: ReverseTable;
  /** What a ledger calls the rule of a node. */
  readonly ruleName: (node: Node) => string;
  /** What was absorbed at a node. */
  readonly absorbed: (node: Node) => Absorbed;
}

type Passed = readonly (string | undefined)[];

/**
 * The table of the relevance walk.
 * @param graph in the form that canonize gives
 * @param keeping whether what is absorbed is kept for a ledger
 * @param perUnit values to which relevance per unit is carried, and not relevance
 */
export function relevanceWalk(
  graph: Graph,
  assignments: Assignments,
  facts: Facts,
  keeping: boolean,
  perUnit: ReadonlySet<string> = new Set(),
): Walk {
  const absorbed = new Map<string, Absorbed>();
  const unpooled = new Map<string, Unpooled>();
  const maps = biasMaps(graph);
  const mapped = new Set([...maps.values()].map((map) => map.z));

  const backward = (v: Visit<OpName>): Passed => {
    const [name] = v.node.outputs;
    const { kind, treatment } = assignments.get(name) ?? { kind: 'other', treatment: undefined };
    const kept = keeping ? absorbingNothing() : undefined;
    if (kept) absorbed.set(name, kept);
    if (mapped.has(name)) return handTo(v, v.needs(0) ? 0 : 1, v.out);
    if (kind === 'max') return winner(v);
    if (kind === 'rearrangement') return rearranged(v, kept);
    if (!treatment) throw refusal(v);
    if (treatment.name === 'pass') return passed(v);
    if (isRule(treatment)) {
      const map = maps.get(name);
      const arriving = { z: map?.z ?? name, r: v.out, unpooled: unpooled.get(v.out) };
      const layer = linearAt(v, map, perUnit);
      const shares = propagate(v.g, layer, arriving, treatment, facts, kept);
      return v.node.inputs.map((_, i) => shares[layer.operands.findIndex((o) => o.index === i)]);
    }
    const given = byPassage(v, treatment.name);
    // What an activation's slope leaves of relevance is what goes on; the rest is dropped.
    if (kind === 'activation') kept?.dropped.push(...given.flatMap((r) => (r ? [v.g.sub(v.out, r)] : [])));
    return given;
  };

  const winner = (v: Visit<OpName>): Passed => {
    if (v.node.op === 'ReduceMax' || v.node.op === 'ReduceMin') {
      return [reduceWinner(v as Visit<'ReduceMax' | 'ReduceMin'>)];
    }
    if (v.node.op !== 'MaxPool') return byGradient(v);
    const { g, node, saved } = v as Visit<'MaxPool'>;
    const unpool = (pooled: string) => maxPoolBackward(g, node, saved, pooled);
    const spread = unpool(v.out);
    const places = (pooled: string) => maxPoolPlaces(g, node, saved, pooled);
    const extents = staticDims(v.shape(0).slice(2), v.where);
    const join = (parts: readonly string[]) => fromPlaces(g, parts, extents);
    unpooled.set(spread, { from: v.input(0), z: node.outputs[0], r: v.out, unpool, places, join });
    return [spread];
  };

  const rules = Object.keys(OPS).map((op) => [op, { forward: FORWARD[op as OpName], backward }]);
  const table = Object.fromEntries(rules) as { readonly [K in OpName]: ReverseRule<K> };
  return {
    table,
    ruleName: (node) => (mapped.has(node.outputs[0]) ? 'bias' : nameOf(assignments, node)),
    absorbed: (node) => absorbed.get(node.outputs[0]) ?? absorbingNothing(),
  };
}

/** Ops whose forward pass is emitted in another form than the model's. */
const FORWARD: { readonly [K in OpName]?: ReverseRule<K>['forward'] } = {
  MaxPool: maxPoolForward,
  Sigmoid: exactSigmoid,
};

/** ONNX Runtime's own is not exact enough for rules that divide by sums of small values. */
function exactSigmoid(g: GraphBuilder, node: NodeOf<'Sigmoid'>): Record<string, string> {
  const sum = logisticDenominator(g, node.inputs[0]);
  g.node({ op: 'Reciprocal', name: node.name, inputs: [sum], outputs: node.outputs, attributes: {} });
  return {};
}

/** What is done at a node, in a word. */
export function nameOf(assignments: Assignments, node: Node): string {
  const { kind, treatment } = assignments.get(node.outputs[0]) ?? {};
  if (kind === 'max') return 'winner';
  if (kind === 'rearrangement') return 'way back';
  if (kind === 'product' && treatment && !isRule(treatment)) return PRODUCT[treatment.name] ?? treatment.name;
  return treatment?.name ?? 'none';
}

const PRODUCT: Readonly<Record<string, string>> = {
  first: 'gate (second operand)',
  second: 'gate (first operand)',
};

/** The bias maps of layers with weights, by the output of the layer's own op. */
function biasMaps(graph: Graph): Map<string, BiasMap> {
  return new Map(
    graph.nodes.flatMap((node): [string, BiasMap][] => {
      const map = biasAdd(graph, node);
      return map ? [[node.outputs[0], { z: map.add.outputs[0], bias: map.bias }]] : [];
    }),
  );
}

function linearAt(v: Visit<OpName>, map: BiasMap | undefined, perUnit: ReadonlySet<string>): Linear {
  const make = LINEAR[v.node.op] as ((v: Visit<OpName>, map?: BiasMap) => Linear) | undefined;
  if (!make) throw refusal(v);
  const layer = make(v, map);
  return { ...layer, operands: layer.operands.map((o) => ({ ...o, perUnit: perUnit.has(o.x) })) };
}

/** All to one input. */
function handTo(v: Visit<OpName>, index: number, r: string): Passed {
  const handed = unbroadcast(v.g, r, v.shape(index));
  return v.node.inputs.map((_, i) => (i === index ? handed : undefined));
}

/** Relevance as it comes, where input and output have the same shape. */
function passed(v: Visit<OpName>): Passed {
  const index = v.node.inputs.findIndex((_, i) => v.needs(i));
  const [from, to] = [v.shape(index), v.g.shape(v.node.outputs[0])];
  if (from.length !== to.length || from.some((d, i) => d !== to[i])) {
    throw new MethodError({
      what: `relevance cannot pass ${v.where} as it comes`,
      expected: 'input and output of the same shape',
      got: `[${from.join(', ')}] and [${to.join(', ')}]`,
    });
  }
  return handTo(v, index, v.out);
}

function byGradient(v: Visit<OpName>): Passed {
  const rule = GRADIENT[v.node.op] as ReverseRule<OpName> | string;
  if (typeof rule === 'string')
    throw new GraphError(`nothing can be carried back through ${v.where}: ${rule}`);
  return rule.backward(v).map((r, i) => (v.needs(i) ? r : undefined));
}

function byPassage(v: Visit<OpName>, name: Exclude<Treatment['name'], 'pass'>): Passed {
  const { g } = v;
  const isRelu = v.node.op === 'Relu';
  switch (name) {
    case 'deconvnet':
      return isRelu ? [g.relu(v.out)] : byGradient(v);
    case 'guided-backprop': {
      if (!isRelu) return byGradient(v);
      const [gradient] = byGradient(v);
      return [g.relu(gradient as string)];
    }
    case 'first':
      return handTo(v, 0, v.out);
    case 'second':
      return handTo(v, 1, v.out);
    case 'halves':
      return v.node.inputs.map((_, i) => unbroadcast(g, g.mul(v.out, 0.5), v.shape(i)));
    default:
      return byGradient(v);
  }
}

/** The way back that a rearrangement's gradient takes, and what stays where nothing came from. */
function rearranged(v: Visit<OpName>, kept: Absorbed | undefined): Passed {
  const { g } = v;
  const node = v.node as Node;
  if (kept && node.op === 'Pad' && (node.attributes.mode ?? 'constant') === 'constant') {
    const shape = v.shape(0).map((d, i) => (i === 0 && typeof d === 'string' ? 1 : Number(d)));
    const real = g.emit('Pad', [
      g.emit('Expand', [1, int64s(shape)]),
      v.input(1),
      0,
      ...node.inputs.slice(3),
    ]);
    kept.padding.push(g.mul(v.out, g.sub(1, real)));
  }
  if (kept && node.op === 'Where') {
    if (!v.needs(1)) kept.dropped.push(g.where(v.input(0), v.out, 0));
    if (!v.needs(2)) kept.dropped.push(g.where(v.input(0), 0, v.out));
  }
  return byGradient(v);
}

function refusal(v: Visit<OpName>): GraphError {
  const product = v.node.op === 'Mul';
  const supported = LAYER_KINDS.filter((kind) => kind !== 'other' && kind !== 'rearrangement').flatMap(
    opsOfKind,
  );
  const rule = product ? 'first' : 'pass';
  return new GraphError({
    what: `no rule for ${v.where}${product ? ': neither operand alone is a gate' : ''}`,
    expected: `${supported.join(', ')} (layers with constant weights), ops that move elements, or a final Softmax, LogSoftmax or Sigmoid`,
    todo: `Name a rule for it in a composite: {"rules": [{"name": "${v.node.name}", "rule": "${rule}"}, …]}.`,
  });
}
