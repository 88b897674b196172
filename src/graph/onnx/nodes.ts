// Nodes of .onnx files: their attributes, and older and newer forms brought to opset 18's.
import { type AttributeProto, AttributeProto_AttributeType as AttributeType, type NodeProto } from 'onnx-buf';
import { GraphError, ModelError } from '../../errors.ts';
import { attributeKinds, isOp, OPS } from '../ops.ts';
import type { DType, Node, Tensor } from '../types.ts';
import { int64s } from '../types.ts';
import { verifyNode } from '../verify.ts';
import { LOWERED, lower, type RawAttributes } from './lower.ts';
import { readTensor } from './tensors.ts';

/** What a node stands for: one or more nodes, and constants that it held as attributes. */
export interface Parts {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** What is known of the values before a node. */
export interface Before {
  /** The file's opset. */
  readonly version: number;
  dtype(name: string): DType;
  /** The numbers of a small value that is known before any run. */
  numbers(name: string): readonly number[] | undefined;
}

const utf8 = new TextDecoder();
const isStandard = (domain: string) => domain === '' || domain === 'ai.onnx';

/**
 * Reads a node, raised to opset 18.
 * @throws GraphError where the op or what it is given is not supported, ModelError where it was exported for training
 */
export function readNode(proto: NodeProto, before: Before): Parts {
  const name = proto.name || proto.output[0];
  const attributes: RawAttributes = {};
  for (const attribute of proto.attribute) {
    const value = readAttribute(attribute);
    if (value !== undefined) attributes[attribute.name] = value;
  }
  const op = isStandard(proto.domain) ? proto.opType : `${proto.domain}.${proto.opType}`;
  if (Object.hasOwn(LOWERED, op)) {
    const raw = { name, inputs: proto.input, outputs: proto.output, attributes };
    return lower(raw, LOWERED[op], before.dtype);
  }
  if (!isOp(op)) throw unsupported(op, name);
  const inputs = [...proto.input];
  const constants = new Map<string, Tensor>();
  raise(op, before.version, attributes, inputs, proto.output, constants);
  refuseTraining(op, name, proto, attributes, before);
  for (const attribute of Object.keys(attributes)) {
    if (!(attribute in attributeKinds(op))) {
      throw new GraphError(`node "${name}": attribute "${attribute}" of ${op} is not supported`);
    }
  }
  while (inputs.at(-1) === '') inputs.pop();
  const outputs = op === 'BatchNormalization' ? proto.output.slice(0, 1) : [...proto.output];
  const node = { op, name, inputs, outputs, attributes } as Node;
  verifyNode(node);
  return { nodes: [node], constants };
}

function unsupported(op: string, name: string): GraphError {
  if (op === 'ai.onnx.ml.ZipMap') {
    return new GraphError({
      what: `node "${name}": op ${op} makes dictionaries, not a tensor of logits`,
      todo: 'Export the classifier again with options={"zipmap": False}.',
    });
  }
  return new GraphError({
    what: `node "${name}": op ${op} is not supported`,
    expected: `one of ${Object.keys(OPS).join(', ')}`,
    todo: 'Export the model with these ops, or leave this part out of the model.',
  });
}

function readAttribute(a: AttributeProto): RawAttributes[string] | undefined {
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
    case AttributeType.TENSOR:
      return a.t && readTensor(a.t);
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
  if (op === 'Cast') {
    delete attributes.saturate;
    attributes.to = halfAsSingle(attributes.to as number);
  }
  if (op === 'Dropout') delete attributes.ratio;
  if (op === 'Split' && inputs.length === 1) attributes.num_outputs ??= outputs.length;
}

const FLOAT32 = 1;
/** Half precision is computed in float32; other types are the shape rule's to judge. */
const halfAsSingle = (to: number) => (to === 10 || to === 16 ? FLOAT32 : to);

/** @throws ModelError where a layer would normalise by the batch, or drop at random */
function refuseTraining(
  op: string,
  name: string,
  proto: NodeProto,
  attributes: RawAttributes,
  { version, numbers }: Before,
): void {
  const statistics = proto.output.slice(1).some((output) => output !== '');
  const training =
    (op === 'BatchNormalization' && (attributes.training_mode || (version < 14 && statistics))) ||
    (op === 'Dropout' && proto.input[2] && numbers(proto.input[2])?.[0]);
  if (!training) return;
  throw new ModelError({
    what: `${op} "${name}" is in training mode`,
    todo: 'Export the model in evaluation mode (in PyTorch: model.eval()).',
  });
}
