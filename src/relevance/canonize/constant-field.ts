// What a layer with weights makes of a field that is constant in each channel: the same everywhere but near zero padding.
import { type Array64, array64 } from '../../graph/array64.ts';
import type { Tensor } from '../../graph/types.ts';
import { sizeOf, stridesOf } from '../../graph/types.ts';
import { transposedWindowOf, type Window, windowOf } from '../../graph/window.ts';
import type { LinearNode, Run } from './scale.ts';

/**
 * f(c; W) of a field that is c[channel] at every real position and 0 in the padding.
 * @param spatial the layer's input without batch and channels
 * @returns [O, 1, …] where no position differs, else [O, …output]
 */
export function constantField(
  node: LinearNode,
  weight: Tensor,
  c: Float64Array,
  spatial: readonly number[],
  runs: Iterable<Run>,
): Array64 {
  const kernel = weight.dims.slice(2);
  const taps = node.op === 'Conv' || node.op === 'ConvTranspose' ? tapsAlong(node, kernel, spatial) : [];
  const positions = sizeOf(kernel);
  // Σ over input channels, [O, …kernel]
  const all: number[] = [];
  for (const { input, output, from, to } of runs) {
    for (let i = from; i < to; i++) {
      const at = output * positions + (i - from);
      all[at] = (all[at] ?? 0) + weight.data[i] * c[input];
    }
  }
  const sums = Float64Array.from(all);
  const channels = sums.length / positions;
  // Positions that meet the same taps along each axis have the same sum.
  const kinds = taps.map((axis) => distinct(axis));
  const constant = kinds.every(({ lists }) => lists.length === 1);
  const extents = kinds.map(({ kindAt }) => (constant ? 1 : kindAt.length));
  const count = sizeOf(extents);
  const strides = stridesOf(extents);
  const kernelStrides = stridesOf(kernel);
  const known = new Map<number, Float64Array>();
  const data = new Float64Array(channels * count);
  for (let p = 0; p < count; p++) {
    const kind = kinds.map(({ kindAt }, a) => kindAt[Math.floor(p / strides[a]) % extents[a]]);
    const key = kind.reduce((at, k, a) => at * kinds[a].lists.length + k, 0);
    let sum = known.get(key);
    if (!sum) {
      const met = kind.reduce<number[]>(
        (all, k, a) => all.flatMap((at) => kinds[a].lists[k].map((tap) => at + tap * kernelStrides[a])),
        [0],
      );
      sum = Float64Array.from({ length: channels }, (_, o) =>
        met.reduce((s, tap) => s + sums[o * positions + tap], 0),
      );
      known.set(key, sum);
    }
    for (let o = 0; o < channels; o++) data[o * count + p] = sum[o];
  }
  return array64(data, [channels, ...extents]);
}

/** For each spatial axis and output position the taps of the kernel that meet a real input. */
function tapsAlong(node: LinearNode, kernel: readonly number[], spatial: readonly number[]): number[][][] {
  if (node.op !== 'Conv' && node.op !== 'ConvTranspose') return [];
  const transposed = node.op === 'ConvTranspose';
  const w: Window = (transposed ? transposedWindowOf : windowOf)(node.attributes, kernel, spatial, node.name);
  return spatial.map((size, a) =>
    Array.from({ length: w.output[a] }, (_, at) =>
      Array.from({ length: kernel[a] }, (_, tap) => tap).filter((tap) => {
        const reach = tap * w.dilations[a] - w.padsBegin[a];
        const from = transposed ? (at - reach) / w.strides[a] : at * w.strides[a] + reach;
        return Number.isInteger(from) && from >= 0 && from < size;
      }),
    ),
  );
}

/** The different lists, and which of them stands at each place. */
function distinct(lists: readonly number[][]): { lists: number[][]; kindAt: number[] } {
  const keys = lists.map((list) => list.join(','));
  const unique = [...new Set(keys)];
  return {
    lists: unique.map((key) => lists[keys.indexOf(key)]),
    kindAt: keys.map((key) => unique.indexOf(key)),
  };
}
