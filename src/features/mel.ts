// The mel scale, its filters, and mel spectrograms, as librosa 0.11 computes them.
import { FeatureError } from '../errors.ts';
import { checkPositive, checkPositiveInteger } from './check.ts';
import { type Matrix, multiply, zeros } from './matrix.ts';
import type { Signal } from './pad.ts';
import { type StftOptions, spectrogram } from './stft.ts';

/** Slaney's scale (Auditory Toolbox, 1998): linear to 1000 Hz = 15 mel, then logarithmic, ×6.4 in 27 mel. */
const HZ_PER_MEL = 200 / 3;
const LOG_HZ = 1000;
const LOG_MEL = LOG_HZ / HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

/** Hz to mel; `htk`: 2595 log₁₀(1 + f/700), else Slaney's scale. */
export function hzToMel(hz: number, htk = false): number {
  if (htk) return 2595 * Math.log10(1 + hz / 700);
  return hz < LOG_HZ ? hz / HZ_PER_MEL : LOG_MEL + Math.log(hz / LOG_HZ) / LOG_STEP;
}

/** Mel to Hz: the inverse of {@link hzToMel}. */
export function melToHz(mel: number, htk = false): number {
  if (htk) return 700 * (10 ** (mel / 2595) - 1);
  return mel < LOG_MEL ? mel * HZ_PER_MEL : LOG_HZ * Math.exp(LOG_STEP * (mel - LOG_MEL));
}

/** `nMels` frequencies in Hz from fmin to fmax, equally spaced in mel. */
export function melFrequencies(
  nMels = 128,
  { fmin = 0, fmax = 11025, htk = false }: { fmin?: number; fmax?: number; htk?: boolean } = {},
): Float64Array {
  const [low, high] = [hzToMel(fmin, htk), hzToMel(fmax, htk)];
  const step = (high - low) / (nMels - 1);
  const mels = Float64Array.from({ length: nMels }, (_, i) => (i === 0 ? low : low + i * step));
  if (nMels > 1) mels[nMels - 1] = high; // exactly, as numpy.linspace
  return mels.map((mel) => melToHz(mel, htk));
}

/** Arguments of librosa.filters.mel with its defaults; `null` is its `None`. */
export interface MelOptions {
  /** Number of filters (128). */
  nMels?: number;
  /** Hz (0). */
  fmin?: number;
  /** Hz (half the sample rate). */
  fmax?: number | null;
  /** The HTK formula instead of Slaney's scale (false). */
  htk?: boolean;
  /** 'slaney': equal area in Hz; a number p (also 0, ±Infinity): each filter's p-norm is 1; null: peaks of 1. */
  norm?: MelNorm;
}
export type MelNorm = 'slaney' | number | null;

/**
 * Triangular filters [nMels, 1 + nFft/2] over the bins of an stft.
 *
 * @param sampleRate Hz
 * @throws FeatureError where the options make no filters
 */
export function melFilters(sampleRate: number, nFft: number, options: MelOptions = {}): Matrix {
  const { nMels = 128, fmin = 0, htk = false, norm = 'slaney' } = options;
  const fmax = options.fmax ?? sampleRate / 2;
  checkPositive('sample rate', sampleRate);
  checkPositiveInteger('n_fft', nFft);
  checkPositiveInteger('n_mels', nMels);
  if (!(fmin >= 0 && fmax > fmin && Number.isFinite(fmax))) {
    throw new FeatureError({ what: 'mel range', expected: '0 ≤ fmin < fmax', got: `${fmin} to ${fmax} Hz` });
  }
  const filters = zeros(nMels, 1 + (nFft >> 1));
  const binWidth = 1 / (nFft * (1 / sampleRate)); // rounds as numpy.fft.rfftfreq does, for bins at a filter's edge
  const edges = melFrequencies(nMels + 2, { fmin, fmax, htk });
  for (let m = 0; m < nMels; m++) {
    const [low, peak, high] = edges.subarray(m, m + 3);
    const filter = filters.data.subarray(m * filters.columns, (m + 1) * filters.columns);
    for (let k = 0; k < filters.columns; k++) {
      const hz = k * binWidth;
      filter[k] = Math.max(0, Math.min((hz - low) / (peak - low), (high - hz) / (high - peak)));
    }
    const size = norm === 'slaney' ? (high - low) / 2 : normOf(filter, norm);
    for (let k = 0; k < filters.columns; k++) filter[k] /= size;
  }
  return filters;
}

/** The p-norm that librosa.util.normalize divides by; 1 where it is 0, or for null. */
function normOf(filter: Float64Array, p: number | null): number {
  const tiny = 2 ** -126; // below it librosa leaves a filter as it is (float32's smallest normal number)
  let size = 1;
  if (p === null) return size;
  if (p === Number.POSITIVE_INFINITY) size = filter.reduce((a, b) => Math.max(a, b));
  else if (p === Number.NEGATIVE_INFINITY) size = filter.reduce((a, b) => Math.min(a, b));
  else if (p === 0) size = filter.filter((v) => v > 0).length;
  else if (p > 0) size = filter.reduce((sum, v) => sum + v ** p, 0) ** (1 / p);
  else throw new FeatureError({ what: 'mel norm', expected: "'slaney', none or a number ≥ 0", got: `${p}` });
  return size < tiny ? 1 : size;
}

export interface MelspectrogramOptions extends StftOptions, MelOptions {
  /** Hz (22050). */
  sampleRate?: number;
  /** Samples from one frame to the next (512). */
  hopLength?: number | null;
  /** Exponent of the magnitude: 1 for energy, 2 for power (2). */
  power?: number;
}

/**
 * A mel spectrogram [nMels, frames]: of a signal, or of a spectrogram [1 + nFft/2, frames] that is already raised
 * to its power.
 *
 * @throws FeatureError as `stft` and {@link melFilters}
 */
export function melspectrogram(y: Signal | Matrix, options: MelspectrogramOptions = {}): Matrix {
  const { sampleRate = 22050, nFft = 2048, hopLength = 512, power = 2 } = options;
  if (!('rows' in y)) {
    return spectrogram(y, { ...options, hopLength, power }, melFilters(sampleRate, nFft, options));
  }
  const bins = y.rows;
  return multiply(melFilters(sampleRate, nFft >> 1 === bins - 1 ? nFft : 2 * (bins - 1), options), y);
}
