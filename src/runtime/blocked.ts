// Convolutions by filters that change from run to run, in the layout of channels in which ONNX Runtime's CPU computes fastest.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
} from 'onnx-buf';
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import { encodeOnnx, modelOf } from '../graph/onnx.ts';
import { type Graph, type Node, type Shape, sizeOf } from '../graph/types.ts';
import { float32, type Session } from './runtime.ts';

/** ONNX Runtime's ops on images whose channels lie in blocks: [N, C/B, H, W, B], written as [N, C, H, W]. */
const DOMAIN = 'com.microsoft.nchwc';

/** Channels of a block, by processor: 16 floats of AVX-512, 8 of AVX and SSE. */
const BLOCKS = [16, 8] as const;
export type Block = (typeof BLOCKS)[number];

/**
 * Whether a graph has convolutions whose filters are no constants, as a training step's are. For constants ONNX Runtime
 * chooses this layout by itself.
 */
export function hasVaryingFilters(graph: Graph): boolean {
  const varies = varying(graph);
  return graph.nodes.some(({ op, inputs }) => op === 'Conv' && varies.has(inputs[1]));
}

/**
 * Writes a graph as an .onnx file for this processor alone: two-dimensional convolutions of one group, by filters that are
 * no constants and have whole blocks of channels on both sides, become ONNX Runtime's own in blocks.
 */
export function encodeBlocked(graph: Graph, block: Block): Uint8Array {
  const { filtered, convolutions } = blockFilters(graph, block);
  const model = modelOf(filtered);
  if (model.graph)
    model.graph.node = model.graph.node.flatMap((node) => {
      const channels = convolutions.get(node.output[0]);
      return channels === undefined ? [node] : inBlocks(node, channels);
    });
  model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: DOMAIN, version: 1n }));
  return toBinary(ModelProtoSchema, model);
}

/**
 * The block of this processor: the one by which a convolution comes out as it does without blocks. Undefined where none
 * does, and where ONNX Runtime was built without these kernels.
 */
export async function findBlock(
  open: (graph: Graph, bytes: Uint8Array) => Promise<Session>,
): Promise<Block | undefined> {
  const graph = probe();
  const plain = await convolved(await open(graph, encodeOnnx(graph)));
  for (const block of BLOCKS) {
    try {
      const inBlocks = await convolved(await open(graph, encodeBlocked(graph, block)));
      if (inBlocks.every((y, i) => Math.abs(y - plain[i]) < 1e-3)) return block;
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** The names of all that depends on an input. */
function varying(graph: Graph): ReadonlySet<string> {
  const names = new Set(graph.inputs.map((input) => input.name));
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((name) => names.has(name))) for (const name of outputs) names.add(name);
  }
  return names;
}

/** The same graph with the filters in blocks of those convolutions that will be; these by their results, with their channels. */
function blockFilters(graph: Graph, block: Block) {
  const varies = varying(graph);
  const convolutions = new Map<string, number>();
  const g = new GraphBuilder(namesOf(graph));
  for (const { name, dtype, shape } of graph.inputs) g.input(name, dtype, shape);
  for (const [name, value] of graph.constants) g.constant(value, name);
  for (const node of graph.nodes) {
    const [x, filter, ...bias] = node.inputs;
    const dims =
      node.op === 'Conv' && varies.has(filter) ? wholeBlocks(node, g.shape(filter), block) : undefined;
    if (dims) {
      convolutions.set(node.outputs[0], dims[0]);
      g.node({ ...node, inputs: [x, blocked(g, filter, dims, block), ...bias] } as Node);
    } else g.node(node);
  }
  for (const { name } of graph.outputs) g.output(name);
  return { filtered: g.build(graph.name, graph.metadata), convolutions };
}

/** [O, I, h, w] where both kinds of channels fill blocks. */
function wholeBlocks({ op, attributes }: Node, shape: Shape, block: Block): readonly number[] | undefined {
  if (op !== 'Conv' || (attributes.group ?? 1) !== 1 || shape.length !== 4) return undefined;
  if (shape.some((d) => typeof d !== 'number')) return undefined;
  const dims = shape as readonly number[];
  return dims[0] % block === 0 && dims[1] % block === 0 ? dims : undefined;
}

/** [O, I, h, w] → [O/B, I/B, h, w, B of I, B of O], under the shape it had. Two transpositions are faster than one. */
function blocked(g: GraphBuilder, filter: string, dims: readonly number[], block: Block): string {
  const [outs, ins, h, w] = dims;
  const outsLast = g.transpose(g.reshape(filter, [outs / block, block, ins * h * w]), [0, 2, 1]);
  const blocks = g.reshape(outsLast, [(outs / block) * (ins / block), block, h * w, block]);
  return g.reshape(g.transpose(blocks, [0, 2, 1, 3]), dims);
}

/** A convolution between the two reorderings. */
function inBlocks(conv: NodeProto, channels: number): NodeProto[] {
  const [x, ...filterAndBias] = conv.input;
  const [y] = conv.output;
  const node = (opType: string, input: string[], output: string, attribute: AttributeProto[] = []) =>
    create(NodeProtoSchema, {
      domain: DOMAIN,
      opType,
      name: `${conv.name}/${opType}`,
      input,
      output: [output],
      attribute,
    });
  const all = create(AttributeProtoSchema, {
    name: 'channels',
    type: AttributeType.INT,
    i: BigInt(channels),
  });
  return [
    node('ReorderInput', [x], `${y}/x_blocks`),
    node('Conv', [`${y}/x_blocks`, ...filterAndBias], `${y}/blocks`, conv.attribute),
    node('ReorderOutput', [`${y}/blocks`], y, [all]),
  ];
}

/** A convolution of one block of channels of the one kind and two of the other. */
const PROBE = { x: [1, 16, 3, 3], filter: [32, 16, 2, 2] };

function probe(): Graph {
  const g = new GraphBuilder();
  const [x, filter] = Object.entries(PROBE).map(([name, dims]) => g.input(name, 'float32', dims));
  g.emit('Conv', [x, filter], { kernel_shape: [2, 2] }, 'y');
  g.output('y');
  return g.build('probe');
}

async function convolved(session: Session): Promise<Float32Array> {
  const numbers = (dims: readonly number[], period: number) =>
    float32(
      Float32Array.from({ length: sizeOf(dims) }, (_, i) => i % period),
      dims,
    );
  const { y } = await session.run({ x: numbers(PROBE.x, 7), filter: numbers(PROBE.filter, 11) });
  await session.release();
  return y.data as Float32Array;
}
