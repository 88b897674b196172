// How sure a share of right answers is.

/** From 0 to 1. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Wilson's 95 % score interval of a share, k of n (Wilson 1927): the p for which |k/n − p| ≤ z · √(p(1 − p)/n), that is
 *
 *     (k/n + z²/2n ± z √(k/n · (1 − k/n)/n + z²/4n²)) / (1 + z²/n)
 *
 * It takes answers for independent of each other. Those of one speaker are not, so that for speakers never heard it is
 * narrower than it should be; there, look at the spread between speakers or folds. With n = 0 nothing is known: 0 to 1.
 */
export function wilson(k: number, n: number): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const share = k / n;
  const centre = share + Z ** 2 / (2 * n);
  const half = Z * Math.sqrt((share * (1 - share)) / n + (Z / (2 * n)) ** 2);
  const scale = 1 + Z ** 2 / n;
  // The ends are exact where all answers are alike; rounding would miss them.
  return {
    low: k === 0 ? 0 : (centre - half) / scale,
    high: k === n ? 1 : (centre + half) / scale,
  };
}
