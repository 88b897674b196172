// Reads .onnx files: protobuf bytes to a graph of opset 18 that holds what its outputs need.
import { fromBinary } from '@bufbuild/protobuf';
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from 'onnx-buf';
import { ModelProtoSchema } from 'onnx-buf';
import { EarmarkError, GraphError, ModelError } from '../../errors.ts';
import { explicitWindows } from '../explicit.ts';
import { inferNode, type Known, knownConstant } from '../shapes.ts';
import { prune } from '../simplify.ts';
import type { Dim, Graph, Node, Tensor, ValueInfo } from '../types.ts';
import { isFloat } from '../types.ts';
import { verify } from '../verify.ts';
import { bodyOf, inlineFunctions } from './inline.ts';
import { readNode } from './nodes.ts';
import { dtypeOf, type External, readConstant, readTensor } from './tensors.ts';

const OPSETS_READ = { oldest: 11, newest: 23 };
const FLOATS = [1, 10, 11, 16];
/** Ops by which an infinite constant is a bound or a mask, not a weight. */
const BOUNDING = new Set([
  'Clip',
  'Min',
  'Max',
  'Where',
  'Pad',
  'Less',
  'Greater',
  'LessOrEqual',
  'GreaterOrEqual',
  'Equal',
]);

export interface DecodeOptions {
  /** Gives the files that weights lie in where not in the model's own. */
  readonly external?: External;
}

/**
 * Reads a model file. Outputs that are no float tensors, and further ones, are left out where Earmark does not know what
 * makes them, such as the label that scikit-learn's classifiers give beside their probabilities.
 * @param bytes the file
 * @param name what to call it in errors
 * @throws ModelError where the bytes are no ONNX model or its weights no numbers, GraphError where it uses what Earmark
 * does not know
 */
export function decodeOnnx(bytes: Uint8Array, name: string, { external }: DecodeOptions = {}): Graph {
  const model = parse(bytes, name);
  const proto = model.graph as GraphProto;
  const reading = new Reading(proto, name, opsetOf(model, name), external);
  for (const node of inlineFunctions(proto.node, model.functions)) reading.node(node);
  const outputs = reading.outputs(proto.output);
  const whole: Graph = {
    name: proto.name || name,
    inputs: reading.inputs,
    outputs,
    constants: reading.constants,
    nodes: reading.nodes,
    metadata: Object.fromEntries(model.metadataProps.map((p) => [p.key, p.value])),
  };
  const graph = outputs.length < proto.output.length ? prune(whole) : whole;
  refuseNonNumbers(graph, name);
  return verify(explicitWindows(graph));
}

function parse(bytes: Uint8Array, name: string): ModelProto {
  let model: ModelProto | undefined;
  let cause: unknown;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    cause = error;
  }
  if (!model?.graph || model.graph.node.length === 0) {
    throw new ModelError({
      what: `${name}: not an ONNX model, or a truncated one`,
      got: `${bytes.length} bytes`,
      todo: 'Export or copy the file again.',
      cause,
    });
  }
  return model;
}

function opsetOf(model: ModelProto, name: string): number {
  const standard = model.opsetImport.find((o) => o.domain === '' || o.domain === 'ai.onnx');
  const version = Number(standard?.version ?? 0n);
  if (version >= OPSETS_READ.oldest && version <= OPSETS_READ.newest) return version;
  throw new ModelError({
    what: `${name}: opset ${version} is not supported`,
    expected: `opset ${OPSETS_READ.oldest} to ${OPSETS_READ.newest}`,
    todo: 'Export the model again with one of these.',
  });
}

/** What has been read so far. A value that cannot be read keeps the reason, until something that is needed asks for it. */
class Reading {
  readonly constants = new Map<string, Tensor>();
  readonly nodes: Node[] = [];
  readonly inputs: readonly ValueInfo[];
  private readonly types = new Map<string, Known>();
  private readonly refused = new Map<string, EarmarkError>();
  private readonly names = new Set<string>();
  private readonly model: string;
  private readonly version: number;
  private readonly external: External | undefined;

  constructor(graph: GraphProto, model: string, version: number, external: External | undefined) {
    this.model = model;
    this.version = version;
    this.external = external;
    const constants = new Set(graph.initializer.map((t) => t.name));
    this.inputs = graph.input.filter((input) => !constants.has(input.name)).map(readValueInfo);
    for (const input of this.inputs) this.types.set(input.name, input);
    for (const initializer of graph.initializer) this.initializer(initializer);
  }

  private initializer(proto: TensorProto, name = proto.name): void {
    this.attempt([name], () => this.constant(name, readTensor(proto, this.external)));
  }

  private constant(name: string, value: Tensor): void {
    this.constants.set(name, value);
    this.types.set(name, knownConstant(value));
  }

  node(proto: NodeProto): void {
    const inherited = proto.input.map((name) => this.refused.get(name)).find((error) => error !== undefined);
    if (inherited && !(proto.domain === 'ai.onnx.ml' && proto.opType === 'ZipMap')) {
      for (const name of proto.output) this.refused.set(name, inherited);
      return;
    }
    this.attempt(proto.output, () => {
      if (proto.opType === 'Constant')
        return this.constant(proto.output[0], readConstant(proto, this.external));
      if (proto.opType === 'If') return this.branch(proto);
      const parts = readNode(proto, {
        version: this.version,
        dtype: (name) => this.types.get(name)?.dtype ?? 'float32',
        numbers: (name) => this.elements(name),
      });
      for (const [name, value] of parts.constants) this.constant(name, value);
      for (const node of parts.nodes) this.add(node);
    });
  }

  private attempt(outputs: readonly string[], read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof EarmarkError)) throw error;
      for (const name of outputs) this.refused.set(name, error);
    }
  }

  private elements(name: string): readonly number[] | undefined {
    const elements = this.types.get(name)?.elements;
    return elements?.every((e) => typeof e === 'number') ? (elements as number[]) : undefined;
  }

  /** Names of nodes may repeat in a file; here each is its own. */
  private add(node: Node): void {
    if (this.version < 13) this.refuseFlattening(node);
    const types = this.infer(node);
    let free = node.name;
    for (let n = 2; this.names.has(free); n++) free = `${node.name}_${n}`;
    this.names.add(free);
    this.nodes.push(free === node.name ? node : { ...node, name: free });
    node.outputs.forEach((name, i) => {
      if (name !== '') this.types.set(name, types[i]);
    });
  }

  private infer(node: Node): Known[] {
    try {
      return inferNode(node, (name) => this.types.get(name));
    } catch (cause) {
      const open = this.openAxis();
      if (!open || !(cause instanceof GraphError)) throw cause;
      throw new ModelError({
        what: `${this.model}: input "${open.input}" has no fixed size on axis ${open.axis} ("${open.name}")`,
        expected: 'a number on every axis but the first',
        got: `a name, which ${node.op} "${node.name}" cannot do with`,
        todo: 'Export the model with a fixed input size.',
        cause,
      });
    }
  }

  private openAxis(): { input: string; axis: number; name: Dim } | undefined {
    for (const { name: input, shape } of this.inputs) {
      const axis = shape.findIndex((dim, i) => i > 0 && typeof dim === 'string');
      if (axis > 0) return { input, axis, name: shape[axis] };
    }
    return undefined;
  }

  /** Before opset 13 a Softmax went over all axes from its own on, which differs unless that is the last. */
  private refuseFlattening(node: Node): void {
    if (node.op !== 'Softmax' && node.op !== 'LogSoftmax') return;
    const rank = this.types.get(node.inputs[0])?.shape.length ?? 0;
    const axis = node.attributes.axis ?? 1;
    if ((axis < 0 ? axis + rank : axis) === rank - 1) return;
    throw new GraphError({
      what: `${node.op} "${node.name}" of an opset before 13 goes over more than one axis`,
      todo: 'Export the model with opset 13 or newer.',
    });
  }

  /** An If whose condition is known before any run is the branch that it takes. */
  private branch(proto: NodeProto): void {
    const condition = this.elements(proto.input[0]);
    if (!condition) {
      throw new GraphError({
        what: `If "${proto.name}" chooses by the data`,
        todo: 'Export the model without control flow.',
      });
    }
    const taken = condition[0] ? 'then_branch' : 'else_branch';
    const body = proto.attribute.find((a) => a.name === taken)?.g;
    if (!body) throw new GraphError(`If "${proto.name}" has no ${taken}`);
    const prefix = `${proto.name || proto.output[0]}/`;
    for (const initializer of body.initializer) this.initializer(initializer, prefix + initializer.name);
    for (const node of bodyOf(body, prefix, proto.output)) this.node(node);
  }

  /**
   * The outputs that could be read, with the types that they have: exporters declare them with or without a shape.
   * @throws what keeps an output from being read that nothing else stands for
   */
  outputs(declared: readonly ValueInfoProto[]): ValueInfo[] {
    const kept: ValueInfo[] = [];
    let reason: EarmarkError | undefined;
    for (const output of declared) {
      const type = this.types.get(output.name);
      if (type) {
        kept.push({ name: output.name, dtype: type.dtype, shape: type.shape });
        continue;
      }
      reason = this.refused.get(output.name) ?? new GraphError(`output "${output.name}" is not computed`);
      const tensor = output.type?.value;
      const isLogits =
        !tensor?.case || (tensor.case === 'tensorType' && FLOATS.includes(tensor.value.elemType));
      if (isLogits && !kept.some((info) => isFloat(info.dtype))) throw reason;
    }
    if (reason && !kept.some((info) => isFloat(info.dtype))) throw reason;
    return kept;
  }
}

/** @throws GraphError where it is no tensor of known rank */
function readValueInfo(info: ValueInfoProto): ValueInfo {
  const type = info.type?.value;
  if (type?.case !== 'tensorType' || !type.value.shape) {
    throw new GraphError({ what: `input "${info.name}"`, expected: 'a tensor of known rank' });
  }
  const shape = type.value.shape.dim.map((dim, i): Dim => {
    if (dim.value.case === 'dimValue' && dim.value.value > 0n) return Number(dim.value.value);
    if (dim.value.case === 'dimParam' && dim.value.value !== '') return symbol(dim.value.value);
    return i === 0 ? 'N' : `${info.name}_${i}`;
  });
  return { name: info.name, dtype: dtypeOf(type.value.elemType, `input "${info.name}"`), shape };
}

/** A dimension's name without what `dims.ts` gives a meaning. */
function symbol(name: string): string {
  return name.replace(/[*+()]/g, '_').replace(/^(?=\d)/, '_');
}

/** @throws ModelError naming a weight that is not a number, or infinite where that is no bound */
function refuseNonNumbers({ constants, nodes }: Graph, model: string): void {
  for (const [name, { dtype, data }] of constants) {
    if (!isFloat(dtype)) continue;
    const at = data.findIndex((v) => !Number.isFinite(v));
    if (at < 0) continue;
    const bounds = nodes.every((n) => !n.inputs.includes(name) || BOUNDING.has(n.op));
    if (bounds && !data.some(Number.isNaN)) continue;
    throw new ModelError({
      what: `${model}: constant "${name}"`,
      expected: 'finite numbers',
      got: `${data[at]} at ${at}`,
      todo: 'Train or export the model again.',
    });
  }
}
