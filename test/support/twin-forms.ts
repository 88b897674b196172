// What each layer of the slow twin does, by its definition: a sparse matrix, a choice among inputs, or a function of them.
import type { Rounding } from './rounding.ts';
import { ACTIVATIONS } from './twin-activations.ts';
import {
  extents,
  flat,
  grid,
  type Numbers,
  ones,
  type Sliding,
  size,
  spread,
  type TwinLayer,
  upTo,
} from './twin-layers.ts';

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
