// The short-time Fourier transform, as librosa.stft 0.11 computes it.

import { areFinite } from '../audio/audio.ts';
import { FeatureError } from '../errors.ts';
import { checkPositive, checkPositiveInteger } from './check.ts';
import { realTransform } from './fft.ts';
import { type Matrix, zeros } from './matrix.ts';
import { type PadMode, pad, type Signal } from './pad.ts';
import { type Framing, framePowers } from './spectra.ts';
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
  const { signal, lead, window, hopLength, frames } = framing(y, options);
  const n = window.length;
  const bins = 1 + (n >> 1);
  const transform = realTransform(n);
  const frame = new Float64Array(n);
  const [re, im] = [new Float64Array(bins * frames), new Float64Array(bins * frames)];
  for (let t = 0; t < frames; t++) {
    const start = t * hopLength - lead;
    const [begin, end] = [Math.max(0, -start), Math.min(n, signal.length - start)];
    frame.fill(0);
    for (let i = begin; i < end; i++) frame[i] = signal[start + i] * window[i];
    const spectrum = transform(frame);
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
 * @param room where the result may be put, until it is given again
 * @throws FeatureError as {@link stft}, and where the power is not more than 0
 */
export function spectrogram(
  y: Signal,
  options: StftOptions & { power?: number } = {},
  filters?: Matrix,
  room?: Float64Array,
): Matrix {
  const { power = 1 } = options;
  checkPositive('power', power);
  const framed = framing(y, options);
  const S = zeros(filters?.rows ?? 1 + (framed.window.length >> 1), framed.frames, room);
  framePowers(framed, power, S, filters);
  return S;
}

/** Windows by name and length, made once. */
const windows = new Map<string, Float64Array>();

/** A window in the middle of a frame of nFft samples. */
function windowOf(name: string, length: number, nFft: number): Float64Array {
  const key = `${name} ${length} ${nFft}`;
  const made = windows.get(key);
  if (made) return made;
  const window = new Float64Array(nFft);
  window.set(getWindow(name, length), (nFft - length) >> 1);
  windows.set(key, window);
  return window;
}

function framing(y: Signal, options: StftOptions): Framing {
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
  const half = center ? nFft >> 1 : 0;
  const lead = padMode === 'constant' ? half : 0;
  const signal = lead === half ? y : pad(y, half, padMode, tailStart(y.length, nFft, hopLength));
  const frames = 1 + Math.floor((y.length + 2 * half - nFft) / hopLength);
  return { signal, lead, window: windowOf(window, winLength, nFft), hopLength, frames };
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
  if (!areFinite(y)) throw new FeatureError('the signal holds samples that are not finite numbers');
}
