// Tensors of .onnx files: from protobuf, with data in the file or beside it, and back.
import { create } from '@bufbuild/protobuf';
import { type NodeProto, type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from 'onnx-buf';
import { GraphError, ModelError } from '../../errors.ts';
import { ONNX_DTYPES, onnxDType } from '../dtypes.ts';
import type { DType, Tensor } from '../types.ts';
import { int64s, sizeOf, tensor } from '../types.ts';

/** The bytes of an external data file, by the location that a model names. @throws FileError, ModelError */
export type External = (location: string) => Uint8Array;

const INT64_MAX = 2n ** 63n - 1n;
const FLOAT16 = 10;
const BFLOAT16 = 16;

/** The element type that an ONNX code is held as: half precision as float32. @throws GraphError */
export function dtypeOf(code: number, where: string): DType {
  const dtype = code === FLOAT16 || code === BFLOAT16 ? 'float32' : ONNX_DTYPES[code];
  if (dtype) return dtype;
  throw new GraphError({
    what: `${where}: ONNX element type ${code} is not supported`,
    expected: Object.values(ONNX_DTYPES).join(', '),
  });
}

/** @throws GraphError, ModelError where the data are of another type or do not fill the shape */
export function readTensor(proto: TensorProto, external?: External): Tensor {
  const where = `constant "${proto.name}"`;
  const dtype = dtypeOf(proto.dataType, where);
  const dims = proto.dims.map(Number);
  const raw =
    proto.dataLocation === TensorProto_DataLocation.EXTERNAL ? cutOut(proto, where, external) : proto.rawData;
  const data = raw.length ? rawNumbers(raw, proto.dataType, dtype, where) : listedNumbers(proto, dtype);
  if (dims.some((d) => d < 0) || data.length !== sizeOf(dims)) {
    throw new GraphError({
      what: `${where} does not fill its shape [${dims.join(', ')}]`,
      expected: `${sizeOf(dims)} numbers`,
      got: `${data.length}`,
    });
  }
  return { dtype, dims, data };
}

/** The part of an external data file that a tensor names: location, offset, length. */
function cutOut(proto: TensorProto, where: string, external: External | undefined): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  if (!external) {
    throw new GraphError({
      what: `${where} lies in an external data file ("${location}"), which is not at hand`,
      todo: 'Read the model from its folder, or save it as a single file.',
    });
  }
  const file = external(location);
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? file.length - offset);
  const whole = [offset, length].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!whole || offset + length > file.length) {
    throw new ModelError({
      what: `${where} does not lie within its external data file "${location}"`,
      expected: `${length} bytes from ${offset} on`,
      got: `a file of ${file.length}`,
      todo: 'Copy the file again, or export the model again.',
    });
  }
  return file.subarray(offset, offset + length);
}

function rawNumbers(raw: Uint8Array, code: number, dtype: DType, where: string): Float32Array | Float64Array {
  const half = code === FLOAT16 || code === BFLOAT16;
  const width = half ? 2 : { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 }[dtype];
  if (raw.length % width) throw new GraphError(`${where} is cut off: ${raw.length} bytes of ${dtype}`);
  const bytes = new Uint8Array(raw).buffer;
  if (half) return fromHalf(new Uint16Array(bytes), code);
  if (dtype === 'float32') return new Float32Array(bytes);
  if (dtype === 'float64') return new Float64Array(bytes);
  if (dtype === 'int64') return Float64Array.from(new BigInt64Array(bytes), Number);
  return Float64Array.from(dtype === 'int32' ? new Int32Array(bytes) : new Uint8Array(bytes));
}

function listedNumbers(proto: TensorProto, dtype: DType): Float32Array | Float64Array {
  if (proto.dataType === FLOAT16 || proto.dataType === BFLOAT16) {
    return fromHalf(Uint16Array.from(proto.int32Data), proto.dataType);
  }
  if (dtype === 'float32') return Float32Array.from(proto.floatData);
  if (dtype === 'float64') return Float64Array.from(proto.doubleData);
  return Float64Array.from(dtype === 'int64' ? proto.int64Data.map(Number) : proto.int32Data);
}

/** IEEE binary16 (1 + 5 + 10 bits) or bfloat16 (the upper half of a float32) to float32, exactly. */
function fromHalf(bits: Uint16Array, code: number): Float32Array {
  if (code === BFLOAT16) return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);
  return Float32Array.from(bits, (b) => {
    const sign = b & 0x8000 ? -1 : 1;
    const exponent = (b >> 10) & 0x1f;
    const fraction = b & 0x3ff;
    if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : (sign * fraction) / 2 ** 24;
  });
}

/** The value of a Constant node. @throws GraphError where it is of text or sparse */
export function readConstant(node: NodeProto, external?: External): Tensor {
  const attribute = node.attribute[0];
  switch (attribute?.name) {
    case 'value':
      return readTensor({ ...(attribute.t as TensorProto), name: node.output[0] }, external);
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

export function writeTensor(name: string, { dtype, dims, data }: Tensor): TensorProto {
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
