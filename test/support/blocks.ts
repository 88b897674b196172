// Blocks and heads that classifiers are made of, drawn into a network.
import type { Draft } from './draft.ts';
import type { ActivationOp } from './twin-activations.ts';

/** What is wished of a block; what does not fit the extents it meets is made smaller. */
export interface Block {
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly grouped: boolean;
  readonly bias: boolean;
  readonly norm: string;
  readonly active: boolean;
  readonly pool: string;
  readonly poolSize: readonly number[];
  readonly poolStrides: readonly number[];
  readonly poolPads: readonly number[];
  readonly ceil: boolean;
  readonly countIncludePad: boolean;
  readonly variant: number;
}

type Maker = (d: Draft, x: number, block: Block) => number;

const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

/** Convolution, norm, activation, norm, pool. */
const plain: Maker = (d, x, block) => {
  const spatial = d.spatial(x);
  const rank = spatial.length;
  const [channels] = d.dims(x);
  const begin = block.pads.slice(0, rank);
  const end = block.pads.slice(2, 2 + rank);
  const room = spatial.map((n, a) => n + begin[a] + end[a]);
  const kernel = block.kernel.slice(0, rank).map((k, a) => Math.min(k, room[a]));
  const dilations = block.dilations
    .slice(0, rank)
    .map((v, a) => (v * (kernel[a] - 1) + 1 <= room[a] ? v : 1));
  const group = block.grouped ? channels : 1;
  const out = block.grouped ? channels * Math.min(block.channels, 2) : block.channels;
  const dims = [out, channels / group, ...kernel];
  const strides = block.strides.slice(0, rank);
  const weight = d.numbers(product(dims));
  const bias = block.bias ? d.numbers(out) : undefined;
  let y = d.add({ kind: 'conv', dims, weight, bias, strides, begin, end, dilations, group }, x);
  if (block.norm === 'before') y = d.norm(y);
  if (block.active) y = d.activation(y);
  if (block.norm === 'after') y = d.norm(y);
  return pooled(d, y, block);
};

function pooled(d: Draft, x: number, block: Block): number {
  if (block.pool === 'none') return x;
  const spatial = d.spatial(x);
  const pairs = block.pool === 'pairs';
  const kernel = spatial.map((n, a) => Math.min(pairs ? 2 : block.poolSize[a], n));
  // ONNX has padding below the kernel's extent only.
  const pads = (from: number) =>
    kernel.map((k, a) => (pairs ? 0 : Math.min(block.poolPads[from + a], k - 1)));
  const strides = pairs ? kernel.map(() => 2) : block.poolStrides.slice(0, spatial.length);
  const window = { kernel, strides, begin: pads(0), end: pads(2) };
  return block.pool === 'average' && !d.exact
    ? d.add({ kind: 'averagepool', ...window, countIncludePad: block.countIncludePad }, x)
    : d.add({ kind: 'maxpool', ...window, ceil: block.ceil && !pairs }, x);
}

/** Max pooling of 3 that keeps the extents. */
function samePool(d: Draft, x: number): number {
  const each = (v: number) => d.spatial(x).map(() => v);
  return d.add({ kind: 'maxpool', kernel: each(3), strides: each(1), begin: each(1), end: each(1) }, x);
}

function globalAverage(d: Draft, x: number, variant: number): number {
  const axes = d.spatial(x).map((_, a) => a + 1);
  return variant % 2 === 0
    ? d.add({ kind: 'globalaverage' }, x)
    : d.add({ kind: 'reduce', op: 'ReduceMean', axes, keepdims: true }, x);
}

/** A gate that ends in one of these is a constant. */
const GATES: readonly ActivationOp[] = ['Sigmoid', 'HardSigmoid'];

const constant = (d: Draft, x: number, op: 'Add' | 'Mul' | 'Div', value: number) =>
  d.add({ kind: 'constant', op, value: [Math.fround(value)], shape: [] }, x);
const times = (d: Draft, signal: number, gate: number, flipped = false) =>
  flipped
    ? d.add({ kind: 'product', signal: 1 }, gate, signal)
    : d.add({ kind: 'product', signal: 0 }, signal, gate);

export const BLOCKS = {
  plain,
  /** x + f(x), also minus, also by a convolution on the way around; ReLU behind. */
  residual: (d, x, block) => {
    const [channels] = d.dims(x);
    let y = d.norm(d.same(x, channels, 3, block));
    if (block.active) y = d.activation(y);
    if (block.variant > 2) y = d.norm(d.same(y, channels, 1));
    const around = block.variant % 2 === 0 ? x : d.norm(d.same(x, channels, 1));
    const op = block.grouped ? 'Sub' : block.ceil ? 'Sum' : 'Add';
    const sum = d.add({ kind: 'sum', op }, y, around);
    const normed = block.norm === 'after' ? d.norm(sum) : sum;
    return pooled(d, block.active ? d.activation(normed) : normed, block);
  },
  /** x beside f(norm(x)) */
  dense: (d, x, block) => {
    const before = block.norm === 'before' ? d.activation(d.norm(x)) : x;
    const y = d.same(before, 2, block.variant % 2 ? 1 : 3, block);
    const both = d.add({ kind: 'concat', axis: 0 }, x, y);
    return pooled(d, block.norm === 'after' ? d.norm(both) : both, block);
  },
  inception: (d, x, block) => {
    const one = d.norm(d.same(x, 1, 1, block));
    const three = d.same(d.activation(d.same(x, 1, 1)), 2, 3, block);
    const pool = d.same(samePool(d, block.norm === 'before' ? d.norm(x) : x), 1, 1);
    const all = d.add({ kind: 'concat', axis: 0 }, one, three, pool);
    return pooled(d, block.active ? d.activation(all) : all, block);
  },
  /** x times a gate for each channel, from its own averages. */
  squeeze: (d, x, block) => {
    const [channels] = d.dims(x);
    const op = GATES[block.variant % 2];
    let s = globalAverage(d, x, block.channels);
    if (block.grouped) {
      s = d.dense(d.add({ kind: 'flatten' }, s), 2, block.bias);
      s = d.dense(d.activation(s, ['Relu']), channels, true);
      s = d.add({ kind: 'activation', op }, s);
      s = d.add({ kind: 'reshape', dims: [channels, ...d.spatial(x).map(() => 1)] }, s);
    } else {
      s = d.same(d.activation(d.same(s, 2, 1, { bias: block.bias }), ['Relu']), channels, 1, { bias: true });
      s = d.add({ kind: 'activation', op }, s);
    }
    return pooled(d, times(d, x, s, block.ceil), block);
  },
  /** One kernel for each channel, then one number for each pair of channels. */
  separable: (d, x, block) => {
    const [group] = d.dims(x);
    const depth = d.activation(d.norm(d.same(x, group, 3, { group, bias: block.bias })));
    const point = d.norm(d.same(depth, block.channels, 1));
    const keeps = block.channels === group && block.grouped;
    return pooled(d, keeps ? d.add({ kind: 'sum', op: 'Add' }, point, x) : d.activation(point), block);
  },
  /** SiLU, GELU by erf and by tanh, hard swish, written as arithmetic. */
  gated: (d, x, block) => {
    const y = d.same(x, block.channels, 3, block);
    switch (block.variant % 4) {
      case 0:
        return times(d, y, d.add({ kind: 'activation', op: 'Sigmoid' }, y), block.ceil);
      case 1: {
        const e = d.add({ kind: 'activation', op: 'Erf' }, constant(d, y, 'Div', Math.SQRT2));
        return constant(d, times(d, y, constant(d, e, 'Add', 1), block.ceil), 'Mul', 0.5);
      }
      case 2: {
        const cube = times(d, y, times(d, y, y));
        const inner = d.add({ kind: 'sum', op: 'Add' }, y, constant(d, cube, 'Mul', 0.044715));
        const t = d.add(
          { kind: 'activation', op: 'Tanh' },
          constant(d, inner, 'Mul', Math.sqrt(2 / Math.PI)),
        );
        return times(d, constant(d, y, 'Mul', 0.5), constant(d, t, 'Add', 1));
      }
      default: {
        const clip = d.add({ kind: 'activation', op: 'Clip6' }, constant(d, y, 'Add', 3));
        return block.ceil
          ? times(d, y, constant(d, clip, 'Div', 6))
          : constant(d, times(d, y, clip), 'Div', 6);
      }
    }
  },
  /** A transposed convolution. */
  upsample: (d, x, block) => {
    const spatial = d.spatial(x);
    const rank = spatial.length;
    const [channels] = d.dims(x);
    const group = block.grouped ? channels : 1;
    const kernel = block.kernel.slice(0, rank);
    const dilations = block.dilations.slice(0, rank);
    const strides = block.strides.slice(0, rank);
    const dims = [channels, Math.min(block.channels, 2), ...kernel];
    const most = spatial.map((n, a) => strides[a] * (n - 1) + dilations[a] * (kernel[a] - 1));
    const begin = block.pads.slice(0, rank).map((p, a) => Math.min(p, 1, Math.floor(most[a] / 2)));
    const end = block.pads.slice(2, 2 + rank).map((p, a) => Math.min(p, 1, Math.floor(most[a] / 2)));
    // ONNX has output padding below the stride only.
    const outputPadding = strides.map((s) => (block.ceil ? s - 1 : 0));
    const y = d.add(
      {
        kind: 'convtranspose',
        dims,
        weight: d.numbers(product(dims)),
        bias: block.bias ? d.numbers(dims[1] * group) : undefined,
        strides,
        begin,
        end,
        dilations,
        group,
        outputPadding,
      },
      x,
    );
    const normed = block.norm === 'before' ? d.norm(y) : y;
    return pooled(d, block.active ? d.activation(normed) : normed, block);
  },
  /** Channels parted, one part convolved, put together the other way round; or every other one taken. */
  shuffle: (d, x, block) => {
    const wide = d.same(x, 4, 1, block);
    if (block.variant > 3) {
      return d.add({ kind: 'slice', axis: 1, start: 0, end: d.dims(wide)[1], step: 2 }, wide);
    }
    const sizes = [1 + (block.variant % 3), 3 - (block.variant % 3)];
    const [a, b] = [0, 1].map((index) => d.add({ kind: 'piece', axis: 0, sizes, index }, wide));
    const y = d.activation(d.same(b, 2, 3));
    return d.add({ kind: 'concat', axis: 0 }, y, block.ceil ? d.norm(a) : a);
  },
  /** The same value two or three times; averages added to each position. */
  twice: (d, x, block) => {
    const y = d.same(x, block.channels, 3, block);
    if (block.variant < 2) return d.add({ kind: 'sum', op: 'Add' }, y, y);
    if (block.variant < 4) return d.add({ kind: 'sum', op: 'Sum' }, y, y, d.activation(y));
    const one = d.exact ? d.add({ kind: 'globalmax' }, y) : globalAverage(d, y, block.variant);
    if (block.ceil) return d.add({ kind: 'sum', op: 'Add' }, y, one);
    const all = d.add({ kind: 'expand', dims: d.dims(y) }, one);
    // Rectified, since the average of what differs from its average is 0, and nothing of it but rounding.
    return d.activation(d.add({ kind: 'sum', op: 'Sub' }, y, all), ['Relu']);
  },
  /** Zeros, another number, or repeated positions around x; then a convolution or max pooling. */
  pad: (d, x, block) => {
    const rank = d.spatial(x).length;
    const mode = (['constant', 'constant', 'constant', 'constant', 'edge', 'reflect'] as const)[
      block.variant
    ];
    const value = mode === 'constant' && block.variant % 2 ? 0.5 : 0;
    const within = (v: number, a: number) => (mode === 'reflect' ? Math.min(v, d.spatial(x)[a] - 1) : v);
    const begin = [0, ...block.pads.slice(0, rank).map(within)];
    const end = [0, ...block.pads.slice(2, 2 + rank).map(within)];
    const padded = d.add({ kind: 'pad', begin, end, value, mode }, block.grouped ? d.norm(x) : x);
    return block.active ? plain(d, padded, { ...block, active: true }) : pooled(d, padded, block);
  },
  arithmetic: (d, x, block) => {
    const before = block.norm === 'before' ? d.arithmetic(x) : x;
    const y = d.arithmetic(d.same(before, block.channels, 3, block));
    return d.arithmetic(pooled(d, block.active ? d.activation(y) : y, block));
  },
  /** The larger or smaller of two values, element by element. */
  extreme: (d, x, block) => {
    const a = d.same(x, block.channels, 3, block);
    const b = d.same(x, block.channels, 1);
    const y = d.add({ kind: 'extreme', op: block.grouped ? 'Min' : 'Max' }, a, b);
    return pooled(d, y, block);
  },
  /** Local response normalisation behind a convolution. */
  response: (d, x, block) => {
    const y = d.activation(d.same(x, 4, 3, block), ['Relu']);
    // ONNX Runtime has it on images only, and of odd sizes.
    if (d.spatial(y).length === 1) return y;
    return d.add({ kind: 'lrn', size: block.ceil ? 3 : 5, alpha: 0.5, beta: 0.75, bias: 1 }, y);
  },
  /** Spatial axes exchanged; nothing where there is one. */
  swap: (d, x, block) => {
    const y = d.spatial(x).length === 2 ? d.add({ kind: 'transpose', perm: [0, 2, 1] }, x) : x;
    return plain(d, y, block);
  },
} as const satisfies Record<string, Maker>;

export type BlockName = keyof typeof BLOCKS;
export const BRANCHES = Object.keys(BLOCKS) as BlockName[];

const flatten = (d: Draft, x: number) => (d.dims(x).length > 1 ? d.add({ kind: 'flatten' }, x) : x);

/** From channels and positions to a vector. */
export const HEADS = {
  flatten,
  globalmax: (d, x) => flatten(d, d.add({ kind: 'globalmax' }, x)),
  globalaverage: (d, x) => flatten(d, d.norm(d.add({ kind: 'globalaverage' }, x))),
  reduce: (d, x) => {
    const axes = d.spatial(x).map((_, a) => a + 1);
    const op = d.oneOf(['ReduceMean', 'ReduceSum', 'ReduceMax'] as const);
    return flatten(d, d.add({ kind: 'reduce', op, axes, keepdims: d.oneOf([true, false]) }, x));
  },
  /** Mean over one axis, then maximum and mean over the other, added. */
  both: (d, x) => {
    const rank = d.dims(x).length;
    const over = (op: 'ReduceMean' | 'ReduceMax', y: number, axis: number) =>
      d.add({ kind: 'reduce', op, axes: [axis], keepdims: false }, y);
    const y = rank === 3 ? over('ReduceMean', x, 2) : x;
    return d.add({ kind: 'sum', op: 'Add' }, over('ReduceMax', y, 1), over('ReduceMean', y, 1));
  },
  /** A dense layer at each time step, then their mean or maximum. */
  sequence: (d, x) => {
    const dims = d.dims(x);
    const turned = d.add({ kind: 'transpose', perm: dims.length === 3 ? [2, 0, 1] : [1, 0] }, x);
    const [steps, ...rest] = d.dims(turned);
    const rows =
      dims.length === 3 ? d.add({ kind: 'reshape', dims: [steps, product(rest)] }, turned) : turned;
    const y = d.activation(d.dense(rows, 3, d.oneOf([true, false])));
    const op = d.oneOf(['ReduceMean', 'ReduceMax'] as const);
    return d.add({ kind: 'reduce', op, axes: [0], keepdims: false }, y);
  },
} as const satisfies Record<string, (d: Draft, x: number) => number>;

export type HeadName = keyof typeof HEADS;
