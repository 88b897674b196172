// The discrete cosine transform of types 1 to 3, as scipy.fft.dct computes it.
import { FeatureError } from '../errors.ts';
import { type Matrix, multiply, zeros } from './matrix.ts';

export type DctType = 1 | 2 | 3;
/** null and 'backward' do not scale; 'forward' divides by 2N (type 1: 2(N − 1)); 'ortho' is orthonormal. */
export type DctNorm = 'ortho' | 'backward' | 'forward' | null;

export interface DctOptions {
  /** 2 unless given. */
  type?: DctType;
  /** null unless given. */
  norm?: DctNorm;
  /** How many coefficients to keep (all). */
  count?: number;
}

const { PI, SQRT1_2, SQRT2, cos, sqrt } = Math;

/** Unscaled element (k, n) of the transform of N values. */
const elements: Record<DctType, (k: number, n: number, N: number) => number> = {
  1: (k, n, N) => (n === 0 || n === N - 1 ? 1 : 2) * cos((PI * k * n) / (N - 1)),
  2: (k, n, N) => 2 * cos((PI * k * (2 * n + 1)) / (2 * N)),
  3: (k, n, N) => (n === 0 ? 1 : 2) * cos((PI * (2 * k + 1) * n) / (2 * N)),
};

/** What 'ortho' scales element (k, n) by, besides √(1/2N), or √(1/2(N − 1)) in type 1. */
const orthonormal: Record<DctType, (k: number, n: number, N: number) => number> = {
  1: (k, n, N) => (k === 0 || k === N - 1 ? SQRT1_2 : 1) * (n === 0 || n === N - 1 ? SQRT2 : 1),
  2: (k) => (k === 0 ? SQRT1_2 : 1),
  3: (_, n) => (n === 0 ? SQRT2 : 1),
};

/**
 * The transform of N values as a matrix [count, N].
 *
 * @throws FeatureError for another type or norm, or type 1 of fewer than two values
 */
export function dctMatrix(N: number, { type = 2, norm = null, count = N }: DctOptions = {}): Matrix {
  const element = elements[type];
  if (!element) throw new FeatureError({ what: 'dct_type', expected: '1, 2 or 3', got: `${type}` });
  if (norm !== null && !['ortho', 'backward', 'forward'].includes(norm)) {
    throw new FeatureError({
      what: 'DCT norm',
      expected: 'ortho, backward, forward or none',
      got: `${norm}`,
    });
  }
  if (type === 1 && N < 2) {
    throw new FeatureError({ what: 'dct_type 1', expected: 'at least 2 values', got: `${N}` });
  }
  const period = type === 1 ? 2 * (N - 1) : 2 * N;
  const scale = norm === 'ortho' ? sqrt(1 / period) : norm === 'forward' ? 1 / period : 1;
  const matrix = zeros(Math.min(count, N), N);
  for (let k = 0; k < matrix.rows; k++) {
    for (let n = 0; n < N; n++) {
      const weight = norm === 'ortho' ? orthonormal[type](k, n, N) : 1;
      matrix.data[k * N + n] = element(k, n, N) * weight * scale;
    }
  }
  return matrix;
}

/** Transforms every column: [N, frames] to [count, frames]. @throws FeatureError as {@link dctMatrix} */
export function dct(S: Matrix, options: DctOptions = {}): Matrix {
  return multiply(dctMatrix(S.rows, options), S);
}
