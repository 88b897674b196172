// The float64 arrays of the interpreter, and the loops over them that its ops share.

import { axisOf } from './dims.ts';
import type { Attributes } from './ops.ts';
import type { DType } from './types.ts';
import { sizeOf, stridesOf } from './types.ts';
import type { Window } from './window.ts';

/** A value of the interpreter; integers and booleans are held as doubles too. */
export interface Array64 {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

export function array64(
  data: ArrayLike<number>,
  dims: readonly number[] = [data.length],
  dtype: DType = 'float32',
): Array64 {
  return { dtype, dims, data: Float64Array.from(data) };
}

export function zeros(dims: readonly number[], dtype: DType): Array64 {
  return { dtype, dims, data: new Float64Array(sizeOf(dims)) };
}

export function map(x: Array64, f: (value: number, i: number) => number): Array64 {
  return { ...x, data: x.data.map((v, i) => f(v, i)) };
}

export function spatialAxes(x: Array64): number[] {
  return x.dims.map((_, i) => i).slice(2);
}

export const total = (v: Float64Array) => v.reduce((a, b) => a + b, 0);
export const mean = (v: Float64Array) => total(v) / v.length;
export const largest = (v: Float64Array) => v.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
export const populationVariance = (v: Float64Array) => {
  const m = mean(v);
  return mean(v.map((value) => (value - m) ** 2));
};

/** Visits every index of a shape in row-major order. */
export function eachIndex(dims: readonly number[], visit: (index: number[], i: number) => void): void {
  const strides = stridesOf(dims);
  for (let i = 0; i < sizeOf(dims); i++)
    visit(
      dims.map((d, axis) => Math.floor(i / strides[axis]) % d),
      i,
    );
}

export function flat(index: readonly number[], dims: readonly number[]): number {
  return index.reduce((offset, i, axis) => offset * dims[axis] + i, 0);
}

export function gather(
  x: Array64,
  dims: readonly number[],
  from: (index: number[], i: number) => readonly number[],
): Array64 {
  const result = zeros(dims, x.dtype);
  eachIndex(dims, (index, i) => {
    result.data[i] = x.data[flat(from(index, i), x.dims)];
  });
  return result;
}

export function transpose(x: Array64, perm: readonly number[]): Array64 {
  return gather(
    x,
    perm.map((axis) => x.dims[axis]),
    (index) => {
      const from = new Array<number>(index.length);
      perm.forEach((axis, i) => {
        from[axis] = index[i];
      });
      return from;
    },
  );
}

/** Applies f element by element over operands broadcast to one shape. */
export function broadcastTo(
  x: readonly Array64[],
  f: (...values: number[]) => number,
  dtype: DType = x[0].dtype,
): Array64 {
  const rank = Math.max(...x.map((v) => v.dims.length));
  const extents = x.map((v) => [...new Array<number>(rank - v.dims.length).fill(1), ...v.dims]);
  const dims = Array.from({ length: rank }, (_, axis) =>
    extents.map((e) => e[axis]).reduce((a, b) => (a === 1 ? b : a)),
  );
  const steps = extents.map((e) => stridesOf(e).map((s, axis) => (e[axis] === 1 ? 0 : s)));
  const strides = stridesOf(dims);
  const result = zeros(dims, dtype);
  const values = new Array<number>(x.length);
  for (let i = 0; i < result.data.length; i++) {
    for (let v = 0; v < x.length; v++) {
      let at = 0;
      for (let axis = 0; axis < rank; axis++) {
        if (steps[v][axis]) at += (Math.floor(i / strides[axis]) % dims[axis]) * steps[v][axis];
      }
      values[v] = x[v].data[at];
    }
    result.data[i] = f(...values);
  }
  return result;
}

export function reduce(
  x: Array64,
  axes: readonly number[],
  keepdims: boolean,
  f: (values: Float64Array) => number,
): Array64 {
  const kept = x.dims.map((_, i) => i).filter((i) => !axes.includes(i));
  const moved = transpose(x, [...kept, ...axes]);
  const inner = sizeOf(axes.map((i) => x.dims[i]));
  const dims = keepdims ? x.dims.map((d, i) => (axes.includes(i) ? 1 : d)) : kept.map((i) => x.dims[i]);
  const result = zeros(dims, x.dtype);
  for (let i = 0; i < result.data.length; i++)
    result.data[i] = f(moved.data.subarray(i * inner, (i + 1) * inner));
  return result;
}

export function reduceAxes(
  x: Array64,
  axes: Array64 | undefined,
  a: Attributes<'ReduceSum'>,
  f: (values: Float64Array) => number,
): Array64 {
  const given = axes ? Array.from(axes.data, (i) => axisOf(i, x.dims.length, 'Reduce')) : [];
  if (given.length === 0 && a.noop_with_empty_axes) return x;
  return reduce(x, given.length ? given : x.dims.map((_, i) => i), (a.keepdims ?? 1) === 1, f);
}

export function logSoftmax(x: Array64, axis: number): Array64 {
  const at = [axisOf(axis, x.dims.length, 'LogSoftmax')];
  const top = reduce(x, at, true, largest);
  const sums = reduce(
    broadcastTo([x, top], (v, m) => Math.exp(v - m)),
    at,
    true,
    total,
  );
  return broadcastTo([x, top, sums], (v, m, s) => v - m - Math.log(s));
}

export function matmul(a: Array64, b: Array64): Array64 {
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const [m, k] = left.slice(-2);
  const n = right.at(-1) as number;
  // Batch extents broadcast through an index field of each operand.
  const field = (dims: readonly number[]) =>
    array64(
      Array.from({ length: sizeOf(dims) }, (_, i) => i),
      dims,
      'int64',
    );
  const [fa, fb] = [field(left.slice(0, -2)), field(right.slice(0, -2))];
  const ia = broadcastTo([fa, fb], (i) => i);
  const ib = broadcastTo([fa, fb], (_, j) => j);
  const dims = [...ia.dims, ...(a.dims.length > 1 ? [m] : []), ...(b.dims.length > 1 ? [n] : [])];
  const result = zeros(dims, a.dtype);
  ia.data.forEach((from, batch) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          sum += a.data[(from * m + i) * k + l] * b.data[(ib.data[batch] * k + l) * n + j];
        }
        result.data[(batch * m + i) * n + j] = sum;
      }
    }
  });
  return result;
}

interface Tap {
  readonly output: number;
  readonly input: number;
  readonly kernel: number;
}

/** Every (output, input, kernel) position that a window joins, the kernel's in row-major order for each output. */
export function tapsOf(window: Window): Tap[] {
  const taps: Tap[] = [];
  eachIndex(window.output, (out, output) => {
    eachIndex(window.kernel, (k, kernel) => {
      const at = out.map((o, i) => o * window.strides[i] + k[i] * window.dilations[i] - window.padsBegin[i]);
      if (at.every((v, i) => v >= 0 && v < window.input[i])) {
        taps.push({ output, input: flat(at, window.input), kernel });
      }
    });
  });
  return taps;
}

export function eachTap(x: Array64, window: Window, visit: (to: number, from: number) => void): void {
  const taps = tapsOf(window);
  const [inSize, outSize] = [sizeOf(window.input), sizeOf(window.output)];
  for (let plane = 0; plane < x.dims[0] * x.dims[1]; plane++) {
    for (const t of taps) visit(plane * outSize + t.output, plane * inSize + t.input);
  }
}
