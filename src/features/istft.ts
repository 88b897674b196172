// The inverse short-time Fourier transform: the signal whose transform is nearest to the given one.
import { FeatureError } from '../errors.ts';
import { checkPositiveInteger } from './check.ts';
import { realTransform } from './fft.ts';
import type { ComplexMatrix, StftOptions } from './stft.ts';
import { getWindow } from './window.ts';

/** As {@link StftOptions} of the transform, and how long the signal is. */
export interface IstftOptions extends Omit<StftOptions, 'padMode'> {
  /** Samples of the signal. */
  length: number;
}

/**
 * y[n] = Σₜ w[n − tH] yₜ[n − tH] / Σₜ w[n − tH]², with yₜ the inverse transform of frame t and H the hop length; 0 where no
 * window lies. Where any does, `istft(stft(y))` is y.
 *
 * @param S [1 + nFft/2, frames]
 * @throws FeatureError where the options contradict each other or the matrix
 * @see Griffin and Lim, Signal estimation from modified short-time Fourier transform, IEEE ASSP 32 (1984); librosa.istft
 */
export function istft(
  S: ComplexMatrix,
  { length, window = 'hann', center = true, ...options }: IstftOptions,
) {
  const nFft = options.nFft ?? 2 * (S.rows - 1);
  const winLength = options.winLength ?? nFft;
  const hopLength = options.hopLength ?? Math.floor(winLength / 4);
  checkPositiveInteger('n_fft', nFft);
  checkPositiveInteger('win_length', winLength);
  checkPositiveInteger('hop_length', hopLength);
  checkPositiveInteger('length', length);
  if (S.rows !== 1 + (nFft >> 1)) {
    const expected = `${1 + (nFft >> 1)} rows of a transform of ${nFft} samples`;
    throw new FeatureError({ what: 'inverse transform', expected, got: `${S.rows}` });
  }
  if (winLength > nFft) {
    throw new FeatureError({ what: 'win_length', expected: `at most n_fft = ${nFft}`, got: `${winLength}` });
  }
  const w = getWindow(window, winLength);
  const offset = (nFft - winLength) >> 1;
  const first = offset - (center ? nFft >> 1 : 0);
  const [y, weight] = [new Float64Array(length), new Float64Array(length)];
  const inverse = inverseTransform(nFft);
  const spectrum = new Float64Array(2 * S.rows);
  for (let t = 0; t < S.columns; t++) {
    for (let k = 0; k < S.rows; k++) {
      spectrum[2 * k] = S.re[k * S.columns + t];
      spectrum[2 * k + 1] = S.im[k * S.columns + t];
    }
    const frame = inverse(spectrum);
    for (let i = 0; i < winLength; i++) {
      const n = first + t * hopLength + i;
      y[n] += w[i] * frame[offset + i]; // beyond the ends nothing is kept
      weight[n] += w[i] ** 2;
    }
  }
  return y.map((v, n) => (weight[n] > TINY ? v / weight[n] : 0));
}

/** Σ w² that counts as no window. */
const TINY = 1e-12;

/**
 * The inverse of {@link realTransform}, by another of its kind: with h[k] = Re X[k] + Im X[k], k = 0…N−1, and H its
 * transform, x[n] = (Re H[n] + Im H[n])/N (the Hartley transform is its own inverse).
 */
export function inverseTransform(N: number): (spectrum: Float64Array) => Float64Array {
  const transform = realTransform(N);
  const [h, x] = [new Float64Array(N), new Float64Array(N)];
  return (spectrum) => {
    for (let k = 0; 2 * k <= N; k++) {
      const re = spectrum[2 * k];
      const im = k === 0 || 2 * k === N ? 0 : spectrum[2 * k + 1]; // as of any real signal
      h[k] = re + im;
      if (k > 0) h[N - k] = re - im;
    }
    const H = transform(h);
    for (let n = 0; 2 * n <= N; n++) {
      const re = H[2 * n] / N;
      const im = n === 0 || 2 * n === N ? 0 : H[2 * n + 1] / N;
      x[n] = re + im;
      if (n > 0) x[N - n] = re - im;
    }
    return x;
  };
}
