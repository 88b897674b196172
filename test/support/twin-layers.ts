// Layers of the slow twin, each by its definition: a sparse matrix, a choice among inputs, or a function of its inputs.
import type { Rounding } from './rounding.ts';

/** How a window moves over the spatial axes. */
export interface Sliding {
  readonly strides: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

type Numbers = readonly number[];

/** A layer as the twin knows it: extents and axes without the batch, numbers row-major. */
export type TwinLayer =
  | (Sliding & {
      readonly kind: 'conv';
      /** [out, in/group, …kernel] */
      readonly dims: Numbers;
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly dilations: Numbers;
      readonly group: number;
    })
  | (Sliding & {
      readonly kind: 'convtranspose';
      /** [in, out/group, …kernel] */
      readonly dims: Numbers;
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly dilations: Numbers;
      readonly group: number;
      readonly outputPadding: Numbers;
    })
  /** weight [units, in], on the last axis */
  | {
      readonly kind: 'dense';
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly units: number;
    }
  | {
      readonly kind: 'batchnorm';
      readonly gamma: Numbers;
      readonly beta: Numbers;
      readonly mean: Numbers;
      readonly variance: Numbers;
      readonly epsilon: number;
    }
  /** x ∘ value, or value ∘ x where flipped (only Add, Sub, Mul); `shape` broadcasts to x without its batch. */
  | {
      readonly kind: 'constant';
      readonly op: 'Add' | 'Sub' | 'Mul' | 'Div';
      readonly value: Numbers;
      readonly shape: Numbers;
      readonly flipped?: boolean;
    }
  | { readonly kind: 'activation'; readonly op: ActivationOp }
  | { readonly kind: 'prelu'; readonly slope: Numbers }
  | {
      readonly kind: 'lrn';
      readonly size: number;
      readonly alpha: number;
      readonly beta: number;
      readonly bias: number;
    }
  | (Sliding & { readonly kind: 'maxpool'; readonly kernel: Numbers; readonly ceil?: boolean })
  | (Sliding & { readonly kind: 'averagepool'; readonly kernel: Numbers; readonly countIncludePad: boolean })
  | { readonly kind: 'globalmax' | 'globalaverage' | 'dropout' | 'flatten' }
  | {
      readonly kind: 'reduce';
      readonly op: 'ReduceMean' | 'ReduceSum' | 'ReduceMax';
      readonly axes: Numbers;
      readonly keepdims: boolean;
    }
  | { readonly kind: 'sum'; readonly op: 'Add' | 'Sub' | 'Sum' }
  | { readonly kind: 'extreme'; readonly op: 'Max' | 'Min' }
  /** The input `signal` is weighed by the other, the gate. */
  | { readonly kind: 'product'; readonly signal: 0 | 1 }
  | { readonly kind: 'concat'; readonly axis: number }
  | {
      readonly kind: 'slice';
      readonly axis: number;
      readonly start: number;
      readonly end: number;
      readonly step: number;
    }
  /** One result of a Split. */
  | { readonly kind: 'piece'; readonly axis: number; readonly sizes: Numbers; readonly index: number }
  | {
      readonly kind: 'pad';
      readonly begin: Numbers;
      readonly end: Numbers;
      readonly value: number;
      readonly mode: 'constant' | 'edge' | 'reflect';
    }
  | { readonly kind: 'transpose'; readonly perm: Numbers }
  | { readonly kind: 'reshape'; readonly dims: Numbers }
  | { readonly kind: 'expand'; readonly dims: Numbers }
  | { readonly kind: 'final'; readonly op: 'Softmax' | 'LogSoftmax' | 'Sigmoid' };

/** What a layer does, on its inputs laid end to end. */
export type Form =
  /** z_k = Σ w·x_from + b_k; a row holds real positions only, also those of weight 0. */
  | { readonly is: 'linear'; readonly rows: readonly Row[]; readonly bias: Numbers }
  /** The largest of the candidates (`sign` −1: the smallest), the first of equals; `fill` where there are none. */
  | {
      readonly is: 'choice';
      readonly candidates: readonly Numbers[];
      readonly sign: 1 | -1;
      readonly fill: number;
    }
  /** Any function; relevance of result k goes to input `to[k]`. */
  | {
      readonly is: 'function';
      readonly of: (x: Numbers) => number[];
      readonly to: Numbers;
      /** (∂ results / ∂ x)ᵀ r */
      readonly back: (x: Numbers, r: Numbers, round: Rounding) => number[];
    };

export type Row = readonly { readonly from: number; readonly weight: number }[];

export const size = (dims: Numbers) => dims.reduce((n, d) => n * d, 1);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** All indices of a shape, row-major. */
export function grid(dims: Numbers): number[][] {
  return dims.reduce<number[][]>((all, d) => all.flatMap((head) => upTo(d).map((i) => [...head, i])), [[]]);
}

export const flat = (index: Numbers, dims: Numbers) => index.reduce((n, v, a) => n * dims[a] + v, 0);

/** For each element of `dims`, the element of an operand that broadcasts to it. */
export function spread(operand: Numbers, dims: Numbers): number[] {
  const lead = dims.length - operand.length;
  return grid(dims).map((at) =>
    flat(
      operand.map((d, a) => (d === 1 ? 0 : at[a + lead])),
      operand,
    ),
  );
}

function broadcast(all: readonly Numbers[]): number[] {
  const rank = Math.max(...all.map((d) => d.length));
  return upTo(rank).map((a) => Math.max(...all.map((d) => d[a - rank + d.length] ?? 1)));
}

const ones = (n: number) => new Array<number>(n).fill(1);

/** Extents of what a window gives. */
function slid(
  spatial: Numbers,
  kernel: Numbers,
  dilations: Numbers,
  { strides, begin, end }: Sliding,
  ceil = false,
) {
  return spatial.map((n, a) => {
    const room = n + begin[a] + end[a] - dilations[a] * (kernel[a] - 1) - 1;
    const count = Math[ceil ? 'ceil' : 'floor'](room / strides[a]) + 1;
    return ceil && (count - 1) * strides[a] >= n + begin[a] ? count - 1 : count;
  });
}

/** The shape of a layer's result. */
export function extents(layer: TwinLayer, inputs: readonly Numbers[]): number[] {
  const [dims] = inputs;
  const spatial = dims.slice(1);
  switch (layer.kind) {
    case 'conv':
      return [layer.dims[0], ...slid(spatial, layer.dims.slice(2), layer.dilations, layer)];
    case 'convtranspose':
      return [
        layer.dims[1] * layer.group,
        ...spatial.map(
          (n, a) =>
            layer.strides[a] * (n - 1) +
            layer.outputPadding[a] +
            layer.dilations[a] * (layer.dims[a + 2] - 1) +
            1 -
            layer.begin[a] -
            layer.end[a],
        ),
      ];
    case 'maxpool':
      return [dims[0], ...slid(spatial, layer.kernel, ones(spatial.length), layer, layer.ceil)];
    case 'averagepool':
      return [dims[0], ...slid(spatial, layer.kernel, ones(spatial.length), layer)];
    case 'dense':
      return [...dims.slice(0, -1), layer.units];
    case 'globalaverage':
    case 'globalmax':
      return [dims[0], ...ones(spatial.length)];
    case 'reduce':
      return dims.flatMap((d, a) => (layer.axes.includes(a) ? (layer.keepdims ? [1] : []) : [d]));
    case 'sum':
    case 'extreme':
    case 'product':
      return broadcast(inputs);
    case 'concat':
      return dims.map((d, a) => (a === layer.axis ? inputs.reduce((n, other) => n + other[a], 0) : d));
    case 'slice':
      return dims.map((d, a) => (a === layer.axis ? Math.ceil((layer.end - layer.start) / layer.step) : d));
    case 'piece':
      return dims.map((d, a) => (a === layer.axis ? layer.sizes[layer.index] : d));
    case 'pad':
      return dims.map((d, a) => d + layer.begin[a] + layer.end[a]);
    case 'transpose':
      return layer.perm.map((a) => dims[a]);
    case 'reshape':
    case 'expand':
      return [...layer.dims];
    case 'flatten':
      return [size(dims)];
    default:
      return [...dims];
  }
}

/** Each output position of a window with the input positions under it; undefined stands for padding. */
function windows(
  spatial: Numbers,
  out: Numbers,
  kernel: Numbers,
  dilations: Numbers,
  { strides, begin }: Sliding,
) {
  return grid(out).map((o) =>
    grid(kernel).map((k) => {
      const at = o.map((v, a) => v * strides[a] + k[a] * dilations[a] - begin[a]);
      return at.every((v, a) => v >= 0 && v < spatial[a]) ? flat(at, spatial) : undefined;
    }),
  );
}

/** Positions that each result of a pool or a reduction is made of; padding is left out. */
function gathered(layer: TwinLayer, dims: Numbers): number[][] {
  const plane = size(dims.slice(1));
  switch (layer.kind) {
    case 'maxpool':
    case 'averagepool': {
      const out = extents(layer, [dims]).slice(1);
      const taps = windows(dims.slice(1), out, layer.kernel, ones(out.length), layer);
      return upTo(dims[0]).flatMap((c) =>
        taps.map((window) => window.flatMap((at) => (at === undefined ? [] : [c * plane + at]))),
      );
    }
    case 'globalmax':
    case 'globalaverage':
      return upTo(dims[0]).map((c) => upTo(plane).map((i) => c * plane + i));
    case 'reduce': {
      const kept = dims.map((d, a) => (layer.axes.includes(a) ? 1 : d));
      const groups = upTo(size(kept)).map(() => [] as number[]);
      spread(kept, dims).forEach((to, from) => {
        groups[to].push(from);
      });
      return groups;
    }
    default:
      throw new Error(`${layer.kind} gathers nothing`);
  }
}

/** What a layer does, given the extents of its inputs. */
export function formOf(layer: TwinLayer, inputs: readonly Numbers[]): Form {
  const [dims] = inputs;
  const out = extents(layer, inputs);
  const plane = size(dims.slice(1));
  const linear = (rows: readonly Row[], bias: Numbers = rows.map(() => 0)): Form => ({
    is: 'linear',
    rows,
    bias,
  });
  const perChannel = (b: Numbers | undefined) =>
    grid(out).map(([channel]) => (b === undefined ? 0 : b[channel]));
  const choice = (candidates: readonly Numbers[], sign: 1 | -1 = 1, fill = 0): Form => ({
    is: 'choice',
    candidates,
    sign,
    fill,
  });
  const taken = (from: Numbers) => choice(from.map((i) => [i]));
  const offsets = inputs.map((_, i) => inputs.slice(0, i).reduce((n, d) => n + size(d), 0));
  /** For each result, the element of each input that broadcasts to it. */
  const operands = () => {
    const each = inputs.map((d, i) => spread(d, out).map((at) => offsets[i] + at));
    return upTo(size(out)).map((k) => each.map((from) => from[k]));
  };
  switch (layer.kind) {
    case 'conv': {
      const [channels, perGroup, ...kernel] = layer.dims;
      const taps = windows(dims.slice(1), out.slice(1), kernel, layer.dilations, layer);
      const rows = upTo(channels).flatMap((o) => {
        const first = Math.floor(o / (channels / layer.group)) * perGroup;
        return taps.map((window) =>
          upTo(perGroup).flatMap((c) =>
            window.flatMap((at, k) =>
              at === undefined
                ? []
                : [
                    {
                      from: (first + c) * plane + at,
                      weight: layer.weight[(o * perGroup + c) * window.length + k],
                    },
                  ],
            ),
          ),
        );
      });
      return linear(rows, perChannel(layer.bias));
    }
    case 'convtranspose':
      return linear(scattered(layer, dims, out), perChannel(layer.bias));
    case 'dense': {
      const width = dims.at(-1) as number;
      const rows = upTo(size(dims) / width).flatMap((lead) =>
        upTo(layer.units).map((k) =>
          upTo(width).map((i) => ({ from: lead * width + i, weight: layer.weight[k * width + i] })),
        ),
      );
      return linear(
        rows,
        rows.map((_, k) => layer.bias?.[k % layer.units] ?? 0),
      );
    }
    case 'batchnorm': {
      const { gamma, beta, mean, variance, epsilon } = layer;
      const k = gamma.map((v, c) => v / Math.sqrt(variance[c] + epsilon));
      const channel = grid(dims).map(([c]) => c);
      return linear(
        channel.map((c, from) => [{ from, weight: k[c] }]),
        channel.map((c) => beta[c] - mean[c] * k[c]),
      );
    }
    case 'constant': {
      const value = spread(layer.shape, dims).map((at) => layer.value[at]);
      const { op, flipped = false } = layer;
      const slope = (v: number) =>
        op === 'Mul' ? v : op === 'Div' ? 1 / v : op === 'Sub' && flipped ? -1 : 1;
      const shift = (v: number) => (op === 'Add' || (op === 'Sub' && flipped) ? v : op === 'Sub' ? -v : 0);
      return linear(
        value.map((v, from) => [{ from, weight: slope(v) }]),
        value.map(shift),
      );
    }
    case 'averagepool':
      return linear(
        gathered(layer, dims).map((group) => {
          const count = layer.countIncludePad ? size(layer.kernel) : group.length;
          return group.map((from) => ({ from, weight: 1 / count }));
        }),
      );
    case 'globalaverage':
      return linear(
        gathered(layer, dims).map((group) => group.map((from) => ({ from, weight: 1 / group.length }))),
      );
    case 'reduce': {
      const groups = gathered(layer, dims);
      if (layer.op === 'ReduceMax') return choice(groups);
      return linear(
        groups.map((group) =>
          group.map((from) => ({ from, weight: layer.op === 'ReduceMean' ? 1 / group.length : 1 })),
        ),
      );
    }
    case 'sum':
      return linear(
        operands().map((row) =>
          row.map((from, i) => ({ from, weight: layer.op === 'Sub' && i === 1 ? -1 : 1 })),
        ),
      );
    case 'extreme':
      return choice(operands(), layer.op === 'Max' ? 1 : -1);
    case 'maxpool':
    case 'globalmax':
      return choice(gathered(layer, dims));
    case 'product': {
      const pairs = operands();
      return {
        is: 'function',
        of: (x) => pairs.map(([a, b]) => x[a] * x[b]),
        to: pairs.map((pair) => pair[layer.signal]),
        back: (x, r) => {
          const given = x.map(() => 0);
          pairs.forEach(([a, b], k) => {
            given[a] += x[b] * r[k];
            given[b] += x[a] * r[k];
          });
          return given;
        },
      };
    }
    case 'activation':
    case 'prelu': {
      const { of, slope } =
        layer.kind === 'activation'
          ? ACTIVATIONS[layer.op]
          : {
              of: (v: number, s: number) => (v < 0 ? s * v : v),
              slope: (v: number, s: number) => (v > 0 ? 1 : s),
            };
      const parameter = grid(dims).map(([c]) => (layer.kind === 'prelu' ? layer.slope[c] : 0));
      return {
        is: 'function',
        of: (x) => x.map((v, i) => of(v, parameter[i])),
        to: upTo(size(dims)),
        back: (x, r, round) => x.map((v, i) => r[i] * slope(v, parameter[i], round)),
      };
    }
    case 'lrn':
      return normalized(layer, dims);
    case 'concat': {
      const sizes = inputs.map((d) => d[layer.axis]);
      const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
      return taken(
        grid(out).map((at) => {
          const i = starts.findLastIndex((start) => start <= at[layer.axis]);
          const own = at.map((v, a) => (a === layer.axis ? v - starts[i] : v));
          return offsets[i] + flat(own, inputs[i]);
        }),
      );
    }
    case 'slice':
      return taken(
        grid(out).map((at) =>
          flat(
            at.map((v, a) => (a === layer.axis ? layer.start + v * layer.step : v)),
            dims,
          ),
        ),
      );
    case 'piece': {
      const start = layer.sizes.slice(0, layer.index).reduce((a, b) => a + b, 0);
      return taken(
        grid(out).map((at) =>
          flat(
            at.map((v, a) => (a === layer.axis ? start + v : v)),
            dims,
          ),
        ),
      );
    }
    case 'pad': {
      const back = (v: number, n: number) => (v < 0 ? -v : v >= n ? 2 * (n - 1) - v : v);
      return choice(
        grid(out).map((at) => {
          const asked = at.map((v, a) => v - layer.begin[a]);
          const inside = asked.map((v, a) =>
            layer.mode === 'edge'
              ? Math.min(Math.max(v, 0), dims[a] - 1)
              : layer.mode === 'reflect'
                ? back(v, dims[a])
                : v,
          );
          return inside.every((v, a) => v >= 0 && v < dims[a]) ? [flat(inside, dims)] : [];
        }),
        1,
        layer.value,
      );
    }
    case 'transpose':
      return taken(
        grid(out).map((at) =>
          flat(
            dims.map((_, a) => at[layer.perm.indexOf(a)]),
            dims,
          ),
        ),
      );
    case 'expand':
      return taken(spread(dims, out));
    default:
      return taken(upTo(size(dims)));
  }
}

/** A transposed convolution adds each input times the kernel to the results under it. */
function scattered(layer: Extract<TwinLayer, { kind: 'convtranspose' }>, dims: Numbers, out: Numbers): Row[] {
  const [channels, perGroup, ...kernel] = layer.dims;
  const [spatial, to] = [dims.slice(1), out.slice(1)];
  const rows = upTo(size(out)).map(() => [] as { from: number; weight: number }[]);
  for (let c = 0; c < channels; c++) {
    const first = Math.floor(c / (channels / layer.group)) * perGroup;
    grid(spatial).forEach((i) => {
      grid(kernel).forEach((k, tap) => {
        const at = i.map((v, a) => v * layer.strides[a] + k[a] * layer.dilations[a] - layer.begin[a]);
        if (at.some((v, a) => v < 0 || v >= to[a])) return;
        for (let o = 0; o < perGroup; o++) {
          const weight = layer.weight[(c * perGroup + o) * size(kernel) + tap];
          rows[(first + o) * size(to) + flat(at, to)].push({
            from: c * size(spatial) + flat(i, spatial),
            weight,
          });
        }
      });
    });
  }
  return rows;
}

/** x / (bias + α/size · Σ x² over the neighbouring channels)^β */
function normalized(layer: Extract<TwinLayer, { kind: 'lrn' }>, dims: Numbers): Form {
  const plane = size(dims.slice(1));
  const { alpha, beta, bias } = layer;
  const near = grid(dims).map(([c], i) =>
    upTo(dims[0])
      .filter((d) => d >= c - Math.floor((layer.size - 1) / 2) && d <= c + Math.ceil((layer.size - 1) / 2))
      .map((d) => i + (d - c) * plane),
  );
  const base = (x: Numbers, i: number) =>
    bias + (alpha / layer.size) * near[i].reduce((s, j) => s + x[j] ** 2, 0);
  return {
    is: 'function',
    of: (x) => x.map((v, i) => v / base(x, i) ** beta),
    to: upTo(size(dims)),
    back: (x, r) => {
      const given = x.map(() => 0);
      x.forEach((v, i) => {
        const b = base(x, i);
        given[i] += r[i] / b ** beta;
        for (const j of near[i]) {
          given[j] -= (r[i] * v * beta * b ** (-beta - 1) * 2 * alpha * x[j]) / layer.size;
        }
      });
      return given;
    },
  };
}

interface Scalar {
  readonly of: (v: number, parameter: number) => number;
  /** By the value itself where that is how everybody computes it, rounded. */
  readonly slope: (v: number, parameter: number, round: Rounding) => number;
}

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
const within = (v: number, low: number, high: number) => (v > low && v < high ? 1 : 0);

/** erf by its series Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), beyond 2 by the continued fraction of its complement. */
function erf(v: number): number {
  if (Math.abs(v) > 2) {
    const x = Math.abs(v);
    let fraction = x;
    for (let n = 80; n > 0; n--) fraction = x + n / 2 / fraction;
    return Math.sign(v) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction));
  }
  let [term, sum] = [v, v];
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-v * v) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Activations by ONNX's names, with ONNX's defaults; a slope where there are two is that of the flatter side. */
export const ACTIVATIONS = {
  Relu: { of: (v) => Math.max(v, 0), slope: (v) => (v > 0 ? 1 : 0) },
  LeakyRelu: { of: (v) => (v < 0 ? 0.01 * v : v), slope: (v) => (v > 0 ? 1 : 0.01) },
  /** Clip to 0…0.5, which binds where numbers are small. */
  ClipHalf: { of: (v) => clamp(v, 0, 0.5), slope: (v) => within(v, 0, 0.5) },
  /** Clip to 0…6 */
  Clip6: { of: (v) => clamp(v, 0, 6), slope: (v) => within(v, 0, 6) },
  Elu: { of: (v) => (v < 0 ? Math.expm1(v) : v), slope: (v) => (v > 0 ? 1 : Math.exp(v)) },
  Selu: {
    of: (v) => 1.0507010221481323 * (v < 0 ? 1.6732631921768188 * Math.expm1(v) : v),
    slope: (v) => 1.0507010221481323 * (v > 0 ? 1 : 1.6732631921768188 * Math.exp(v)),
  },
  Celu: { of: (v) => (v < 0 ? Math.expm1(v) : v), slope: (v) => (v > 0 ? 1 : Math.exp(v)) },
  Sigmoid: { of: sigmoid, slope: (v, _, round) => round(sigmoid(v)) * (1 - round(sigmoid(v))) },
  Tanh: { of: Math.tanh, slope: (v, _, round) => 1 - round(round(Math.tanh(v)) ** 2) },
  Softplus: { of: (v) => Math.log1p(Math.exp(v)), slope: sigmoid },
  Softsign: { of: (v) => v / (1 + Math.abs(v)), slope: (v) => 1 / (1 + Math.abs(v)) ** 2 },
  HardSigmoid: { of: (v) => clamp(0.2 * v + 0.5, 0, 1), slope: (v) => 0.2 * within(0.2 * v + 0.5, 0, 1) },
  HardSwish: {
    of: (v) => v * clamp(v / 6 + 0.5, 0, 1),
    slope: (v) => clamp(v / 6 + 0.5, 0, 1) + (v / 6) * within(v / 6 + 0.5, 0, 1),
  },
  Mish: {
    of: (v) => v * Math.tanh(Math.log1p(Math.exp(v))),
    slope: (v) => {
      const t = Math.tanh(Math.log1p(Math.exp(v)));
      return t + v * (1 - t * t) * sigmoid(v);
    },
  },
  ThresholdedRelu: { of: (v) => (v > 1 ? v : 0), slope: (v) => (v > 1 ? 1 : 0) },
  Erf: { of: erf, slope: (v) => (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v) },
} as const satisfies Record<string, Scalar>;

export type ActivationOp = keyof typeof ACTIVATIONS;
