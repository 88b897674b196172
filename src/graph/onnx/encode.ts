// Writes graphs as .onnx files.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { onnxDType } from '../dtypes.ts';
import { keepPads } from '../keep-pads.ts';
import { attributeKinds } from '../ops.ts';
import type { Graph, Node, ValueInfo } from '../types.ts';
import { OPSET } from '../types.ts';
import { writeTensor } from './tensors.ts';

/** The IR version that goes with opset 18. */
const IR_VERSION = 8n;

/** Writes a graph as the bytes of an .onnx file: opset 18, float data as float32. */
export function encodeOnnx(graph: Graph): Uint8Array {
  return toBinary(ModelProtoSchema, modelOf(graph));
}

/** A graph as the message that an .onnx file holds. */
export function modelOf(given: Graph): ModelProto {
  const graph = keepPads(given);
  return create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: 'earmark',
    opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) })],
    graph: create(GraphProtoSchema, {
      name: graph.name,
      input: graph.inputs.map(writeValueInfo),
      output: graph.outputs.map(writeValueInfo),
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
}

function writeValueInfo({ name, dtype, shape }: ValueInfo): ValueInfoProto {
  const dim = shape.map((d) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
    }),
  );
  const value = create(TypeProto_TensorSchema, {
    elemType: onnxDType(dtype),
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value } }),
  });
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
