// The slow twin: runs a graph in float64 with plain loops. Only tests use it.
import { GraphError } from '../errors.ts';
import {
  type Array64,
  array64,
  broadcastTo,
  eachIndex,
  eachTap,
  flat,
  gather,
  largest,
  logSoftmax,
  map,
  matmul,
  mean,
  populationVariance,
  reduce,
  reduceAxes,
  spatialAxes,
  tapsOf,
  total,
  transpose,
  zeros,
} from './array64.ts';

export { type Array64, array64 } from './array64.ts';

import { axisOf } from './dims.ts';
import type { Attributes, OpName } from './ops.ts';
import { ONNX_DTYPES } from './shapes.ts';
import { sliceAxis, splitSizes } from './slices.ts';
import type { Graph, NodeOf } from './types.ts';
import { isFloat, sizeOf } from './types.ts';
import { transposedWindowOf, windowOf } from './window.ts';

/** Runs a graph; gives all of its outputs, or the values named. */
export function interpret(
  graph: Graph,
  feeds: Readonly<Record<string, Array64>>,
  wanted: readonly string[] = graph.outputs.map((o) => o.name),
): Record<string, Array64> {
  const values = new Map<string, Array64>();
  for (const { name } of graph.inputs) {
    if (!feeds[name]) throw new GraphError(`input "${name}" is not fed`);
    values.set(name, feeds[name]);
  }
  for (const [name, t] of graph.constants) values.set(name, array64(t.data, t.dims, t.dtype));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const evaluate = EVALUATE[node.op] as unknown as Evaluate<OpName>;
    const results = [evaluate(inputs as Array64[], node.attributes as never, node as never)].flat();
    node.outputs.forEach((name, i) => {
      if (name !== '') values.set(name, results[i]);
    });
  }
  return Object.fromEntries(wanted.map((name) => [name, values.get(name) as Array64]));
}

type Evaluate<K extends OpName> = (x: Array64[], a: Attributes<K>, node: NodeOf<K>) => Array64 | Array64[];

const EVALUATE: { readonly [K in OpName]: Evaluate<K> } = {
  Conv: ([x, w, b], a, node) => {
    const [outChannels, perGroup, ...kernel] = w.dims;
    const window = windowOf(a, kernel, x.dims.slice(2), node.name);
    const taps = tapsOf(window);
    const [inSize, outSize, kernelSize] = [window.input, window.output, kernel].map(sizeOf);
    const outPerGroup = outChannels / (a.group ?? 1);
    const y = zeros([x.dims[0], outChannels, ...window.output], x.dtype);
    for (let n = 0; n < x.dims[0]; n++) {
      for (let o = 0; o < outChannels; o++) {
        const to = (n * outChannels + o) * outSize;
        if (b) y.data.fill(b.data[o], to, to + outSize);
        for (let c = 0; c < perGroup; c++) {
          const from = (n * x.dims[1] + Math.floor(o / outPerGroup) * perGroup + c) * inSize;
          const k = (o * perGroup + c) * kernelSize;
          for (const t of taps) y.data[to + t.output] += x.data[from + t.input] * w.data[k + t.kernel];
        }
      }
    }
    return y;
  },
  ConvTranspose: ([x, w, b], a, node) => {
    const [inChannels, perGroup, ...kernel] = w.dims;
    const group = a.group ?? 1;
    const window = transposedWindowOf(a, kernel, x.dims.slice(2), node.name);
    const taps = tapsOf({ ...window, input: window.output, output: window.input });
    const [inSize, outSize, kernelSize] = [window.input, window.output, kernel].map(sizeOf);
    const y = zeros([x.dims[0], perGroup * group, ...window.output], x.dtype);
    for (let n = 0; n < x.dims[0]; n++) {
      for (let o = 0; o < perGroup * group; o++) {
        const to = (n * perGroup * group + o) * outSize;
        if (b) y.data.fill(b.data[o], to, to + outSize);
        const first = Math.floor(o / perGroup) * (inChannels / group);
        for (let c = first; c < first + inChannels / group; c++) {
          const from = (n * inChannels + c) * inSize;
          const k = (c * perGroup + (o % perGroup)) * kernelSize;
          for (const t of taps) y.data[to + t.input] += x.data[from + t.output] * w.data[k + t.kernel];
        }
      }
    }
    return y;
  },
  Gemm: ([a, b, c], { alpha = 1, beta = 1, transA, transB }) => {
    const left = transA ? transpose(a, [1, 0]) : a;
    const right = transB ? transpose(b, [1, 0]) : b;
    const product = matmul(left, right);
    const scaled = map(product, (v) => alpha * v);
    return c ? broadcastTo([scaled, c], (v, w) => v + beta * w) : scaled;
  },
  MatMul: ([a, b]) => matmul(a, b),

  MaxPool: ([x], a, node) => {
    const window = windowOf(a, a.kernel_shape ?? [], x.dims.slice(2), node.name);
    const dims = [...x.dims.slice(0, 2), ...window.output];
    const y = { dtype: x.dtype, dims, data: new Float64Array(sizeOf(dims)).fill(Number.NEGATIVE_INFINITY) };
    const where = zeros(dims, 'int64');
    eachTap(x, window, (to, from) => {
      if (x.data[from] > y.data[to]) {
        y.data[to] = x.data[from];
        where.data[to] = from;
      }
    });
    return [y, where];
  },
  AveragePool: ([x], a, node) => {
    const window = windowOf(a, a.kernel_shape ?? [], x.dims.slice(2), node.name);
    const y = zeros([...x.dims.slice(0, 2), ...window.output], x.dtype);
    const count = zeros(y.dims, x.dtype);
    eachTap(x, window, (to, from) => {
      y.data[to] += x.data[from];
      count.data[to] += 1;
    });
    if (a.count_include_pad) {
      // Positions in the explicit padding count; those that ceil_mode reaches beyond it do not.
      const padded = {
        ...window,
        padsBegin: window.padsBegin.map(() => 0),
        padsEnd: window.padsEnd.map(() => 0),
      };
      const input = window.input.map((size, i) => size + window.padsBegin[i] + window.padsEnd[i]);
      const field = zeros([...x.dims.slice(0, 2), ...input], x.dtype);
      count.data.fill(0);
      eachTap(field, { ...padded, input }, (to) => {
        count.data[to] += 1;
      });
    }
    return broadcastTo([y, count], (v, n) => v / n);
  },
  GlobalAveragePool: ([x]) => reduce(x, spatialAxes(x), true, mean),
  GlobalMaxPool: ([x]) => reduce(x, spatialAxes(x), true, largest),

  BatchNormalization: ([x, scale, bias, mu, variance], { epsilon = 1e-5, momentum = 0.9, training_mode }) => {
    const axes = [0, ...spatialAxes(x)];
    const m = training_mode ? reduce(x, axes, false, mean) : mu;
    const v = training_mode ? reduce(x, axes, false, populationVariance) : variance;
    const inner = sizeOf(x.dims.slice(2));
    const y = map(x, (value, i) => {
      const c = Math.floor(i / inner) % x.dims[1];
      return ((value - m.data[c]) / Math.sqrt(v.data[c] + epsilon)) * scale.data[c] + bias.data[c];
    });
    const running = (old: Array64, now: Array64) =>
      broadcastTo([old, now], (p, q) => p * momentum + q * (1 - momentum));
    return [y, running(mu, m), running(variance, v)];
  },
  Dropout: ([x]) => [x, { ...map(x, () => 1), dtype: 'bool' }],
  Identity: ([x]) => x,
  Relu: ([x]) => map(x, (v) => Math.max(v, 0)),
  Sigmoid: ([x]) => map(x, (v) => 1 / (1 + Math.exp(-v))),
  Tanh: ([x]) => map(x, Math.tanh),
  Softmax: ([x], { axis = -1 }) => map(logSoftmax(x, axis), Math.exp),
  LogSoftmax: ([x], { axis = -1 }) => logSoftmax(x, axis),

  Add: (x) => broadcastTo(x, (p, q) => p + q),
  Sub: (x) => broadcastTo(x, (p, q) => p - q),
  Mul: (x) => broadcastTo(x, (p, q) => p * q),
  Div: (x) => broadcastTo(x, (p, q) => (isFloat(x[0].dtype) ? p / q : Math.trunc(p / q))),
  Pow: (x) => broadcastTo(x, (p, q) => p ** q),
  Max: (x) => x.reduce((a, b) => broadcastTo([a, b], Math.max)),
  Min: (x) => x.reduce((a, b) => broadcastTo([a, b], Math.min)),
  Neg: ([x]) => map(x, (v) => -v),
  Abs: ([x]) => map(x, Math.abs),
  Sqrt: ([x]) => map(x, Math.sqrt),
  Exp: ([x]) => map(x, Math.exp),
  Log: ([x]) => map(x, Math.log),
  Reciprocal: ([x]) => map(x, (v) => 1 / v),

  Equal: (x) => broadcastTo(x, (p, q) => Number(p === q), 'bool'),
  Less: (x) => broadcastTo(x, (p, q) => Number(p < q), 'bool'),
  Greater: (x) => broadcastTo(x, (p, q) => Number(p > q), 'bool'),
  GreaterOrEqual: (x) => broadcastTo(x, (p, q) => Number(p >= q), 'bool'),
  And: (x) => broadcastTo(x, (p, q) => p * q, 'bool'),
  Not: ([x]) => map(x, (v) => 1 - v),
  Where: ([condition, a, b]) => broadcastTo([condition, a, b], (c, p, q) => (c ? p : q), a.dtype),
  Cast: ([x], { to = 1 }) => {
    const dtype = ONNX_DTYPES[to];
    const convert =
      dtype === 'bool' ? (v: number) => Number(v !== 0) : isFloat(dtype) ? (v: number) => v : Math.trunc;
    return { ...map(x, convert), dtype };
  },

  ReduceSum: ([x, axes], a) => reduceAxes(x, axes, a, total),
  ReduceMean: ([x, axes], a) => reduceAxes(x, axes, a, mean),
  ReduceMax: ([x, axes], a) => reduceAxes(x, axes, a, largest),
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
  Expand: ([x, shape]) => broadcastTo([x, zeros(Array.from(shape.data), x.dtype)], (v) => v),
  Concat: (parts, { axis = 0 }) => {
    const at = axisOf(axis, parts[0].dims.length, 'Concat');
    const along = parts.map((p) => p.dims[at]);
    const dims = parts[0].dims.with(at, total(Float64Array.from(along)));
    const result = zeros(dims, parts[0].dtype);
    let offset = 0;
    for (const part of parts) {
      const start = offset;
      eachIndex(part.dims, (index, i) => {
        result.data[flat(index.with(at, index[at] + start), dims)] = part.data[i];
      });
      offset += part.dims[at];
    }
    return result;
  },
  Slice: ([x, starts, ends, axes, steps]) => {
    const cuts = x.dims.map((length) => ({ start: 0, step: 1, length }));
    starts.data.forEach((start, i) => {
      const at = axisOf(axes ? axes.data[i] : i, x.dims.length, 'Slice');
      const cut = sliceAxis(x.dims[at], start, ends.data[i], steps ? steps.data[i] : 1, 'Slice');
      cuts[at] = { ...cut, length: cut.length as number };
    });
    const dims = cuts.map((cut) => cut.length);
    return gather(x, dims, (index) => index.map((i, axis) => cuts[axis].start + i * cuts[axis].step));
  },
  Split: ([x, sizes], { axis = 0 }, node) => {
    const at = axisOf(axis, x.dims.length, 'Split');
    const parts = splitSizes(x.dims[at], node.outputs.length, sizes && Array.from(sizes.data));
    let end = 0;
    return parts.map((length) => {
      end += length;
      return gather(x, x.dims.with(at, length), (index) => index.with(at, index[at] + end - length));
    });
  },
  Pad: ([x, pads, value, axes], { mode = 'constant' }) => {
    if (mode !== 'constant') throw new GraphError(`Pad of mode ${mode} has no reference`);
    const at = axes ? Array.from(axes.data) : x.dims.map((_, i) => i);
    const begin = x.dims.map((_, i) => (at.includes(i) ? pads.data[at.indexOf(i)] : 0));
    const dims = x.dims.map(
      (d, i) => d + begin[i] + (at.includes(i) ? pads.data[at.indexOf(i) + at.length] : 0),
    );
    const result = {
      ...zeros(dims, x.dtype),
      data: new Float64Array(sizeOf(dims)).fill(value?.data[0] ?? 0),
    };
    eachIndex(x.dims, (index, i) => {
      const to = index.map((v, axis) => v + begin[axis]);
      if (to.every((v, axis) => v >= 0 && v < dims[axis])) result.data[flat(to, dims)] = x.data[i];
    });
    return result;
  },
  Gather: ([x, indices], { axis = 0 }) => {
    const at = axisOf(axis, x.dims.length, 'Gather');
    const rank = indices.dims.length;
    const dims = [...x.dims.slice(0, at), ...indices.dims, ...x.dims.slice(at + 1)];
    return gather(x, dims, (index) => {
      const picked = indices.data[flat(index.slice(at, at + rank), indices.dims)];
      return [...index.slice(0, at), picked < 0 ? picked + x.dims[at] : picked, ...index.slice(at + rank)];
    });
  },
  GatherElements: ([x, indices], { axis = 0 }) => {
    const at = axisOf(axis, x.dims.length, 'GatherElements');
    return gather(x, indices.dims, (index, i) => {
      const picked = indices.data[i];
      if (picked < -x.dims[at] || picked >= x.dims[at])
        throw new GraphError(`index ${picked} is out of range`);
      return index.with(at, picked < 0 ? picked + x.dims[at] : picked);
    });
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
};
