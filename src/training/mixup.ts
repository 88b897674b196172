// Mixup: each example of a batch becomes a mean of itself and another.
import { random, shuffle } from '../corpus/random.ts';

/** What each example of a batch is mixed with, and how much of itself is left. */
export interface Mix {
  readonly partner: readonly number[];
  /** In 0.5 … 1, so that the example stays the larger part. */
  readonly share: readonly number[];
}

/**
 * Partners and shares of a batch: max(λ, 1 − λ), λ ~ Beta(α, α).
 * @see Zhang et al., mixup: beyond empirical risk minimization, ICLR 2018
 */
export function mixing(count: number, alpha: number, seed: number): Mix {
  const draw = random(seed);
  const share = Array.from({ length: count }, () => {
    const lambda = beta(alpha, draw);
    return Math.max(lambda, 1 - lambda);
  });
  return { partner: shuffle([...Array(count).keys()], seed), share };
}

/** A Beta(α, α) variate as x/(x + y) of two Gamma(α) variates. */
function beta(alpha: number, draw: () => number): number {
  const [x, y] = [gamma(alpha, draw), gamma(alpha, draw)];
  return x + y > 0 ? x / (x + y) : Math.round(draw());
}

/** @see Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000) */
function gamma(alpha: number, draw: () => number): number {
  if (alpha < 1) return gamma(alpha + 1, draw) * (1 - draw()) ** (1 / alpha);
  const d = alpha - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    const v = (1 + c * normal) ** 3;
    if (v > 0 && Math.log(1 - draw()) < 0.5 * normal ** 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** The inputs of a batch, mixed. @param data [count, …input] */
export function mixed(data: Float32Array, { partner, share }: Mix): Float32Array {
  const size = data.length / share.length;
  return data.map((v, at) => {
    const row = Math.floor(at / size);
    return share[row] * v + (1 - share[row]) * data[partner[row] * size + (at - row * size)];
  });
}
