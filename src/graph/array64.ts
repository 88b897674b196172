// The float64 arrays of the interpreter, and the loops over them that its ops share.
import type { DType } from './types.ts';
import { sizeOf, stridesOf } from './types.ts';

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
  return { dtype, dims, data: new Float64Array(data) };
}

export function zeros(dims: readonly number[], dtype: DType): Array64 {
  return { dtype, dims, data: new Float64Array(sizeOf(dims)) };
}

export function map(x: Array64, f: (value: number, i: number) => number): Array64 {
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(x.data[i], i);
  return { ...x, data };
}

export const total = (v: Float64Array) => v.reduce((a, b) => a + b, 0);
export const mean = (v: Float64Array) => total(v) / v.length;
export const largest = (v: Float64Array) => v.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

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

/** The elements start + Σ index·step of x, for every index of `dims`: a transposed, sliced or repeated x. */
export function strided(x: Array64, dims: readonly number[], steps: readonly number[], start = 0): Array64 {
  const result = zeros(dims, x.dtype);
  const last = dims.length - 1;
  const [inner, step] = last < 0 ? [1, 0] : [dims[last], steps[last]];
  const index = new Array<number>(dims.length).fill(0);
  let from = start;
  for (let to = 0; to < result.data.length; to += inner) {
    for (let k = 0; k < inner; k++) result.data[to + k] = x.data[from + k * step];
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < dims[axis]) break;
      from -= steps[axis] * dims[axis];
      index[axis] = 0;
    }
  }
  return result;
}

export function transpose(x: Array64, perm: readonly number[]): Array64 {
  const steps = stridesOf(x.dims);
  return strided(
    x,
    perm.map((axis) => x.dims[axis]),
    perm.map((axis) => steps[axis]),
  );
}

/** x repeated along the axes where it has extent 1 or none. */
export function expand(x: Array64, dims: readonly number[]): Array64 {
  if (x.data.length === sizeOf(dims)) return { ...x, dims };
  const lead = dims.length - x.dims.length;
  const own = stridesOf(x.dims);
  const steps = dims.map((_, axis) => (axis < lead || x.dims[axis - lead] === 1 ? 0 : own[axis - lead]));
  return strided(x, dims, steps);
}

/** Along one axis the elements at these places; `fill` where a place is −1. */
export function pick(x: Array64, axis: number, places: ArrayLike<number>, fill = 0): Array64 {
  const result = zeros(x.dims.with(axis, places.length), x.dtype);
  const inner = sizeOf(x.dims.slice(axis + 1));
  const outer = sizeOf(x.dims.slice(0, axis));
  for (let o = 0, to = 0; o < outer; o++) {
    for (let p = 0; p < places.length; p++, to += inner) {
      const from = (o * x.dims[axis] + places[p]) * inner;
      if (places[p] < 0) result.data.fill(fill, to, to + inner);
      else result.data.set(x.data.subarray(from, from + inner), to);
    }
  }
  return result;
}

/** The shape that operands broadcast to. */
export function broadcastDims(x: readonly { readonly dims: readonly number[] }[]): number[] {
  const rank = Math.max(...x.map((v) => v.dims.length));
  return Array.from({ length: rank }, (_, axis) =>
    x.map((v) => v.dims[axis - rank + v.dims.length] ?? 1).reduce((a, b) => (a === 1 ? b : a)),
  );
}

/** Applies f element by element over operands broadcast to one shape. */
export function broadcastTo(
  x: readonly Array64[],
  f: (...values: number[]) => number,
  dtype: DType = x[0].dtype,
): Array64 {
  const dims = broadcastDims(x);
  const result = zeros(dims, dtype);
  const to = result.data;
  const data = x.map((v) => (v.data.length === 1 ? v.data : expand(v, dims).data));
  const steps = x.map((v) => (v.data.length === 1 ? 0 : 1));
  if (x.length === 2) {
    const [a, b] = data;
    const [p, q] = steps;
    for (let i = 0; i < to.length; i++) to[i] = f(a[i * p], b[i * q]);
    return result;
  }
  const values = new Array<number>(x.length);
  for (let i = 0; i < to.length; i++) {
    for (let v = 0; v < x.length; v++) values[v] = data[v][i * steps[v]];
    to[i] = f(...values);
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
