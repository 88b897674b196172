// Dense layers in one form: Gemm(x, Wᵀ, b) with α = β = 1 for matrices, MatMul by a constant for higher ranks.
import { inferShapes } from '../../graph/shapes.ts';
import type { Graph, Node, NodeOf, Tensor } from '../../graph/types.ts';
import type { Note } from './canonize.ts';
import { onlyReader, replace, withConstant } from './edit.ts';

/** Gemm(x, W, b) with transB = 1 from every Gemm with constant weights and from MatMul of a matrix by a constant one. */
export function denseAsGemm(graph: Graph, note: Note): Graph {
  const types = inferShapes(graph);
  let current = graph;
  for (const node of graph.nodes) {
    const own = current.nodes.find((n) => n.outputs[0] === node.outputs[0]);
    if (own?.op === 'Gemm') current = normalGemm(current, own, own);
    if (own?.op !== 'MatMul' || types.get(own.inputs[0])?.shape.length !== 2) continue;
    if (current.constants.get(own.inputs[1])?.dims.length !== 2) continue;
    const add = biasOf(current, own);
    if (add) note(add.node.name, `bias of ${own.name}`);
    const inputs = [own.inputs[0], own.inputs[1], ...(add ? [add.bias] : [])];
    const outputs = [(add?.node ?? own).outputs[0]];
    const gemm: NodeOf<'Gemm'> = { ...own, op: 'Gemm', inputs, outputs, attributes: {} };
    current = normalGemm(add ? replace(current, add.node, []) : current, own, gemm);
  }
  return current;
}

/** The Add of a constant row that alone follows a MatMul. */
function biasOf(graph: Graph, node: Node): { node: Node; bias: string } | undefined {
  const [product] = node.outputs;
  const next = onlyReader(graph, product);
  if (next?.op !== 'Add') return undefined;
  const bias = next.inputs.find((name) => name !== product) ?? '';
  const row = graph.constants.get(bias);
  const width = graph.constants.get(node.inputs[1])?.dims[1];
  const fits = row && row.dims.length <= 2 && row.dims.at(-1) === width && row.data.length === width;
  return fits ? { node: next, bias } : undefined;
}

/** Puts a Gemm in that form in the place of a node; one without constant weights stays, and has no rule. */
function normalGemm(graph: Graph, node: Node, gemm: NodeOf<'Gemm'>): Graph {
  const { alpha = 1, beta = 1, transA = 0, transB = 0 } = gemm.attributes;
  const weight = graph.constants.get(gemm.inputs[1]);
  const bias = gemm.inputs[2] ? graph.constants.get(gemm.inputs[2]) : undefined;
  if (!weight || transA || (gemm.inputs[2] && !bias)) return graph;
  const units = weight.dims[transB ? 0 : 1];
  if (bias && bias.data.length !== 1 && bias.data.length !== units) return graph;
  if (
    alpha === 1 &&
    beta === 1 &&
    transB &&
    (!bias || (bias.dims.length === 1 && bias.data.length === units))
  )
    return replace(graph, node, [{ ...gemm, attributes: { transB: 1 } }]);
  const put = withConstant(
    graph,
    `${gemm.outputs[0]}/weight`,
    scaled(transB ? weight : transposed(weight), alpha),
  );
  const inputs = [gemm.inputs[0], put.name];
  let current = put.graph;
  if (bias) {
    const one = bias.data.length === 1;
    const data = Float64Array.from({ length: units }, (_, i) => beta * bias.data[one ? 0 : i]);
    const row = withConstant(current, `${gemm.outputs[0]}/bias`, { dtype: bias.dtype, dims: [units], data });
    current = row.graph;
    inputs.push(row.name);
  }
  return replace(current, node, [{ ...gemm, inputs, attributes: { transB: 1 } }]);
}

function scaled(t: Tensor, by: number): Tensor {
  return by === 1 ? t : { ...t, data: Float64Array.from(t.data, (v) => v * by) };
}

function transposed(t: Tensor): Tensor {
  const [rows, columns] = t.dims;
  const data = new Float64Array(t.data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) data[c * rows + r] = t.data[r * columns + c];
  return { ...t, dims: [columns, rows], data };
}
