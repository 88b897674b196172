// Reads and writes .onnx files: protobuf bytes to graph and back, raising older opsets to ours on the way in.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from 'onnx-buf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { GraphError, ModelError } from '../errors.ts';
import { attributeKinds, isOp, OPS } from './ops.ts';
import { inferShapes, type Known, ONNX_DTYPES, onnxDType } from './shapes.ts';
import { explicitCeil } from './simplify.ts';
import type { Dim, DType, Graph, Node, Tensor, ValueInfo } from './types.ts';
import { int64s, OPSET, sizeOf, tensor } from './types.ts';
import { verify, verifyNode } from './verify.ts';

/** The IR version that goes with opset 18. */
const IR_VERSION = 8n;
const OPSETS_READ = { oldest: 11, newest: 23 };
const INT64_MAX = 2n ** 63n - 1n;
const utf8 = new TextDecoder();

/**
 * Reads a model file.
 * @param bytes the file
 * @param name what to call it in errors
 * @throws ModelError where the bytes are no ONNX model, GraphError where it uses what Earmark does not know.
 */
export function decodeOnnx(bytes: Uint8Array, name: string): Graph {
  const model = parse(bytes, name);
  const proto = model.graph as GraphProto;
  const version = Number(
    model.opsetImport.find((o) => o.domain === '' || o.domain === 'ai.onnx')?.version ?? 0n,
  );
  if (version < OPSETS_READ.oldest || version > OPSETS_READ.newest) {
    throw new ModelError({
      what: `${name}: opset ${version} is not supported`,
      expected: `opset ${OPSETS_READ.oldest} to ${OPSETS_READ.newest}`,
      todo: 'Export the model again with one of these.',
    });
  }
  const constants = new Map<string, Tensor>();
  for (const initializer of proto.initializer) constants.set(initializer.name, readTensor(initializer));
  const nodes: Node[] = [];
  const taken = new Set<string>();
  // Names of nodes may repeat in a file; here each is its own.
  const distinct = (node: Node): Node => {
    let free = node.name;
    for (let n = 2; taken.has(free); n++) free = `${node.name}_${n}`;
    taken.add(free);
    return free === node.name ? node : { ...node, name: free };
  };
  for (const node of proto.node) {
    if (node.opType === 'Constant') constants.set(node.output[0], readConstant(node));
    else nodes.push(distinct(readNode(node, version, constants)));
  }
  const graph = explicitCeil({
    name: proto.name || name,
    inputs: proto.input.filter((input) => !constants.has(input.name)).map(readValueInfo),
    outputs: declaredOutputs(proto, constants, nodes, version),
    constants,
    nodes,
    metadata: Object.fromEntries(model.metadataProps.map((p) => [p.key, p.value])),
  });
  return verify(graph);
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

/** Exporters declare outputs with or without a shape; ours are inferred, so that both read alike. */
function declaredOutputs(
  proto: GraphProto,
  constants: Map<string, Tensor>,
  nodes: Node[],
  version: number,
): ValueInfo[] {
  const inputs = proto.input.filter((input) => !constants.has(input.name)).map(readValueInfo);
  const types = inferShapes({ name: '', inputs, outputs: [], constants, nodes, metadata: {} });
  if (version < 13) refuseFlatteningSoftmax(nodes, types);
  return proto.output.map(({ name }) => {
    const type = types.get(name);
    if (!type) throw new GraphError(`output "${name}" is not computed`);
    return { name, dtype: type.dtype, shape: type.shape };
  });
}

/** Before opset 13 a Softmax went over all axes from its own on, which differs unless that is the last. */
function refuseFlatteningSoftmax(nodes: readonly Node[], types: ReadonlyMap<string, Known>): void {
  for (const node of nodes) {
    if (node.op !== 'Softmax' && node.op !== 'LogSoftmax') continue;
    const rank = types.get(node.inputs[0])?.shape.length ?? 0;
    const axis = node.attributes.axis ?? 1;
    if ((axis < 0 ? axis + rank : axis) !== rank - 1) {
      throw new GraphError({
        what: `${node.op} "${node.name}" of an opset before 13 goes over more than one axis`,
        todo: 'Export the model with opset 13 or newer.',
      });
    }
  }
}

function readValueInfo(info: ValueInfoProto): ValueInfo {
  const type = info.type?.value;
  if (type?.case !== 'tensorType' || !type.value.shape) {
    throw new GraphError({ what: `input "${info.name}"`, expected: 'a tensor of known rank' });
  }
  const shape = type.value.shape.dim.map((dim, i): Dim => {
    if (dim.value.case === 'dimValue' && dim.value.value > 0n) return Number(dim.value.value);
    if (dim.value.case === 'dimParam' && dim.value.value !== '') return dim.value.value.replace(/[*+]/g, '_');
    return i === 0 ? 'N' : `${info.name}_${i}`;
  });
  return { name: info.name, dtype: dtypeOf(type.value.elemType, `input "${info.name}"`), shape };
}

function dtypeOf(code: number, where: string): DType {
  const dtype = ONNX_DTYPES[code];
  if (dtype) return dtype;
  throw new GraphError({
    what: `${where}: ONNX element type ${code} is not supported`,
    expected: Object.values(ONNX_DTYPES).join(', '),
  });
}

function readTensor(proto: TensorProto): Tensor {
  const where = `constant "${proto.name}"`;
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new GraphError({
      what: `${where} lies in an external data file, which is not supported`,
      todo: 'Save the model as a single file.',
    });
  }
  const dtype = dtypeOf(proto.dataType, where);
  const dims = proto.dims.map(Number);
  const data = proto.rawData.length ? rawNumbers(proto.rawData, dtype, where) : listedNumbers(proto, dtype);
  if (data.length !== sizeOf(dims)) {
    throw new GraphError({
      what: `${where} does not fill its shape [${dims.join(', ')}]`,
      expected: `${sizeOf(dims)} numbers`,
      got: `${data.length}`,
    });
  }
  return { dtype, dims, data };
}

function rawNumbers(raw: Uint8Array, dtype: DType, where: string): Float32Array | Float64Array {
  const width = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 }[dtype];
  if (raw.length % width) throw new GraphError(`${where} is cut off: ${raw.length} bytes of ${dtype}`);
  const bytes = new Uint8Array(raw).buffer;
  if (dtype === 'float32') return new Float32Array(bytes);
  if (dtype === 'float64') return new Float64Array(bytes);
  if (dtype === 'int64') return Float64Array.from(new BigInt64Array(bytes), Number);
  return Float64Array.from(dtype === 'int32' ? new Int32Array(bytes) : new Uint8Array(bytes));
}

function listedNumbers(proto: TensorProto, dtype: DType): Float32Array | Float64Array {
  if (dtype === 'float32') return Float32Array.from(proto.floatData);
  if (dtype === 'float64') return Float64Array.from(proto.doubleData);
  return Float64Array.from(dtype === 'int64' ? proto.int64Data.map(Number) : proto.int32Data);
}

function readConstant(node: NodeProto): Tensor {
  const attribute = node.attribute[0];
  switch (attribute?.name) {
    case 'value':
      return readTensor({ ...(attribute.t as TensorProto), name: node.output[0] });
    case 'value_float':
      return tensor([attribute.f], []);
    case 'value_floats':
      return tensor(attribute.floats);
    case 'value_int':
      return tensor([Number(attribute.i)], [], 'int64');
    case 'value_ints':
      return int64s(attribute.ints.map(Number));
    default:
      throw new GraphError(`Constant "${node.name}" holds "${attribute?.name}", which is not supported`);
  }
}

type RawAttributes = Record<string, number | string | number[]>;

function readNode(proto: NodeProto, version: number, constants: Map<string, Tensor>): Node {
  const op = proto.opType;
  const where = `node "${proto.name || proto.output[0]}"`;
  if (!isOp(op) || (proto.domain !== '' && proto.domain !== 'ai.onnx')) {
    const named = proto.domain && proto.domain !== 'ai.onnx' ? `${proto.domain}.${op}` : op;
    throw new GraphError({
      what: `${where}: op ${named} is not supported`,
      expected: `one of ${Object.keys(OPS).join(', ')}`,
      todo: 'Export the model with these ops, or leave this part out of the model.',
    });
  }
  const attributes: RawAttributes = {};
  for (const attribute of proto.attribute) {
    const value = readAttribute(attribute);
    if (value !== undefined) attributes[attribute.name] = value;
  }
  const inputs = [...proto.input];
  raise(op, version, attributes, inputs, proto.output, constants);
  for (const name of Object.keys(attributes)) {
    if (!(name in attributeKinds(op))) {
      throw new GraphError(`${where}: attribute "${name}" of ${op} is not supported`);
    }
  }
  while (inputs.at(-1) === '') inputs.pop();
  const node = {
    op,
    name: proto.name || proto.output[0],
    inputs,
    outputs: op === 'BatchNormalization' ? proto.output.slice(0, 1) : [...proto.output],
    attributes,
  } as Node;
  verifyNode(node);
  return node;
}

function readAttribute(a: AttributeProto): number | string | number[] | undefined {
  switch (a.type) {
    case AttributeType.INT:
      return Number(a.i);
    case AttributeType.FLOAT:
      return a.f;
    case AttributeType.STRING:
      return utf8.decode(a.s);
    case AttributeType.INTS:
      return a.ints.map(Number);
    case AttributeType.FLOATS:
      return a.floats;
    default:
      return undefined;
  }
}

/** Raises a node of an older opset (or drops what a newer one says of the default) to opset 18's form. */
function raise(
  op: string,
  version: number,
  attributes: RawAttributes,
  inputs: string[],
  outputs: readonly string[],
  constants: Map<string, Tensor>,
): void {
  const axesMoved = /^(Reduce|Squeeze|Unsqueeze)/.test(op);
  const list = axesMoved ? 'axes' : op === 'Split' ? 'split' : '';
  const moved = attributes[list];
  if (Array.isArray(moved)) {
    const name = `${outputs[0]}/${list}`;
    constants.set(name, int64s(moved));
    inputs.push(name);
    delete attributes[list];
  }
  if (version < 13 && (op === 'Softmax' || op === 'LogSoftmax')) attributes.axis ??= 1;
  if (
    op === 'AveragePool' &&
    Array.isArray(attributes.dilations) &&
    attributes.dilations.every((d) => d === 1)
  ) {
    delete attributes.dilations;
  }
  if (op === 'Cast') delete attributes.saturate;
  if (op === 'Dropout') delete attributes.ratio;
  if (op === 'Split' && inputs.length === 1) attributes.num_outputs ??= outputs.length;
}

/** Writes a graph as the bytes of an .onnx file: opset 18, float data as float32. */
export function encodeOnnx(graph: Graph): Uint8Array {
  const valueInfo = ({ name, dtype, shape }: ValueInfo) =>
    create(ValueInfoProtoSchema, {
      name,
      type: create(TypeProtoSchema, {
        value: {
          case: 'tensorType',
          value: create(TypeProto_TensorSchema, {
            elemType: onnxDType(dtype),
            shape: create(TensorShapeProtoSchema, {
              dim: shape.map((dim) =>
                create(TensorShapeProto_DimensionSchema, {
                  value:
                    typeof dim === 'number'
                      ? { case: 'dimValue', value: BigInt(dim) }
                      : { case: 'dimParam', value: dim },
                }),
              ),
            }),
          }),
        },
      }),
    });
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'earmark',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(valueInfo),
      output: graph.outputs.map(valueInfo),
      initializer: [...graph.constants].map(([name, t]) => writeTensor(name, t)),
      node: graph.nodes.map((node) =>
        create(NodeProtoSchema, {
          opType: node.op,
          name: node.name,
          input: [...node.inputs],
          output: [...node.outputs],
          attribute: writeAttributes(node),
        }),
      ),
    }),
    metadataProps: Object.entries(graph.metadata).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
  return toBinary(ModelProtoSchema, model);
}

function writeTensor(name: string, { dtype, dims, data }: Tensor): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: onnxDType(dtype),
    dims: dims.map(BigInt),
    rawData: new Uint8Array(stored(dtype, data).buffer as ArrayBuffer),
  });
}

function stored(dtype: DType, data: Float32Array | Float64Array) {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(data);
    case 'float64':
      return Float64Array.from(data);
    case 'int64':
      return BigInt64Array.from(data, (v) => (v >= 2 ** 63 ? INT64_MAX : BigInt(v)));
    case 'int32':
      return Int32Array.from(data);
    default:
      return Uint8Array.from(data);
  }
}

function writeAttributes(node: Node): AttributeProto[] {
  const kinds = attributeKinds(node.op);
  return Object.entries(node.attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      switch (kinds[name]) {
        case 'int':
          return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value as number) });
        case 'float':
          return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value as number });
        case 'ints':
          return create(AttributeProtoSchema, {
            name,
            type: AttributeType.INTS,
            ints: (value as number[]).map(BigInt),
          });
        default:
          return create(AttributeProtoSchema, {
            name,
            type: AttributeType.STRING,
            s: new TextEncoder().encode(value as string),
          });
      }
    });
}
