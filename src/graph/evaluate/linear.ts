// Reference evaluation of convolutions, dense layers, pooling and what normalises over axes: plain loops.
import {
  type Array64,
  array64,
  broadcastDims,
  broadcastTo,
  eachIndex,
  expand,
  flat,
  largest,
  map,
  mean,
  reduce,
  total,
  transpose,
  zeros,
} from '../array64.ts';
import { axisOf } from '../dims.ts';
import { sizeOf } from '../types.ts';
import { reversed, transposedWindowOf, type Window, windowOf } from '../window.ts';
import { windowCounts } from '../window-counts.ts';
import type { EvaluateTable } from './table.ts';

const populationVariance = (v: Float64Array) => {
  const m = mean(v);
  return mean(v.map((value) => (value - m) ** 2));
};

function spatialAxes(x: Array64): number[] {
  return x.dims.map((_, i) => i).slice(2);
}

export const LINEAR = {
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
    const taps = tapsOf(reversed(window));
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
    eachTap(x, window, (to, from) => {
      y.data[to] += x.data[from];
    });
    const count = array64(windowCounts(window, a.count_include_pad === 1), window.output);
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
  // x / (bias + α/size · Σ over `size` neighbouring channels of x²)^β
  LRN: ([x], { alpha = 1e-4, beta = 0.75, bias = 1, size = 1 }) => {
    const channels = x.dims[1];
    const inner = sizeOf(x.dims.slice(2));
    return map(x, (value, i) => {
      const c = Math.floor(i / inner) % channels;
      const reach = (size - 1) / 2;
      const [low, high] = [Math.max(0, c - reach), Math.min(channels - 1, c + reach)];
      let squares = 0;
      for (let k = low; k <= high; k++) squares += x.data[i + (k - c) * inner] ** 2;
      return value / (bias + (alpha / size) * squares) ** beta;
    });
  },
  Softmax: ([x], { axis = -1 }) => map(logSoftmax(x, axis), Math.exp),
  LogSoftmax: ([x], { axis = -1 }) => logSoftmax(x, axis),
} satisfies Partial<EvaluateTable>;

function logSoftmax(x: Array64, axis: number): Array64 {
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

function matmul(a: Array64, b: Array64): Array64 {
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
  const shape = broadcastDims([fa, fb]);
  const [ia, ib] = [expand(fa, shape), expand(fb, shape)];
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
function tapsOf(window: Window): Tap[] {
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

function eachTap(x: Array64, window: Window, visit: (to: number, from: number) => void): void {
  const taps = tapsOf(window);
  const [inSize, outSize] = [sizeOf(window.input), sizeOf(window.output)];
  for (let plane = 0; plane < x.dims[0] * x.dims[1]; plane++) {
    for (const t of taps) visit(plane * outSize + t.output, plane * inSize + t.input);
  }
}
