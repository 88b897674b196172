// What a graph is: tensors, values with symbolic dimensions, nodes and the graph itself, in ONNX's own terms.
import type { Attributes, OpName } from './ops.ts';

/** Element types that Earmark's graphs hold; the names are ONNX Runtime's. */
export type DType = 'float32' | 'float64' | 'int32' | 'int64' | 'uint8' | 'bool';

/** One extent of a shape: a number, or a name for what is only known at run time (the batch, "N"; "4*N" is four times it). */
export type Dim = number | string;

export type Shape = readonly Dim[];

export interface ValueType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface ValueInfo extends ValueType {
  readonly name: string;
}

/**
 * A constant. `dtype` is what the ONNX file stores; `data` (row-major) may be kept in double precision until it is
 * written, so that passes that merge weights round once only. Integers and booleans are kept as numbers too.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** One operation. An omitted optional input is the empty string, as in ONNX. */
export interface NodeOf<K extends OpName> {
  readonly op: K;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes<K>;
}

export type Node = { [K in OpName]: NodeOf<K> }[OpName];

/** An ONNX graph; nodes are in topological order. Passes are functions from graph to graph and never mutate one. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
  /** The model file's own metadata_props. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The opset that graphs are held and written in; older files are raised to it when they are read. */
export const OPSET = 18;

/** Number of elements of a static shape. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}

/** Row-major strides of a static shape. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = new Array<number>(dims.length).fill(1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * dims[i + 1];
  return strides;
}

/** A constant from numbers; float32 unless told. */
export function tensor(
  data: ArrayLike<number>,
  dims: readonly number[] = [data.length],
  dtype: DType = 'float32',
): Tensor {
  if (data.length !== sizeOf(dims))
    throw new RangeError(`${data.length} numbers do not fill [${dims.join(', ')}]`);
  const kept = data instanceof Float32Array || data instanceof Float64Array ? data : Float64Array.from(data);
  return { dtype, dims, data: kept };
}

export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  return tensor([value], [], dtype);
}

export function int64s(values: readonly number[]): Tensor {
  return tensor(values, [values.length], 'int64');
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** "float32[N, 1, 40, 130]" */
export function showType(type: ValueType): string {
  return `${type.dtype}[${type.shape.join(', ')}]`;
}
