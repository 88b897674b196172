// Relevance as gains from 0 to 1, which a signal can be heard through.
import { checkPositive } from '../features/check.ts';
import { type Matrix, zeros } from '../features/matrix.ts';
import type { Signal } from '../features/pad.ts';

/** Gains 0…1 of what speaks for a class and of what speaks against it, each [bins, frames]. */
export interface Masks {
  readonly for: Matrix;
  readonly against: Matrix;
}

/**
 * M± = (max(±R̃, 0) / max |R̃|)^sharpness, with R̃ the relevance under a moving mean with the weights ¼, ½, ¼ along each axis.
 * So M⁺ + M⁻ = (|R̃| / max |R̃|)^sharpness: no cell is in both. Within a mel band relevance goes with power, so that 0.5
 * makes gains of amplitudes; the larger the exponent, the less is left beside the most relevant.
 *
 * @param relevance [bins, frames]
 * @throws FeatureError where the sharpness is not more than 0
 */
export function relevanceMasks({ rows, columns, data }: Matrix, sharpness: number): Masks {
  const alongTime = smoothed(data, QUARTERS, columns, 1);
  const R = smoothed(alongTime, QUARTERS, rows, columns);
  const mask = (side: 1 | -1) => ({ rows, columns, data: sideGains(R, side, sharpness) });
  return { for: mask(1), against: mask(-1) };
}

/**
 * The same of samples, for one side; the moving mean is a Hann window's.
 *
 * @param relevance [samples]
 * @param width length of the window in samples
 * @throws FeatureError where the sharpness is not more than 0
 */
export function envelope(relevance: Signal, side: 1 | -1, sharpness: number, width: number): Float64Array {
  const half = Math.max(1, width >> 1);
  const weights = Array.from(
    { length: 2 * half - 1 },
    (_, i) => Math.sin((Math.PI * (i + 1)) / (2 * half)) ** 2 / half,
  );
  return sideGains(smoothed(relevance, weights, relevance.length, 1), side, sharpness);
}

/** Gains at other times, linear between those that are known and constant beyond them: [bins, wanted]. */
export function atTimes({ rows, columns, data }: Matrix, times: Signal, wanted: Signal): Matrix {
  const out = zeros(rows, wanted.length);
  let t = 0;
  for (const [at, time] of wanted.entries()) {
    while (t < columns - 2 && times[t + 1] <= time) t++;
    const next = Math.min(t + 1, columns - 1);
    const part = next === t ? 0 : (time - times[t]) / (times[next] - times[t]);
    const share = Math.max(0, Math.min(1, part));
    for (let k = 0; k < rows; k++) {
      const [before, after] = [data[k * columns + t], data[k * columns + next]];
      out.data[k * wanted.length + at] = (1 - share) * before + share * after;
    }
  }
  return out;
}

const QUARTERS = [0.25, 0.5, 0.25];

function sideGains(R: Float64Array, side: 1 | -1, sharpness: number): Float64Array {
  checkPositive('sharpness', sharpness);
  const most = R.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return R.map((r) => (side * r > 0 ? ((side * r) / most) ** sharpness : 0));
}

/**
 * Σᵢ wᵢ v[at + i − middle] along lines of `length` values that lie `stride` apart; beyond its ends a line goes on with its
 * last value.
 */
function smoothed(values: Signal, weights: readonly number[], length: number, stride: number): Float64Array {
  const middle = weights.length >> 1;
  return Float64Array.from(values, (_, i) => {
    const at = Math.floor(i / stride) % length;
    return weights.reduce((sum, w, j) => {
      const near = Math.max(0, Math.min(length - 1, at + j - middle));
      return sum + w * values[i + (near - at) * stride];
    }, 0);
  });
}
