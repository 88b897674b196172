// The short-time Fourier transform, as librosa.stft 0.11 computes it.

import { doubles } from '../audio/fourier.ts';
import { FeatureError } from '../errors.ts';
import { checkPositive, checkPositiveInteger } from './check.ts';
import { realTransform } from './fft.ts';
import { type Bands, bandsOf, type Matrix, zeros } from './matrix.ts';
import { type PadMode, pad, type Signal } from './pad.ts';
import { getWindow } from './window.ts';

/** librosa's arguments and defaults; `null` is its `None`. */
export interface StftOptions {
  /** Length of the transform in samples (2048). */
  nFft?: number;
  /** Samples from one frame to the next (⌊winLength / 4⌋). */
  hopLength?: number | null;
  /** Samples under the window, which stands in the middle of the frame (nFft). */
  winLength?: number | null;
  /** A name that {@link getWindow} knows ('hann'). */
  window?: string;
  /** Whether frame t is centred at sample t · hopLength, or begins there (true). */
  center?: boolean;
  /** How a centred signal goes on beyond its ends ('constant', which is 0). */
  padMode?: PadMode;
}

/** A complex matrix [1 + nFft/2, frames], row-major. */
export interface ComplexMatrix {
  rows: number;
  columns: number;
  re: Float64Array;
  im: Float64Array;
}

/**
 * Short-time Fourier transform: X[k, t] = Σₙ w[n] y[n + t · hopLength] e^(−2πi kn/nFft).
 *
 * @throws FeatureError where the options contradict each other or the signal is empty, not finite, or too short
 */
export function stft(y: Signal, options: StftOptions = {}): ComplexMatrix {
  const { bins, frames, transform } = analysis(y, options);
  const [re, im] = [new Float64Array(bins * frames), new Float64Array(bins * frames)];
  for (let t = 0; t < frames; t++) {
    const spectrum = transform(t);
    for (let k = 0; k < bins; k++) {
      re[k * frames + t] = spectrum[2 * k];
      im[k * frames + t] = spectrum[2 * k + 1];
    }
  }
  return { rows: bins, columns: frames, re, im };
}

/**
 * |stft(y)| to a power: 1 for magnitude, 2 for power; [1 + nFft/2, frames].
 *
 * @param filters [rows, 1 + nFft/2]: what is wanted is their product with the spectrogram, [rows, frames]
 * @throws FeatureError as {@link stft}, and where the power is not more than 0
 */
export function spectrogram(
  y: Signal,
  options: StftOptions & { power?: number } = {},
  filters?: Matrix,
): Matrix {
  const { power = 1 } = options;
  checkPositive('power', power);
  const { bins, frames, transform } = analysis(y, options);
  const S = zeros(filters?.rows ?? bins, frames);
  const bands = filters && bandsOf(filters);
  const column = new Float64Array(bins);
  for (let t = 0; t < frames; t++) {
    const X = transform(t);
    for (let k = 0; k < bins; k++) column[k] = X[2 * k] * X[2 * k] + X[2 * k + 1] * X[2 * k + 1];
    if (power !== 2) for (let k = 0; k < bins; k++) column[k] = Math.sqrt(column[k]) ** power;
    if (bands) project(column, bands, S, t);
    else for (let k = 0, at = t; k < bins; k++, at += frames) S.data[at] = column[k];
  }
  return S;
}

/** Column t of S: the product of filters with a column. */
function project(column: Float64Array, { begin, end, weights }: Bands, S: Matrix, t: number): void {
  for (let r = 0, w = 0; r < S.rows; r++) {
    let sum = 0;
    for (let k = begin[r]; k < end[r]; k++, w++) sum += weights[w] * column[k];
    S.data[r * S.columns + t] = sum;
  }
}

interface Analysis {
  bins: number;
  frames: number;
  /** Spectrum of frame t, interleaved (re, im); valid until the next call. */
  transform: (t: number) => number[];
}

/** Windows by name and length, made once. */
const windows = new Map<string, Float64Array>();

function windowOf(name: string, length: number): Float64Array {
  const key = `${name} ${length}`;
  const window = windows.get(key) ?? getWindow(name, length);
  windows.set(key, window);
  return window;
}

function analysis(y: Signal, options: StftOptions): Analysis {
  const { nFft = 2048, window = 'hann', center = true, padMode = 'constant' } = options;
  const winLength = options.winLength ?? nFft;
  const hopLength = options.hopLength ?? Math.floor(winLength / 4);
  checkPositiveInteger('n_fft', nFft);
  checkPositiveInteger('win_length', winLength);
  checkPositiveInteger('hop_length', hopLength);
  checkSignal(y);
  if (winLength > nFft) {
    throw new FeatureError({ what: 'win_length', expected: `at most n_fft = ${nFft}`, got: `${winLength}` });
  }
  if (!center && nFft > y.length) {
    throw new FeatureError({
      what: 'the signal is too short for frames that are not centred',
      expected: `at least n_fft = ${nFft} samples`,
      got: `${y.length}`,
    });
  }
  const padded = center ? pad(y, nFft >> 1, padMode, tailStart(y.length, nFft, hopLength)) : y;
  const w = windowOf(window, winLength);
  const offset = (nFft - winLength) >> 1;
  const fft = realTransform(nFft);
  const frame = doubles(nFft);
  return {
    bins: 1 + (nFft >> 1),
    frames: 1 + Math.floor((padded.length - nFft) / hopLength),
    transform: (t) => {
      const start = t * hopLength + offset;
      for (let i = 0; i < winLength; i++) frame[offset + i] = padded[start + i] * w[i];
      return fft(frame);
    },
  };
}

/**
 * First sample that the padding after the end may see. librosa pads the two ends apart: the end from the first
 * frame on that reaches beyond it, and the whole signal where that frame reaches beyond the start, too.
 */
function tailStart(length: number, nFft: number, hopLength: number): number {
  const half = nFft >> 1;
  const headFrames = Math.ceil(half / hopLength);
  const tailFrame = Math.floor((length + half - nFft) / hopLength) + 1;
  return tailFrame <= headFrames ? 0 : Math.min(tailFrame * hopLength - half, length - 1);
}

function checkSignal(y: Signal): void {
  if (y.length === 0)
    throw new FeatureError({ what: 'the signal is empty', expected: 'at least one sample' });
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += y[i] * 0; // 0 · ∞ and 0 · NaN are NaN
  if (sum !== 0) throw new FeatureError('the signal holds samples that are not finite numbers');
}
