// Merges affine layers (batch norm, arithmetic with constants) into the linear layer before or after them.
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, Node } from '../../graph/types.ts';
import { type Affine, affineAt, alongAxis, asBatchNorm, field } from './affine-layer.ts';
import type { Note } from './canonize.ts';
import { bypass, onlyReader, producerOf, replace, uses, withConstant } from './edit.ts';
import {
  biasAdd,
  isLinear,
  type LinearNode,
  linearBefore,
  scaleInputs,
  scaleOutputs,
  withOwnBias,
} from './scale.ts';

/** One rewriting at a node; undefined where it does not apply. */
type Step = (graph: Graph, affine: Affine, note: Note) => Graph | undefined;

/**
 * Merges every affine layer y = k·x + c for which that is exact: into the linear layer before it, also back through a
 * MaxPool where all k > 0; else, joined with affine layers next to it, into the linear layer after it, through max
 * pooling and flattening. What remains is a layer of its own.
 */
export function mergeAffine(graph: Graph, note: Note): Graph {
  const steps: readonly Step[][] = [[intoBefore, withNext], [intoAfter], [asScale]];
  return steps.reduce((current, these) => untilSettled(current, these, note), graph);
}

function untilSettled(graph: Graph, steps: readonly Step[], note: Note): Graph {
  let current = graph;
  for (;;) {
    const next = firstRewriting(current, steps, note);
    if (!next) return current;
    current = next;
  }
}

function firstRewriting(graph: Graph, steps: readonly Step[], note: Note): Graph | undefined {
  const types = inferShapes(graph);
  for (const node of graph.nodes) {
    const affine = affineAt(graph, node, types);
    if (!affine) continue;
    const owner = linearBefore(graph, affine.x);
    if (owner && biasAdd(graph, owner)?.add === node) {
      // A bias map is a part of its layer.
      const next = withOwnBias(graph, owner);
      if (next) return next;
      continue;
    }
    for (const step of steps) {
      const next = step(graph, affine, note);
      if (next) return next;
    }
  }
  return undefined;
}

/** Into the linear layer whose only use it is, past a MaxPool where all k > 0: W′ = k·W, b′ = k·b + c. */
const intoBefore: Step = (graph, { node, x, k, c, shape }, note) => {
  if (uses(graph, x) !== 1) return undefined;
  const pool = producerOf(graph, x);
  const pooled = pool?.op === 'MaxPool' && pool.outputs.length === 1;
  const ordered = alongAxis(k, shape, 1)?.every((v) => v > 0) && alongAxis(c, shape, 1);
  if (pooled && (!ordered || uses(graph, pool.inputs[0]) !== 1)) return undefined;
  const linear = linearBefore(graph, pooled ? pool.inputs[0] : x);
  if (!linear) return undefined;
  const scaled = scaleOutputs(graph, linear, k, c);
  if (!scaled) return undefined;
  note(node.name, `merged into ${linear.name}`);
  return bypass(scaled, producerOf(scaled, node.outputs[0]) as Node, x);
};

/** Two affine layers by channel in a row become one. */
const withNext: Step = (graph, affine, note) => {
  const [y] = affine.node.outputs;
  const reader = onlyReader(graph, y);
  const next = reader && affineAt(graph, reader, inferShapes(graph));
  if (!next || next.x !== y) return undefined;
  const [k1, c1, k2, c2] = [affine.k, affine.c, next.k, next.c].map((f) => alongAxis(f, affine.shape, 1));
  if (!k1 || !c1 || !k2 || !c2 || next.shape.length !== affine.shape.length) return undefined;
  note(affine.node.name, `joined with ${next.node.name}`);
  const joined = asBatchNorm(
    graph,
    next.node,
    affine.x,
    k1.map((v, i) => v * k2[i]),
    c1.map((v, i) => v * k2[i] + c2[i]),
  );
  return replace(joined, joined.nodes.find((n) => n.outputs[0] === y) as Node, []);
};

/**
 * Into the layer with weights that alone reads it, through max pooling and flattening: W′ = W·k, and W·c as a shift. Not
 * through averages: they have a rule of their own, whose stabilizer would be of another size beside k·x.
 */
const intoAfter: Step = (graph, affine, note) => {
  const k = alongAxis(affine.k, affine.shape, 1);
  const c = alongAxis(affine.c, affine.shape, 1);
  if (!k || !c) return undefined;
  const way = wayOn(graph, affine);
  if (!way) return undefined;
  // Through a maximum go only channels that keep its order; the others stay behind.
  const goes = k.map((v) => Number(!way.throughMax || v >= 0));
  if (!goes.some(Boolean)) return undefined;
  const moved = (v: Float64Array, neutral: number) =>
    Float64Array.from(
      Array.from(v).flatMap((value, i) => new Array<number>(way.repeats).fill(goes[i] ? value : neutral)),
    );
  const scaled = scaleInputs(graph, way.linear, moved(k, 1), moved(c, 0));
  if (!scaled) return undefined;
  const own = scaled.nodes.find((n) => n.outputs[0] === affine.node.outputs[0]) as Node;
  if (goes.every(Boolean)) {
    note(affine.node.name, `merged into ${way.linear.name}`);
    return bypass(scaled, own, affine.x);
  }
  if (goes.every((g, i) => !g || (k[i] === 1 && c[i] === 0))) return undefined;
  note(affine.node.name, `merged into ${way.linear.name}, channels of negative scale aside`);
  return asBatchNorm(
    scaled,
    own,
    affine.x,
    k.map((v, i) => (goes[i] ? 1 : v)),
    c.map((v, i) => (goes[i] ? 0 : v)),
  );
};

interface Way {
  readonly linear: LinearNode;
  readonly throughMax: boolean;
  /** Inputs of the linear layer for each channel. */
  readonly repeats: number;
}

/** From an affine layer to the linear layer that alone reads it; undefined where something else stands between. */
function wayOn(graph: Graph, affine: Affine): Way | undefined {
  const types = inferShapes(graph);
  let value = affine.node.outputs[0];
  let throughMax = false;
  let repeats = 1;
  for (;;) {
    const reader = onlyReader(graph, value);
    if (!reader || reader.inputs[0] !== value) return undefined;
    if (isLinear(graph, reader) && reader.op !== 'MatMul') return { linear: reader, throughMax, repeats };
    const from = types.get(value)?.shape ?? [];
    const to = types.get(reader.outputs[0])?.shape ?? [];
    switch (reader.op) {
      case 'MaxPool':
      case 'GlobalMaxPool':
        if (reader.outputs.length > 1) return undefined;
        throughMax = true;
        break;
      case 'Flatten':
      case 'Reshape':
      case 'Squeeze': {
        const positions = from.slice(2).reduce((n: number, d) => n * Number(d), 1);
        const flat = to.length === 2 && to[0] === from[0] && to[1] === Number(from[1]) * positions;
        if (!flat || repeats > 1) return undefined;
        repeats = positions;
        break;
      }
      default:
        return undefined;
    }
    value = reader.outputs[0];
  }
}

/** Without a shift it is a scale, through which relevance passes as it is. */
const asScale: Step = (graph, { node, x, k, c, shape }) => {
  const [scale, shift] = [alongAxis(k, shape, 1), alongAxis(c, shape, 1)];
  if (node.op !== 'BatchNormalization' || !scale || !shift?.every((v) => v === 0)) return undefined;
  const dims = [scale.length, ...shape.slice(2).map(() => 1)];
  const put = withConstant(graph, `${node.outputs[0]}/scale`, field(scale, dims));
  const mul: Node = {
    op: 'Mul',
    name: node.name,
    inputs: [x, put.name],
    outputs: node.outputs,
    attributes: {},
  };
  return replace(put.graph, node, [mul]);
};
