// DFT-LRP: relevance of samples as relevance of their frequencies, of the whole clip or of short windows of it.
import { FeatureError } from '../errors.ts';
import { checkPositiveInteger } from '../features/check.ts';
import { realTransform } from '../features/fft.ts';
import { type Matrix, zeros } from '../features/matrix.ts';
import type { Signal } from '../features/pad.ts';
import { getWindow } from '../features/window.ts';

/** Relevance per unit of a sample, ρ, and Σ R of the samples that have none. */
export interface PerUnit {
  readonly perUnit: Float64Array;
  readonly silence: number;
}

/**
 * ρ = R/x, where |x| is less than topDb below the largest; the relevance of other samples is booked as silence.
 *
 * @param x [samples]
 * @param relevance [samples]
 */
export function perUnitOf(x: Signal, relevance: Signal, topDb = 80): PerUnit {
  checkLengths(x, relevance);
  const samples = Float64Array.from(x);
  const floor = 10 ** (-topDb / 20) * samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  let silence = 0;
  const perUnit = Float64Array.from(relevance, (r, n) => {
    if (Math.abs(samples[n]) > floor) return r / samples[n];
    silence += r;
    return 0;
  });
  return { perUnit, silence };
}

/**
 * R_k = Re(Y_k · P_k*)/N, k = 0…⌊N/2⌋, with Y and P the transforms of the samples x and of ρ; bins that stand for two
 * frequencies, all but 0 and N/2, count twice. Σₖ R_k = Σₙ x_n ρ_n.
 *
 * @param x [samples]
 * @param perUnit ρ [samples], relevance per unit of each sample
 * @throws FeatureError where their lengths differ or are 0
 * @see Vielhaben et al., Explainable AI for time series via virtual inspection layers, Pattern Recognition 2024
 */
export function dftRelevance(x: Signal, perUnit: Signal): Float64Array {
  checkLengths(x, perUnit);
  return crossSpectrum(x, perUnit).relevance;
}

export interface ShortTimeOptions {
  /** Length of a window in samples. */
  readonly nFft: number;
  /** Samples from one window to the next. */
  readonly hopLength: number;
  /** A name that `getWindow` knows ('hann'). */
  readonly window?: string;
}

/** Both [1 + nFft/2, frames]; frame t is centred at sample t · hopLength. */
export interface ShortTimeRelevance {
  readonly relevance: Matrix;
  /** |X|² of the samples under the same windows. */
  readonly power: Matrix;
}

/**
 * R_mk = Re(DFT(w_m x)_k · DFT(ρ/W)_k*)/L over the bins of each window m of length L, with W_n = Σₘ w_m(n), doubled as
 * in {@link dftRelevance}. Zeros are put before and after the clip, so that every sample lies under a window: Σ R_mk = Σ x ρ.
 *
 * @throws FeatureError where lengths differ, or windows leave a sample without weight
 */
export function shortTimeRelevance(
  x: Signal,
  perUnit: Signal,
  { nFft, hopLength, window = 'hann' }: ShortTimeOptions,
): ShortTimeRelevance {
  checkLengths(x, perUnit);
  checkPositiveInteger('n_fft', nFft);
  checkPositiveInteger('hop_length', hopLength);
  const w = getWindow(window, nFft);
  const frames = 1 + Math.ceil((x.length - 1) / hopLength);
  const start = (t: number) => t * hopLength - (nFft >> 1);
  const shares = new Float64Array(x.length);
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < nFft; i++) shares[start(t) + i] += w[i]; // beyond the ends nothing is kept
  }
  checkShares(shares, { nFft, hopLength, window });
  const [relevance, power] = [zeros(1 + (nFft >> 1), frames), zeros(1 + (nFft >> 1), frames)];
  const [heard, weighed] = [new Float64Array(nFft), new Float64Array(nFft)];
  for (let t = 0; t < frames; t++) {
    for (let i = 0; i < nFft; i++) {
      const n = start(t) + i;
      const inside = n >= 0 && n < x.length;
      heard[i] = inside ? w[i] * x[n] : 0;
      weighed[i] = inside ? perUnit[n] / shares[n] : 0;
    }
    const cross = crossSpectrum(heard, weighed);
    for (let k = 0; k < relevance.rows; k++) {
      relevance.data[k * frames + t] = cross.relevance[k];
      power.data[k * frames + t] = cross.power[k];
    }
  }
  return { relevance, power };
}

/** Re(Y P*)/N by bin, doubled where a bin stands for two frequencies, and |Y|². */
function crossSpectrum(x: Signal, perUnit: Signal): { relevance: Float64Array; power: Float64Array } {
  const N = x.length;
  const transform = realTransform(N);
  const Y = Float64Array.from(transform(x)).subarray(0, 2 + 2 * (N >> 1));
  const P = transform(perUnit);
  const power = new Float64Array(1 + (N >> 1));
  const relevance = power.map((_, k) => {
    const [re, im] = [Y[2 * k], Y[2 * k + 1]];
    power[k] = re ** 2 + im ** 2;
    const twice = k === 0 || 2 * k === N ? 1 : 2;
    return (twice * (re * P[2 * k] + im * P[2 * k + 1])) / N;
  });
  return { relevance, power };
}

function checkLengths(x: Signal, other: Signal): void {
  if (x.length > 0 && x.length === other.length) return;
  throw new FeatureError({
    what: 'relevance of samples',
    expected: x.length > 0 ? `${x.length} values` : 'at least one sample',
    got: `${other.length}`,
  });
}

function checkShares(shares: Float64Array, { nFft, hopLength, window }: Required<ShortTimeOptions>): void {
  const most = shares.reduce((a, b) => Math.max(a, b));
  const bare = shares.findIndex((v) => !(v > 1e-9 * most));
  if (bare < 0) return;
  throw new FeatureError({
    what: `windows '${window}' of ${nFft} samples, ${hopLength} apart`,
    expected: 'every sample under a window of positive weight',
    got: `none at sample ${bare}`,
    todo: 'Take a smaller hop length.',
  });
}
