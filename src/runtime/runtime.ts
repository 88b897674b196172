// What Earmark asks of an executor of ONNX graphs; node.ts is one.
import type { DType, Graph } from '../graph/types.ts';

/** A tensor as it goes in and out of a run: row-major data of ONNX Runtime's own array types. */
export interface RuntimeTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;
}

export type Tensors = Readonly<Record<string, RuntimeTensor>>;

/** What computes: the CPU, or a GPU through WebGPU. */
export const DEVICES = ['cpu', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

export interface SessionOptions {
  /** Threads of one run; the runtime's own choice where not given. */
  readonly threads?: number;
}

export interface Session {
  /**
   * Runs the graph once.
   * @param feeds one tensor for each input
   * @param fetches tensors that outputs are written into, by output name; outputs not named here are allocated.
   * Where given, only these and `also` are computed.
   * @throws GraphError where the runtime refuses
   */
  run(feeds: Tensors, fetches?: Tensors, also?: readonly string[]): Promise<Record<string, RuntimeTensor>>;
  release(): Promise<void>;
}

export interface Runtime {
  readonly device: Device;
  open(graph: Graph, options?: SessionOptions): Promise<Session>;
}

/** float32 tensor from data of that type. */
export function float32(data: Float32Array, dims: readonly number[]): RuntimeTensor {
  return { dtype: 'float32', dims, data };
}

/** int64 tensor from whole numbers. */
export function int64(values: ArrayLike<number>, dims: readonly number[] = [values.length]): RuntimeTensor {
  return { dtype: 'int64', dims, data: BigInt64Array.from(Array.from(values), BigInt) };
}
