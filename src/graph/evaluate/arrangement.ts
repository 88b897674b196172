// Reference evaluation of reductions, of what rearranges elements, and of shapes.
import { GraphError } from '../../errors.ts';
import {
  type Array64,
  array64,
  broadcastDims,
  eachIndex,
  expand,
  flat,
  largest,
  map,
  mean,
  pick,
  reduce,
  strided,
  total,
  transpose,
  zeros,
} from '../array64.ts';
import { axisOf } from '../dims.ts';
import type { Attributes } from '../ops.ts';
import { padPlaces, sliceAxis, splitSizes } from '../slices.ts';
import { sizeOf, stridesOf } from '../types.ts';
import type { EvaluateTable } from './table.ts';

export const ARRANGEMENT = {
  Dropout: ([x]) => [x, { ...map(x, () => 1), dtype: 'bool' }],
  Identity: ([x]) => x,

  ReduceSum: ([x, axes], a) => reduceAxes(x, axes, a, total),
  ReduceMean: ([x, axes], a) => reduceAxes(x, axes, a, mean),
  ReduceMax: ([x, axes], a) => reduceAxes(x, axes, a, largest),
  ReduceMin: ([x, axes], a) => reduceAxes(x, axes, a, (v) => -largest(v.map((value) => -value))),
  ReduceProd: ([x, axes], a) => reduceAxes(x, axes, a, (v) => v.reduce((p, q) => p * q, 1)),
  ReduceL2: ([x, axes], a) =>
    reduceAxes(x, axes, a, (v) => Math.sqrt(total(v.map((value) => value * value)))),
  ArgMax: ([x], { axis = 0, keepdims = 1, select_last_index }) => {
    const best = (v: Float64Array) => (select_last_index ? v.lastIndexOf(largest(v)) : v.indexOf(largest(v)));
    return { ...reduce(x, [axisOf(axis, x.dims.length, 'ArgMax')], keepdims === 1, best), dtype: 'int64' };
  },

  Flatten: ([x], { axis = 1 }) => {
    const at = axis < 0 ? axis + x.dims.length : axis;
    return { ...x, dims: [sizeOf(x.dims.slice(0, at)), sizeOf(x.dims.slice(at))] };
  },
  Reshape: ([x, shape], { allowzero }) => {
    const dims = Array.from(shape.data, (d, i) => (d === 0 && !allowzero ? x.dims[i] : d));
    const open = dims.indexOf(-1);
    if (open >= 0) dims[open] = x.data.length / sizeOf(dims.filter((_, i) => i !== open));
    return { ...x, dims };
  },
  Transpose: ([x], { perm }) => transpose(x, perm ?? x.dims.map((_, i) => x.dims.length - 1 - i)),
  Squeeze: ([x, axes]) => {
    const gone = axes ? Array.from(axes.data, (i) => axisOf(i, x.dims.length, 'Squeeze')) : undefined;
    return { ...x, dims: x.dims.filter((d, i) => (gone ? !gone.includes(i) : d !== 1)) };
  },
  Unsqueeze: ([x, axes]) => {
    const rank = x.dims.length + axes.data.length;
    const added = new Set(Array.from(axes.data, (i) => axisOf(i, rank, 'Unsqueeze')));
    const rest = [...x.dims];
    return {
      ...x,
      dims: Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : (rest.shift() as number))),
    };
  },
  Expand: ([x, shape]) => expand(x, broadcastDims([x, { dims: Array.from(shape.data) }])),
  Tile: ([x, repeats]) => {
    const steps = stridesOf(x.dims).flatMap((step) => [0, step]);
    const tiles = x.dims.flatMap((d, i) => [repeats.data[i], d]);
    return { ...strided(x, tiles, steps), dims: x.dims.map((d, i) => d * repeats.data[i]) };
  },
  Concat: (parts, { axis = 0 }) => {
    const at = axisOf(axis, parts[0].dims.length, 'Concat');
    const rows = parts.map((p) => sizeOf(p.dims.slice(at)));
    const along = parts.reduce((n, p) => n + p.dims[at], 0);
    const result = zeros(parts[0].dims.with(at, along), parts[0].dtype);
    const outer = sizeOf(parts[0].dims.slice(0, at));
    for (let o = 0, to = 0; o < outer; o++) {
      parts.forEach(({ data }, i) => {
        result.data.set(data.subarray(o * rows[i], (o + 1) * rows[i]), to);
        to += rows[i];
      });
    }
    return result;
  },
  Slice: ([x, starts, ends, axes, steps]) => {
    const strides = stridesOf(x.dims);
    const [dims, taken] = [[...x.dims], [...strides]];
    let first = 0;
    starts.data.forEach((start, i) => {
      const at = axisOf(axes ? axes.data[i] : i, x.dims.length, 'Slice');
      const cut = sliceAxis(x.dims[at], start, ends.data[i], steps ? steps.data[i] : 1, 'Slice');
      dims[at] = cut.length as number;
      taken[at] = cut.step * strides[at];
      first += cut.start * strides[at];
    });
    return strided(x, dims, taken, first);
  },
  Split: ([x, sizes], { axis = 0 }, node) => {
    const at = axisOf(axis, x.dims.length, 'Split');
    const strides = stridesOf(x.dims);
    const parts = splitSizes(x.dims[at], node.outputs.length, sizes && Array.from(sizes.data));
    let end = 0;
    return parts.map((length) => {
      end += length;
      return strided(x, x.dims.with(at, length), strides, (end - length) * strides[at]);
    });
  },
  Pad: ([x, pads, value, axes], { mode = 'constant' }) => {
    const given = axes ? Array.from(axes.data) : x.dims.map((_, i) => i);
    let result = x;
    given.forEach((axis, i) => {
      const at = axisOf(axis, x.dims.length, 'Pad');
      const places = padPlaces(mode, x.dims[at], pads.data[i], pads.data[i + given.length], 'Pad');
      result = pick(result, at, places, value?.data[0] ?? 0);
    });
    return result;
  },
  Gather: ([x, indices], { axis = 0 }) => {
    const at = axisOf(axis, x.dims.length, 'Gather');
    const places = indices.data.map((i) => insideAxis(i, x.dims[at]));
    return {
      ...pick(x, at, places),
      dims: [...x.dims.slice(0, at), ...indices.dims, ...x.dims.slice(at + 1)],
    };
  },
  GatherElements: ([x, indices], { axis = 0 }) => {
    const at = axisOf(axis, x.dims.length, 'GatherElements');
    const result = zeros(indices.dims, x.dtype);
    eachIndex(indices.dims, (index, i) => {
      const from = index.with(at, insideAxis(indices.data[i], x.dims[at]));
      result.data[i] = x.data[flat(from, x.dims)];
    });
    return result;
  },
  ScatterElements: ([x, indices, updates], { axis = 0, reduction = 'none' }) => {
    const at = axisOf(axis, x.dims.length, 'ScatterElements');
    const result = { ...x, data: x.data.slice() };
    eachIndex(indices.dims, (index, i) => {
      const to = flat(index.with(at, indices.data[i]), x.dims);
      result.data[to] = reduction === 'add' ? result.data[to] + updates.data[i] : updates.data[i];
    });
    return result;
  },
  Shape: ([x], { start = 0, end = x.dims.length }) => array64(x.dims.slice(start, end), undefined, 'int64'),
  Size: ([x]) => array64([x.data.length], [], 'int64'),
  Range: ([start, limit, delta]) => {
    const [from, to, step] = [start, limit, delta].map((v) => v.data[0]);
    const length = Math.max(Math.ceil((to - from) / step), 0);
    return array64(
      Array.from({ length }, (_, i) => from + i * step),
      [length],
      start.dtype,
    );
  },
} satisfies Partial<EvaluateTable>;

/** An index counted from the end becomes one counted from the start. */
function insideAxis(index: number, size: number): number {
  if (index < -size || index >= size) throw new GraphError(`index ${index} is out of range`);
  return index < 0 ? index + size : index;
}

function reduceAxes(
  x: Array64,
  axes: Array64 | undefined,
  a: Attributes<'ReduceSum'>,
  f: (values: Float64Array) => number,
): Array64 {
  const given = axes ? Array.from(axes.data, (i) => axisOf(i, x.dims.length, 'Reduce')) : [];
  if (given.length === 0 && a.noop_with_empty_axes) return x;
  return reduce(x, given.length ? given : x.dims.map((_, i) => i), (a.keepdims ?? 1) === 1, f);
}
