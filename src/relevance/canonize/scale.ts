// Scales and shifts what goes into or comes out of a layer with weights, by changing its weights and its bias.
import { type Array64, array64, broadcastTo } from '../../graph/array64.ts';
import { staticDims } from '../../graph/dims.ts';
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, Node, NodeOf, Tensor } from '../../graph/types.ts';
import { sizeOf } from '../../graph/types.ts';
import { alongAxis, type Field } from './affine-layer.ts';
import { constantField } from './constant-field.ts';
import { bypass, freeName, onlyReader, producerOf, replace, withConstant } from './edit.ts';

export type LinearNode = NodeOf<'Conv'> | NodeOf<'ConvTranspose'> | NodeOf<'Gemm'> | NodeOf<'MatMul'>;

/** Whether a node is a layer with constant weights, in the form that canonizing gives it. */
export function isLinear(graph: Graph, node: Node): node is LinearNode {
  const weight = graph.constants.get(node.inputs[1] ?? '');
  if (!weight || (node.inputs[2] && !graph.constants.has(node.inputs[2]))) return false;
  if (node.op === 'Gemm') return node.attributes.transB === 1 && (node.attributes.alpha ?? 1) === 1;
  if (node.op === 'MatMul') return weight.dims.length === 2;
  return node.op === 'Conv' || node.op === 'ConvTranspose';
}

/** The Add of a constant that alone reads a layer with weights and without a bias of its own: its bias map. */
export function biasAdd(graph: Graph, node: Node): { readonly add: Node; readonly bias: string } | undefined {
  if (!isLinear(graph, node) || node.inputs[2]) return undefined;
  const add = onlyReader(graph, node.outputs[0]);
  const bias = add?.inputs.find((name) => name !== node.outputs[0]) ?? '';
  return add?.op === 'Add' && graph.constants.has(bias) ? { add, bias } : undefined;
}

/** The layer with weights that a value is the result of, its bias map included. */
export function linearBefore(graph: Graph, value: string): LinearNode | undefined {
  const node = producerOf(graph, value);
  if (!node) return undefined;
  if (isLinear(graph, node)) return node;
  const inner =
    node.op === 'Add' ? node.inputs.map((name) => producerOf(graph, name)).find(Boolean) : undefined;
  return inner && biasAdd(graph, inner)?.add === node ? (inner as LinearNode) : undefined;
}

/** Makes the bias map of a layer its bias, where it is the same at all positions of a channel; undefined where not. */
export function withOwnBias(graph: Graph, node: LinearNode): Graph | undefined {
  const map = biasAdd(graph, node);
  const shape = inferShapes(graph).get(node.outputs[0])?.shape ?? [];
  const bias =
    map && node.op !== 'MatMul' ? alongAxis(graph.constants.get(map.bias) as Tensor, shape, 1) : undefined;
  if (!map || !bias) return undefined;
  const dtype = graph.constants.get(node.inputs[1])?.dtype ?? 'float32';
  const put = withConstant(graph, `${node.outputs[0]}/bias`, { dtype, dims: [bias.length], data: bias });
  const own = { ...node, inputs: [...node.inputs.slice(0, 2), put.name] } as Node;
  return bypass(replace(put.graph, node, [own]), map.add, node.outputs[0]);
}

/** Makes k·f(x) + c of f(x); undefined where k differs within a channel. */
export function scaleOutputs(graph: Graph, node: LinearNode, k: Field, c: Field): Graph | undefined {
  const shape = inferShapes(graph).get(node.outputs[0])?.shape ?? [];
  const scale = alongAxis(k, shape, channelAxis(node, shape.length));
  if (!scale) return undefined;
  const scaled = scaledWeight(graph, node, 'output', scale);
  const factor = channelField(node, scale, shape.length);
  const terms = [
    factor,
    shiftOf(graph, node),
    typeof c === 'number' ? array64([c], []) : array64(c.data, c.dims),
  ];
  return withShift(
    scaled,
    node.outputs[0],
    broadcastTo(terms, (s, b, shift) => s * b + shift),
  );
}

/** Makes f(k·x + c) of f(x), for k and c by input channel [C]; the shift is that of c under the layer's zero padding. */
export function scaleInputs(
  graph: Graph,
  node: LinearNode,
  k: Float64Array,
  c: Float64Array,
): Graph | undefined {
  const types = inferShapes(graph);
  if (types.get(node.inputs[0])?.shape[1] !== k.length) return undefined;
  const scaled = scaledWeight(graph, node, 'input', k);
  if (c.every((v) => v === 0)) return scaled;
  const weight = graph.constants.get(node.inputs[1]) as Tensor;
  const spatial = staticDims(types.get(node.inputs[0])?.shape.slice(2) ?? [], node.name);
  const more = constantField(node, weight, c, spatial, runsOf(node, weight.dims));
  const shift = broadcastTo([shiftOf(graph, node), more], (a, b) => a + b);
  return withShift(scaled, node.outputs[0], shift);
}

function channelAxis(node: Node, rank: number): number {
  return node.op === 'MatMul' ? rank - 1 : 1;
}

/** One number a channel, to broadcast against a clip of the layer's output. */
function channelField(node: Node, data: ArrayLike<number>, rank: number): Array64 {
  const after = node.op === 'MatMul' ? 0 : rank - 2;
  return array64(data, [data.length, ...new Array<number>(after).fill(1)]);
}

/** What a layer adds, its bias or its bias map: it broadcasts against a clip of its output. */
function shiftOf(graph: Graph, node: LinearNode): Array64 {
  const rank = inferShapes(graph).get(node.outputs[0])?.shape.length ?? 2;
  const own = graph.constants.get(node.inputs[2] ?? '');
  if (own) return channelField(node, own.data, rank);
  const map = graph.constants.get(biasAdd(graph, node)?.bias ?? '');
  return map ? array64(map.data, map.dims) : array64([0], []);
}

/** Gives a layer another shift: as its bias where it is the same at all positions of a channel, else as a map. */
function withShift(graph: Graph, output: string, shift: Array64): Graph {
  const node = producerOf(graph, output) as LinearNode;
  const shape = inferShapes(graph).get(output)?.shape ?? [];
  const map = biasAdd(graph, node);
  const dtype = graph.constants.get(node.inputs[1])?.dtype ?? 'float32';
  const vector = alongAxis(
    { dtype, dims: shift.dims, data: shift.data },
    shape,
    channelAxis(node, shape.length),
  );
  if (vector && !map && node.op !== 'MatMul') {
    const put = withConstant(graph, `${output}/bias`, { dtype, dims: [vector.length], data: vector });
    return replace(put.graph, node, [{ ...node, inputs: [...node.inputs.slice(0, 2), put.name] } as Node]);
  }
  const put = withConstant(graph, `${output}/shift`, { dtype, dims: shift.dims, data: shift.data });
  if (map) {
    const add = {
      ...map.add,
      inputs: map.add.inputs.map((name) => (name === map.bias ? put.name : name)),
    } as Node;
    return replace(put.graph, map.add, [add]);
  }
  const inner = freeName(put.graph, `${output}/linear`);
  const linear = { ...node, inputs: node.inputs.slice(0, 2), outputs: [inner] } as Node;
  const add: Node = {
    op: 'Add',
    name: freeName(put.graph, `${node.name}/shift`),
    inputs: [inner, put.name],
    outputs: [output],
    attributes: {},
  };
  return replace(put.graph, node, [linear, add]);
}

function scaledWeight(graph: Graph, node: LinearNode, side: 'input' | 'output', k: Float64Array): Graph {
  if (k.every((v) => v === 1)) return graph;
  const weight = graph.constants.get(node.inputs[1]) as Tensor;
  const data = new Float64Array(weight.data.length);
  for (const { input, output, from, to } of runsOf(node, weight.dims)) {
    const factor = k[side === 'input' ? input : output];
    for (let i = from; i < to; i++) data[i] = weight.data[i] * factor;
  }
  const put = withConstant(graph, `${node.outputs[0]}/weight`, { ...weight, data });
  return replace(put.graph, node, [{ ...node, inputs: node.inputs.with(1, put.name) } as Node]);
}

/** The weights between one input and one output channel, one after the other in the file. */
export interface Run {
  readonly input: number;
  readonly output: number;
  readonly from: number;
  readonly to: number;
}

/** The weights of a layer by the channels that they join. */
function* runsOf(node: LinearNode, [a, b, ...kernel]: readonly number[]): Generator<Run> {
  const inner = sizeOf(kernel);
  const group = node.op === 'Conv' || node.op === 'ConvTranspose' ? (node.attributes.group ?? 1) : 1;
  const outputsFirst = node.op === 'Conv' || node.op === 'Gemm';
  for (let first = 0; first < a; first++) {
    // The second axis counts within a group.
    const base = Math.floor(first / (a / group)) * b;
    for (let second = 0; second < b; second++) {
      const from = (first * b + second) * inner;
      const [input, output] = outputsFirst ? [base + second, first] : [first, base + second];
      yield { input, output, from, to: from + inner };
    }
  }
}
