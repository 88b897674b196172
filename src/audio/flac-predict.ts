// FLAC's predictors (RFC 9639, 9.2.5 and 9.2.6): the residual in place becomes the samples.

/** Polynomial predictors of order 0 to 4: the order-th difference is the residual. */
export function predictFixed(x: Float64Array, order: number): void {
  const coefficients = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]][order] as number[];
  predictLinear(x, coefficients, 0);
}

/** x[i] = residual[i] + ⌊Σ c[j] x[i − 1 − j] / 2^shift⌋; exact, as sums stay below 2⁵³. */
export function predictLinear(x: Float64Array, coefficients: readonly number[], shift: number): void {
  const order = coefficients.length;
  const scale = 2 ** -shift;
  const c = Float64Array.from(coefficients);
  for (let i = order; i < x.length; i++) {
    let sum = 0;
    for (let j = 0; j < order; j++) sum += c[j] * x[i - 1 - j];
    x[i] += Math.floor(sum * scale);
  }
}
