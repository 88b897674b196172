// Means, and whether two groups differ in them: permutation test, bootstrap interval, Holm's adjustment.
import { random } from '../corpus/random.ts';

/** Mean and spread of n numbers. */
export interface Spread {
  /** null for none. */
  readonly mean: number | null;
  /** Standard deviation of the sample (n − 1); null for fewer than two. */
  readonly sd: number | null;
  readonly n: number;
}

export function spread(values: readonly number[]): Spread {
  const n = values.length;
  if (n === 0) return { mean: null, sd: null, n };
  const mean = sum(values) / n;
  const squares = sum(values.map((v) => (v - mean) ** 2));
  return { mean, sd: n < 2 ? null : Math.sqrt(squares / (n - 1)), n };
}

/** How the mean of a second group differs from that of a first. */
export interface Difference {
  /** Mean of the second − mean of the first. */
  readonly difference: number;
  /** 95 % interval of the difference: percentiles of the bootstrap; too narrow for groups of few. */
  readonly interval: readonly [low: number, high: number];
  /** Two-sided, from a permutation test of the difference. */
  readonly p: number;
  /** p after Holm's adjustment (1979) for all that were tested together. */
  readonly pHolm: number;
}

export const PERMUTATIONS = 9999;
export const RESAMPLES = 1999;

/** Differences of means that are equal but for rounding count as equal; shares are at most 1. */
const ROUNDING = 1e-12;

/**
 * Compares two groups of items, each item measured in several ways.
 *
 * @param first [items][measures], at least one item
 * @param second likewise
 * @returns one difference for each measure
 */
export function compareMeans(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  seed: number,
): Difference[] {
  const [a, b] = [meansOf(first), meansOf(second)];
  const differences = b.map((mean, k) => mean - a[k]!);
  const p = permutationTest(first, second, differences, seed);
  const intervals = bootstrap(first, second, seed + 1);
  const adjusted = holm(p);
  return differences.map((difference, k) => ({
    difference,
    interval: intervals[k]!,
    p: p[k]!,
    pHolm: adjusted[k]!,
  }));
}

/**
 * p = (1 + number of random regroupings whose difference is at least as large) / (1 + number of regroupings)
 * (Phipson and Smyth 2010). All measures share the regroupings.
 */
function permutationTest(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  differences: readonly number[],
  seed: number,
): number[] {
  const items = [...first, ...second];
  const totals = meansOf(items).map((mean) => mean * items.length);
  const drawn = Math.min(first.length, second.length);
  const next = random(seed);
  const asLarge = differences.map(() => 1);
  for (let t = 0; t < PERMUTATIONS; t++) {
    for (let i = 0; i < drawn; i++) {
      const j = i + Math.floor(next() * (items.length - i));
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    for (const [k, difference] of differences.entries()) {
      let part = 0;
      for (let i = 0; i < drawn; i++) part += items[i]![k]!;
      const other = part / drawn - (totals[k]! - part) / (items.length - drawn);
      if (Math.abs(other) >= Math.abs(difference) - ROUNDING) asLarge[k]!++;
    }
  }
  return asLarge.map((count) => count / (1 + PERMUTATIONS));
}

/** The 2.5th and 97.5th percentile of the difference when each group is drawn anew from itself (Efron 1979). */
function bootstrap(
  first: readonly (readonly number[])[],
  second: readonly (readonly number[])[],
  seed: number,
): [number, number][] {
  const next = random(seed);
  const redrawn = (group: readonly (readonly number[])[]) =>
    meansOf(group.map(() => group[Math.floor(next() * group.length)]!));
  const found = first[0]!.map(() => new Float64Array(RESAMPLES));
  for (let t = 0; t < RESAMPLES; t++) {
    const [a, b] = [redrawn(first), redrawn(second)];
    for (const [k, values] of found.entries()) values[t] = b[k]! - a[k]!;
  }
  const rank = Math.round(0.025 * (RESAMPLES + 1));
  return found.map((values) => {
    values.sort();
    return [values[rank - 1]!, values[RESAMPLES - rank]!];
  });
}

/** The i-th smallest of m p-values times m − i + 1, at most 1 and never less than that of a smaller one. */
export function holm(p: readonly number[]): number[] {
  const rising = [...p.keys()].sort((i, j) => p[i]! - p[j]!);
  const adjusted = p.map(() => 1);
  let least = 0;
  for (const [rank, i] of rising.entries()) {
    least = Math.max(least, Math.min(1, (p.length - rank) * p[i]!));
    adjusted[i] = least;
  }
  return adjusted;
}

/** Means over items [items][measures]. */
export function meansOf(items: readonly (readonly number[])[]): number[] {
  const totals = new Float64Array(items[0]!.length);
  for (const item of items) for (let k = 0; k < totals.length; k++) totals[k]! += item[k]!;
  return Array.from(totals, (total) => total / items.length);
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
