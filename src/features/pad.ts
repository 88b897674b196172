// Continues a signal beyond its ends as numpy.pad does, in the modes that librosa's stft takes.
import { FeatureError } from '../errors.ts';

/** Samples of a recording. */
export type Signal = Float32Array | Float64Array;

/** Sample i (negative: before the start; ≥ n: after the end) of a signal that is continued by `count` samples. */
type Continue = (y: Signal, i: number, count: number) => number;

const modes = {
  constant: () => 0,
  edge: (y, i) => y[i < 0 ? 0 : y.length - 1],
  // From the edge's value to 0, which the outermost sample is.
  linear_ramp: (y, i, count) =>
    i < 0 ? y[0] * (1 + i / count) : y[y.length - 1] * (1 - (i - y.length + 1) / count),
  // … 2 1 | 0 1 2 … n−1 | n−2 …, again and again where the padding is longer than the signal.
  reflect: (y, i) => y[mirrored(i, Math.max(1, 2 * (y.length - 1)), 0)],
  // … 1 0 | 0 1 2 … n−1 | n−1 …
  symmetric: (y, i) => y[mirrored(i, 2 * y.length, 1)],
} satisfies Record<string, Continue>;

export type PadMode = keyof typeof modes;
export const padModes = Object.keys(modes) as PadMode[];

/** Index i folded into one period, whose second half runs backwards, ending `offset` before the start. */
function mirrored(i: number, period: number, offset: number): number {
  const at = ((i % period) + period) % period;
  return Math.min(at, period - offset - at);
}

/**
 * The signal with `count` samples before and after it.
 *
 * @param tailStart the samples before it are not seen by the padding after the end (reflect, symmetric)
 * @throws FeatureError for a mode that librosa's stft does not take
 */
export function pad(y: Signal, count: number, mode: PadMode, tailStart = 0): Float64Array {
  const beyond: Continue | undefined = modes[mode];
  if (!beyond) {
    const expected = `one of ${padModes.join(', ')}`;
    throw new FeatureError({ what: 'unsupported pad mode', expected, got: `'${mode}'` });
  }
  const n = y.length;
  const tail = y.subarray(tailStart);
  const out = new Float64Array(n + 2 * count);
  out.set(y, count);
  for (let i = 0; i < count; i++) {
    out[i] = beyond(y, i - count, count);
    out[count + n + i] = beyond(tail, tail.length + i, count);
  }
  return out;
}
