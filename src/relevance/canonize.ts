// Brings a classifier's graph into the form that rules apply to: batch norm merged, dense layers as Gemm(x, Wᵀ, b), logits last.
import { GraphError, ModelError } from '../errors.ts';
import { inferShapes } from '../graph/shapes.ts';
import { prune } from '../graph/simplify.ts';
import type { Graph, Node, NodeOf, Tensor, ValueInfo } from '../graph/types.ts';
import { stridesOf } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';

/**
 * The form of a classifier that rules apply to: one float input, one output of logits [N, classes].
 * A final Softmax or LogSoftmax is looked through: the logit is what is explained.
 * @throws ModelError where the graph is no such classifier
 */
export function canonize(graph: Graph): Graph {
  let current = lookThrough(onlyInput(graph));
  for (const pass of [dropInference, mergePads, denseAsGemm, mergeBatchNorm]) current = pass(current);
  return verify(prune(current));
}

function onlyInput(graph: Graph): Graph {
  const [input] = graph.inputs;
  if (graph.inputs.length !== 1 || input.dtype !== 'float32') {
    throw new ModelError({
      what: `model "${graph.name}"`,
      expected: 'one float32 input',
      got: graph.inputs.map((i) => `${i.name}: ${i.dtype}`).join(', ') || 'none',
    });
  }
  return graph;
}

function lookThrough(graph: Graph): Graph {
  const final = (name: string) => graph.nodes.find((n) => n.outputs[0] === name);
  const named = graph.outputs.find((o) => o.name === 'logits') ?? graph.outputs[0];
  let logits = named?.name ?? '';
  for (;;) {
    const node = final(logits);
    if (node?.op !== 'Softmax' && node?.op !== 'LogSoftmax' && node?.op !== 'Identity') break;
    logits = node.inputs[0];
  }
  const type = inferShapes(graph).get(logits);
  if (type?.dtype !== 'float32' || type.shape.length !== 2 || typeof type.shape[1] !== 'number') {
    throw new ModelError({
      what: `model "${graph.name}" is no classifier`,
      expected: 'an output of logits [N, classes]',
      got: graph.outputs.map((o) => `${o.name} [${o.shape.join(', ')}]`).join(', '),
    });
  }
  return { ...graph, outputs: [{ name: logits, dtype: type.dtype, shape: type.shape }] };
}

/** Replaces every use of a value by another. */
function rename(graph: Graph, from: string, to: string): Graph {
  const use = (name: string) => (name === from ? to : name);
  return {
    ...graph,
    nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(use) }) as Node),
    outputs: graph.outputs.map((o): ValueInfo => ({ ...o, name: use(o.name) })),
  };
}

function uses(graph: Graph, name: string): number {
  const byNodes = graph.nodes.reduce((n, node) => n + node.inputs.filter((i) => i === name).length, 0);
  return byNodes + graph.outputs.filter((o) => o.name === name).length;
}

/** Dropout, Identity and a Pad by nothing (as PyTorch writes it before average pooling) do nothing at inference. */
function dropInference(graph: Graph): Graph {
  const nothing = (node: Node) =>
    node.op === 'Dropout' ||
    node.op === 'Identity' ||
    (node.op === 'Pad' && graph.constants.get(node.inputs[1])?.data.every((n) => n === 0));
  let current = graph;
  for (const { outputs } of graph.nodes.filter(nothing)) {
    const node = current.nodes.find((n) => n.outputs[0] === outputs[0]) as Node;
    const nodes = current.nodes.filter((n) => n !== node);
    current = rename({ ...current, nodes }, outputs[0], node.inputs[0]);
  }
  return current;
}

/** A Pad of zeros before a Conv or average pooling that alone reads it becomes its padding. */
function mergePads(graph: Graph): Graph {
  let current = graph;
  for (const pad of graph.nodes) {
    if (pad.op !== 'Pad' || (pad.attributes.mode ?? 'constant') !== 'constant' || pad.inputs[3]) continue;
    const amounts = Array.from(current.constants.get(pad.inputs[1])?.data ?? []);
    const value = pad.inputs[2] ? current.constants.get(pad.inputs[2])?.data[0] : 0;
    const reader = current.nodes.find((n) => n.inputs[0] === pad.outputs[0]);
    const takes = reader && paddedBy(reader, amounts);
    if (value !== 0 || !takes || uses(current, pad.outputs[0]) !== 1) continue;
    const merged = { ...takes, inputs: takes.inputs.with(0, pad.inputs[0]) } as Node;
    const nodes = current.nodes.flatMap((n) => (n === pad ? [] : n === reader ? [merged] : [n]));
    current = { ...current, nodes };
  }
  return current;
}

/** A Conv, or an average pooling without padding of its own, with zeros added around its input; undefined for others. */
function paddedBy(node: Node, amounts: readonly number[]): Node | undefined {
  const rank = amounts.length / 2;
  const [begin, end] = [amounts.slice(0, rank), amounts.slice(rank)];
  const spatialOnly = [begin, end].every(
    (side) => side[0] === 0 && side[1] === 0 && side.every((n) => n >= 0),
  );
  if ((node.op !== 'Conv' && node.op !== 'AveragePool') || rank < 3 || !spatialOnly) return undefined;
  if ((node.attributes.auto_pad ?? 'NOTSET') !== 'NOTSET') return undefined;
  const added = [...begin.slice(2), ...end.slice(2)];
  const own = node.attributes.pads ?? added.map(() => 0);
  if (node.op === 'Conv') {
    return { ...node, attributes: { ...node.attributes, pads: added.map((n, i) => n + own[i]) } };
  }
  if (own.some((n) => n > 0) || node.attributes.ceil_mode) return undefined;
  return { ...node, attributes: { ...node.attributes, pads: added, count_include_pad: 1 } };
}

/** Gemm(x, W, b) with transB = 1, α = β = 1, from every Gemm and from MatMul (+ Add) by a constant matrix. */
function denseAsGemm(graph: Graph): Graph {
  const types = inferShapes(graph);
  const constants = new Map(graph.constants);
  const nodes: Node[] = [];
  const merged = new Set<string>();
  for (const node of graph.nodes) {
    if (merged.has(node.outputs[0])) continue;
    if (node.op === 'Gemm') {
      nodes.push(normalGemm(node, constants));
    } else if (node.op === 'MatMul' && isDense(node)) {
      const add = biasOf(node);
      if (add) merged.add(add.node.outputs[0]);
      const output = add?.node.outputs[0] ?? node.outputs[0];
      const inputs = [node.inputs[0], node.inputs[1], ...(add ? [add.bias] : [])];
      nodes.push(normalGemm({ ...node, op: 'Gemm', inputs, outputs: [output], attributes: {} }, constants));
    } else {
      nodes.push(node);
    }
  }
  return { ...graph, nodes, constants };

  function isDense(node: Node): boolean {
    return (
      types.get(node.inputs[0])?.shape.length === 2 && graph.constants.get(node.inputs[1])?.dims.length === 2
    );
  }

  /** The Add of a constant row that alone follows a MatMul. */
  function biasOf(node: Node): { node: Node; bias: string } | undefined {
    const product = node.outputs[0];
    const next = graph.nodes.find((n) => n.op === 'Add' && n.inputs.includes(product));
    const bias = next?.inputs.find((name) => name !== product) ?? '';
    const row = graph.constants.get(bias);
    const width = graph.constants.get(node.inputs[1])?.dims[1];
    const fits = row && row.dims.length <= 2 && row.dims.at(-1) === width && row.data.length === width;
    return next && fits && uses(graph, product) === 1 ? { node: next, bias } : undefined;
  }
}

function normalGemm(node: NodeOf<'Gemm'>, constants: Map<string, Tensor>): Node {
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = node.attributes;
  const weight = constants.get(node.inputs[1]);
  const bias = node.inputs[2] ? constants.get(node.inputs[2]) : undefined;
  if (!weight || transA || (node.inputs[2] && !bias)) {
    throw new GraphError({
      what: `Gemm "${node.name}" has no fixed weights`,
      expected: 'x · W + b with constant W and b',
      todo: 'Explain a model whose weights are constants of the file.',
    });
  }
  const weightName = put(
    constants,
    `${node.outputs[0]}/weight`,
    scaled(transB ? weight : transposed(weight), alpha),
  );
  const inputs = [node.inputs[0], weightName];
  if (bias) {
    const units = (transB ? weight.dims[0] : weight.dims[1]) as number;
    if (bias.data.length !== 1 && bias.data.length !== units) {
      throw new GraphError({
        what: `Gemm "${node.name}": bias`,
        expected: `one number for each of ${units} units`,
        got: `[${bias.dims.join(', ')}]`,
      });
    }
    const row = Float64Array.from(
      { length: units },
      (_, i) => beta * bias.data[bias.data.length === 1 ? 0 : i],
    );
    inputs.push(put(constants, `${node.outputs[0]}/bias`, { dtype: bias.dtype, dims: [units], data: row }));
  }
  return { ...node, inputs, attributes: { transB: 1 } };
}

/** Adds a constant under that name, or one made of it where the model has that name itself. */
function put(constants: Map<string, Tensor>, base: string, t: Tensor): string {
  let name = base;
  while (constants.has(name)) name += "'";
  constants.set(name, t);
  return name;
}

function scaled(t: Tensor, by: number): Tensor {
  return by === 1 ? t : { ...t, data: Float64Array.from(t.data, (v) => v * by) };
}

function transposed(t: Tensor): Tensor {
  const [rows, columns] = t.dims;
  const data = Float64Array.from(t.data, (_, i) => t.data[(i % rows) * columns + Math.floor(i / rows)]);
  return { ...t, dims: [columns, rows], data };
}

/**
 * Merges a batch norm into the Conv or Gemm whose only use it is:
 * k = γ/√(σ² + ε), W′ = k·W, b′ = (b − μ)·k + β, in double precision.
 */
function mergeBatchNorm(graph: Graph): Graph {
  let current = graph;
  for (const node of graph.nodes) if (node.op === 'BatchNormalization') current = merged(current, node);
  return current;
}

/** The graph with one batch norm merged; as it is where that cannot be. */
function merged(g: Graph, node: NodeOf<'BatchNormalization'>): Graph {
  if (node.attributes.training_mode) {
    throw new GraphError({
      what: `BatchNormalization "${node.name}" is in training mode: its result depends on the whole batch`,
      todo: 'Export the model for inference (eval mode).',
    });
  }
  const before = g.nodes.find((n) => n.outputs[0] === node.inputs[0]);
  const linear = before?.op === 'Conv' || before?.op === 'Gemm' ? before : undefined;
  const statistics = node.inputs.slice(1).map((name) => g.constants.get(name));
  const weight = linear && g.constants.get(linear.inputs[1]);
  const bias = g.constants.get(linear?.inputs[2] ?? '');
  const computed = linear?.inputs[2] && !bias;
  if (!linear || !weight || computed || uses(g, node.inputs[0]) !== 1 || statistics.some((t) => !t)) return g;
  const [gamma, beta, mean, variance] = statistics.map((t) => (t as Tensor).data);
  const epsilon = node.attributes.epsilon ?? 1e-5;
  const k = Float64Array.from(gamma, (v, c) => v / Math.sqrt(variance[c] + epsilon));
  const perUnit = stridesOf(weight.dims)[0];
  const constants = new Map(g.constants);
  const names = [
    put(constants, `${node.outputs[0]}/weight`, {
      ...weight,
      data: Float64Array.from(weight.data, (v, i) => v * k[Math.floor(i / perUnit)]),
    }),
    put(constants, `${node.outputs[0]}/bias`, {
      dtype: 'float32',
      dims: [k.length],
      data: k.map((v, c) => ((bias?.data[c] ?? 0) - mean[c]) * v + beta[c]),
    }),
  ];
  const mergedNode = { ...linear, inputs: [linear.inputs[0], ...names], outputs: node.outputs } as Node;
  const nodes = g.nodes.flatMap((n) => (n === node ? [] : n === before ? [mergedNode] : [n]));
  return { ...g, nodes, constants };
}
