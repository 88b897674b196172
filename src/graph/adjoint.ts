// Adjoints of the linear maps and of max pooling, as ONNX Runtime computes them fastest.
import type { GraphBuilder } from './builder.ts';
import { staticDims } from './dims.ts';
import type { NodeOf } from './types.ts';
import { sizeOf, tensor } from './types.ts';
import { padsOf, span, transposedWindowOf, type Window, windowOf } from './window.ts';
import { windowCounts } from './window-counts.ts';

const FEW_CHANNELS = 4;
/** As many fill at most half of the vector that ONNX Runtime's Conv pads its output channels to. */
const HALF_VECTOR = 8;
/** Up to as many elements, a row is spread over tiles fastest by a matrix. */
const SHORT_ROW = 128;

/**
 * fᵀ(r; W) of a convolution: [N, O, …output] → [N, C, …input].
 * With stride 1 it is itself a convolution, by the kernel flipped and its channels swapped, which is faster than
 * ConvTranspose by up to two times; not so to very few channels, which ONNX Runtime's Conv pads to a vector.
 * @param weight [O, C/group, …kernel]
 */
export function convAdjoint(g: GraphBuilder, r: string, weight: string, w: Window, group: number): string {
  const pads = w.padsBegin.map((p, i) => span(w, i) - 1 - p);
  const padsEnd = w.padsEnd.map((p, i) => span(w, i) - 1 - p);
  const channels = staticDims([g.shape(weight)[1]], 'weight')[0] * group;
  const plain = w.strides.every((s) => s === 1) && [...pads, ...padsEnd].every((p) => p >= 0);
  if (plain && channels > HALF_VECTOR) {
    return g.emit('Conv', [r, flipped(g, weight, group)], {
      kernel_shape: w.kernel,
      dilations: w.dilations,
      strides: w.strides,
      pads: [...pads, ...padsEnd],
      group,
    });
  }
  // Input positions behind the last window are reached by output_padding; a last window may also overhang the input.
  const left = w.input.map(
    (size, i) => size + w.padsBegin[i] + w.padsEnd[i] - span(w, i) - (w.output[i] - 1) * w.strides[i],
  );
  return g.emit('ConvTranspose', [r, weight], {
    kernel_shape: w.kernel,
    dilations: w.dilations,
    strides: w.strides,
    pads: padsOf({ ...w, padsEnd: w.padsEnd.map((p, i) => p + Math.max(-left[i], 0)) }),
    output_padding: left.map((n) => Math.max(n, 0)),
    group,
  });
}

/** Geometry of a ConvTranspose in a graph that is being built. */
export function transposedWindow(g: GraphBuilder, node: NodeOf<'ConvTranspose'>): Window {
  const input = staticDims(g.shape(node.inputs[0]).slice(2), node.name);
  const kernel = staticDims(g.shape(node.inputs[1]).slice(2), node.name);
  return transposedWindowOf(node.attributes, kernel, input, node.name);
}

/**
 * fᵀ(r; W) of a transposed convolution: the convolution by the same kernel, [N, O, …output] → [N, C, …input].
 * @param weight [C, O/group, …kernel]
 */
export function convTransposeAdjoint(
  g: GraphBuilder,
  r: string,
  weight: string,
  w: Window,
  group: number,
): string {
  return g.emit('Conv', [r, weight], {
    kernel_shape: w.kernel,
    dilations: w.dilations,
    strides: w.strides,
    pads: padsOf(w),
    group,
  });
}

/** [O, C/g, …] → [C, O/g, …] with every kernel axis reversed: all its places in one row, times what reverses rows. */
function flipped(g: GraphBuilder, weight: string, group: number): string {
  const [out, perGroup, ...kernel] = staticDims(g.shape(weight), 'weight');
  const places = sizeOf(kernel);
  const reversal = Float64Array.from({ length: places ** 2 }, (_, i) =>
    Number((i % places) + Math.floor(i / places) === places - 1),
  );
  const rows = g.reshape(weight, [group, out / group, perGroup, places]);
  const reversed =
    places > 1 ? g.emit('MatMul', [rows, tensor(reversal, [places, places], g.type(weight).dtype)]) : rows;
  return g.reshape(g.transpose(reversed, [0, 2, 1, 3]), [group * perGroup, out / group, ...kernel]);
}

/** Adjoint of average pooling: each output's value, spread evenly over the inputs that it averaged. */
export function averagePoolAdjoint(
  g: GraphBuilder,
  r: string,
  w: Window,
  channels: number,
  countIncludePad: boolean,
): string {
  if (isTiling(w)) return tiled(g, r, w, channels);
  const shares = windowCounts(w, countIncludePad).map((n) => 1 / n);
  const share = g.mul(r, tensor(shares, [1, 1, ...w.output]));
  const flat = g.reshape(share, [-1, 1, ...w.output]);
  const ones = tensor(new Float64Array(sizeOf(w.kernel)).fill(1), [1, 1, ...w.kernel]);
  return g.reshape(convAdjoint(g, flat, g.constant(ones), w, 1), [-1, channels, ...w.input]);
}

/** Windows along one or two axes that neither overlap nor leave gaps nor reach beyond the input, in short rows. */
function isTiling(w: Window): boolean {
  return (
    w.kernel.length <= 2 &&
    w.output[w.kernel.length - 1] <= SHORT_ROW &&
    w.kernel.every(
      (k, i) =>
        k === w.strides[i] &&
        w.dilations[i] === 1 &&
        w.padsBegin[i] === 0 &&
        w.padsEnd[i] === 0 &&
        w.output[i] * k <= w.input[i],
    )
  );
}

/**
 * Each element over its tile: rows times a matrix that gives all rows of their tiles, 1/(k₁·k₂) at each position of
 * the tile, 0 behind all tiles.
 */
function tiled(g: GraphBuilder, r: string, w: Window, channels: number): string {
  const last = w.kernel.length - 1;
  const [size, tiles, k] = [w.input[last], w.output[last], w.kernel[last]];
  const copies = last > 0 ? w.kernel[0] : 1;
  const matrix = new Float64Array(tiles * copies * size);
  for (let row = 0; row < copies; row++) {
    for (let i = 0; i < tiles * k; i++)
      matrix[(Math.floor(i / k) * copies + row) * size + i] = 1 / (k * copies);
  }
  const spread = g.emit('MatMul', [r, tensor(matrix, [tiles, copies * size], g.type(r).dtype)]);
  if (last === 0) return spread;
  const rows = w.output[0] * copies;
  return g.pad(g.reshape(spread, [-1, channels, rows, size]), [0, 0, 0, 0], [0, 0, w.input[0] - rows, 0]);
}

/** Whether max pooling by this window is done in pairs: tiles of one or two along each axis, without padding. */
function pairs(w: Window): boolean {
  return (
    w.kernel.every((k, i) => k <= 2 && w.strides[i] === k && w.dilations[i] === 1) &&
    w.kernel.includes(2) &&
    [...w.padsBegin, ...w.padsEnd].every((p) => p === 0) &&
    w.output.every((n, i) => n * w.kernel[i] <= w.input[i])
  );
}

/** The axes along which a window takes two. */
function pairedAxes({ kernel }: Window): number[] {
  return [...kernel.keys()].filter((axis) => kernel[axis] === 2);
}

function poolWindow(g: GraphBuilder, node: NodeOf<'MaxPool'>): Window {
  const input = staticDims(g.shape(node.inputs[0]).slice(2), node.name);
  return windowOf(node.attributes, node.attributes.kernel_shape ?? [], input, node.name);
}

/**
 * Max pooling in a form that remembers its winners, ties to the first in row-major order.
 * Tiles of two go by pairwise comparison, last axis first, which needs no indices; all else by MaxPool's indices.
 */
export function maxPoolForward(g: GraphBuilder, node: NodeOf<'MaxPool'>): Record<string, string> {
  const w = poolWindow(g, node);
  const [x] = node.inputs;
  const [y] = node.outputs;
  if (!pairs(w)) {
    const indices = g.fresh(`${node.name}_indices`);
    g.node({ ...node, attributes: { ...node.attributes, storage_order: 0 }, outputs: [y, indices] });
    return { indices };
  }
  const saved: Record<string, string> = {};
  let rest = x;
  const axes = pairedAxes(w);
  for (const axis of axes.toReversed()) {
    const [first, second] =
      convolvedHalves(g, rest, axis, w.output[axis]) ?? halves(g, rest, axis + 2, w.output[axis]);
    saved[`wins${axis}`] = g.emit('GreaterOrEqual', [first, second]);
    const last = axis === axes[0];
    rest = last ? y : g.fresh(`${node.name}_max`);
    const name = last ? node.name : rest;
    g.node({ op: 'Max', name, inputs: [first, second], outputs: [rest], attributes: {} });
  }
  return saved;
}

/** Even and odd elements along an axis, `count` of each. */
function halves(g: GraphBuilder, x: string, axis: number, count: number): string[] {
  const shape = staticDims(g.shape(x).slice(1), 'MaxPool');
  const even = shape[axis - 1] === count * 2 ? x : g.slice(x, [{ axis, start: 0, end: count * 2 }]);
  // [.., 2n, ..] → [.., n, 2, rest] → two of [.., n, 1, rest], with all that lies before in one axis.
  const rest = shape.slice(axis).reduce((n, d) => n * d, 1);
  const dims = [-1, ...shape.with(axis - 1, count)];
  return g.split(g.reshape(even, [-1, 2, rest]), 1, 2).map((half) => g.reshape(half, dims));
}

/**
 * The same of what a convolution of few channels gives, as two convolutions of twice the stride: half the work each, and
 * nothing to take apart. undefined for other values.
 */
function convolvedHalves(g: GraphBuilder, value: string, axis: number, count: number): string[] | undefined {
  const conv = g.producer(value);
  if (conv?.op !== 'Conv') return undefined;
  const [out, perGroup, ...kernel] = staticDims(g.shape(conv.inputs[1]), conv.name);
  const group = conv.attributes.group ?? 1;
  const w = windowOf(
    conv.attributes,
    kernel,
    staticDims(g.shape(conv.inputs[0]).slice(2), conv.name),
    conv.name,
  );
  const stride = w.strides[axis];
  // The second half begins one stride on: so much of the padding goes, which has to be there.
  if (perGroup > FEW_CHANNELS || out < 2 * perGroup || group > 1 || w.padsBegin[axis] < stride)
    return undefined;
  return [0, 1].map((half) => {
    const begin = w.padsBegin[axis] - half * stride;
    const end = (count - 1) * 2 * stride + span(w, axis) - begin - w.input[axis];
    const x =
      end < 0
        ? g.slice(conv.inputs[0], [{ axis: axis + 2, start: 0, end: w.input[axis] + end }])
        : conv.inputs[0];
    return g.emit('Conv', [x, ...conv.inputs.slice(1)], {
      kernel_shape: kernel,
      dilations: w.dilations,
      strides: w.strides.with(axis, 2 * stride),
      pads: padsOf({
        padsBegin: w.padsBegin.with(axis, begin),
        padsEnd: w.padsEnd.with(axis, Math.max(end, 0)),
      }),
      group,
    });
  });
}

/**
 * Each output's adjoint r at the place in its tile that won, for pooling that went in pairs: one field of the pooled
 * shape a place, in row-major order of the places. undefined for other windows.
 */
export function maxPoolPlaces(
  g: GraphBuilder,
  node: NodeOf<'MaxPool'>,
  saved: Readonly<Record<string, string>>,
  r: string,
): string[] | undefined {
  const w = poolWindow(g, node);
  if (saved.indices || w.kernel.includes(1)) return undefined;
  // Winners along an axis were decided before the axes in front of it were pooled.
  const divide = (part: string, wins: readonly string[], axis: number): string[] => {
    const [own, ...later] = wins;
    if (own === undefined) return [part];
    const first = g.mul(part, g.cast(own, g.type(part).dtype));
    const rest = later.map((name) => halves(g, name, axis + 2, w.output[axis]));
    return [first, g.sub(part, first)].flatMap((half, k) =>
      divide(
        half,
        rest.map((pair) => pair[k]),
        axis + 1,
      ),
    );
  };
  return divide(
    r,
    w.kernel.map((_, axis) => saved[`wins${axis}`]),
    0,
  );
}

/** Hands each output's adjoint to the input that won. */
export function maxPoolBackward(
  g: GraphBuilder,
  node: NodeOf<'MaxPool'>,
  saved: Readonly<Record<string, string>>,
  r: string,
): string {
  const w = poolWindow(g, node);
  const x = node.inputs[0];
  if (saved.indices) {
    const flat = (name: string) => g.reshape(name, [-1]);
    const zeros = g.filledLike(0, flat(x));
    const scattered = g.emit('ScatterElements', [zeros, flat(saved.indices), flat(r)], {
      axis: 0,
      reduction: 'add',
    });
    return g.reshape(scattered, [-1, ...staticDims(g.shape(x).slice(1), node.name)]);
  }
  let adjoint = r;
  for (const axis of pairedAxes(w)) {
    const first = g.mul(adjoint, g.cast(saved[`wins${axis}`], g.type(adjoint).dtype));
    adjoint = interleaved(g, first, g.sub(adjoint, first), axis + 2, w.input[axis]);
  }
  return adjoint;
}

/** What max pooling's places hold, put together: fields of the pooled extents to one of the extents `spatial`. */
export function fromPlaces(g: GraphBuilder, places: readonly string[], spatial: readonly number[]): string {
  let parts = places;
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    parts = Array.from({ length: parts.length / 2 }, (_, i) =>
      interleaved(g, parts[2 * i], parts[2 * i + 1], axis + 2, spatial[axis]),
    );
  }
  return parts[0];
}

/** Two fields in turn along an axis, [.., n, ..] twice → [.., 2n, ..], with zeros up to `size`. */
function interleaved(g: GraphBuilder, first: string, second: string, axis: number, size: number): string {
  const shape = staticDims(g.shape(first).slice(1), 'MaxPool');
  const column = [-1, ...shape.toSpliced(axis, 0, 1)];
  const joined = g.concat([g.reshape(first, column), g.reshape(second, column)], axis + 1);
  const twice = shape[axis - 1] * 2;
  const merged = g.reshape(joined, [-1, ...shape.with(axis - 1, twice)]);
  const end = new Array<number>(shape.length + 1).fill(0);
  end[axis] = size - twice;
  return g.pad(
    merged,
    end.map(() => 0),
    end,
  );
}

/** Whether {@link pooledConvAdjoint} can take, and is the faster way for, a convolution. */
export function isFewChannels(g: GraphBuilder, weight: string, w: Window, group: number): boolean {
  const [perGroup] = staticDims([g.shape(weight)[1]], 'weight');
  return group === 1 && perGroup < FEW_CHANNELS && w.dilations.every((d) => d === 1);
}

/**
 * fᵀ(r; W) of a convolution to few channels, for an r that is given by its places in tiles of two (max pooling's):
 * one transposed convolution of twice the stride, whose kernels are W moved to each place. So r is never put together.
 * @param places row-major, each [N, O, …output / 2]
 */
export function pooledConvAdjoint(
  g: GraphBuilder,
  places: readonly string[],
  weight: string,
  w: Window,
): string {
  const corners = indices(w.kernel.map(() => 2));
  const kernels = corners.map((corner) => {
    const before = corner.map((k, i) => k * w.strides[i]);
    return g.pad(weight, [0, 0, ...before], [0, 0, ...before.map((n, i) => w.strides[i] - n)]);
  });
  const kernel = w.kernel.map((k, i) => k + w.strides[i]);
  const strides = w.strides.map((s) => 2 * s);
  const tiles = staticDims(g.shape(places[0]).slice(2), 'MaxPool');
  const left = w.input.map(
    (size, i) => size + w.padsBegin[i] + w.padsEnd[i] - (kernel[i] + (tiles[i] - 1) * strides[i]),
  );
  return g.emit('ConvTranspose', [g.concat(places, 1), g.concat(kernels, 0)], {
    kernel_shape: kernel,
    strides,
    pads: [...w.padsBegin, ...w.padsEnd.map((p, i) => p + Math.max(0, -left[i]))],
    output_padding: left.map((n) => Math.max(0, n)),
  });
}

/** All indices of a small shape, row-major. */
export function indices(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (all, d) => all.flatMap((index) => Array.from({ length: d }, (_, i) => [...index, i])),
    [[]],
  );
}
