// Statistics against slow twins: all regroupings, the normal approximation, and Holm's worked procedure.
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { compareMeans, holm, meansOf, PERMUTATIONS, spread } from './statistics.ts';

const column = (values: readonly number[]) => values.map((v) => [v]);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

it('mean and standard deviation', () => {
  expect(spread([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, sd: Math.sqrt(32 / 7), n: 8 });
  expect(spread([3])).toEqual({ mean: 3, sd: null, n: 1 });
  expect(spread([])).toEqual({ mean: null, sd: null, n: 0 });
});

it('means over items', () => {
  expect(
    meansOf([
      [1, 10],
      [3, 30],
    ]),
  ).toEqual([2, 20]);
});

it('Holm: the smallest p counts m times, none falls below a smaller one', () => {
  const expected = [0.03, 0.06, 0.06, 0.02];
  for (const [i, p] of holm([0.01, 0.04, 0.03, 0.005]).entries()) expect(p).toBeCloseTo(expected[i]!, 12);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});

describe('two groups', () => {
  const first = [0.31, 0.22, 0.28, 0.4, 0.19, 0.25];
  const second = [0.35, 0.44, 0.29, 0.52, 0.38];

  /** The exact p: the part of all ways to choose the second group that differ as much. */
  function exact(): number {
    const items = [...first, ...second];
    const total = items.reduce((a, b) => a + b);
    const observed = Math.abs(mean(second) - mean(first));
    let [ways, asLarge] = [0, 0];
    const choose = (from: number, left: number, part: number) => {
      if (left === 0) {
        ways++;
        const other = part / second.length - (total - part) / first.length;
        if (Math.abs(other) >= observed - 1e-12) asLarge++;
        return;
      }
      for (let i = from; i <= items.length - left; i++) choose(i + 1, left - 1, part + items[i]!);
    };
    choose(0, second.length, 0);
    expect(ways).toBe(462);
    return asLarge / ways;
  }

  it('oracle: p is that of all regroupings, to the accuracy of the sample', () => {
    const p = exact();
    expect(p).toBeGreaterThan(0.01);
    expect(p).toBeLessThan(0.1);
    const bound = 4 * Math.sqrt((p * (1 - p)) / PERMUTATIONS);
    for (const seed of [0, 1, 2]) {
      const [forth] = compareMeans(column(first), column(second), seed);
      const [back] = compareMeans(column(second), column(first), seed);
      expect(Math.abs(forth!.p - p)).toBeLessThan(bound);
      expect(Math.abs(back!.p - p)).toBeLessThan(bound);
      expect(forth!.difference).toBeCloseTo(0.121, 12);
      expect(back!.difference).toBeCloseTo(-0.121, 12);
    }
  });

  it('is the same for the same seed; measures share the regroupings', () => {
    const twice = (values: readonly number[]) => values.map((v) => [v, v]);
    const [a, b] = compareMeans(twice(first), twice(second), 7);
    expect(a).toEqual(b);
    const [alone] = compareMeans(column(first), column(second), 7);
    expect({ ...a, pHolm: alone!.pHolm }).toEqual(alone);
    expect(a!.pHolm).toBeCloseTo(2 * alone!.pHolm, 12);
  });

  it('equal values do not differ', () => {
    const [none] = compareMeans(column(Array(7).fill(0.1)), column(Array(5).fill(0.1)), 0);
    expect(none!.p).toBe(1);
    expect(none!.difference).toBeCloseTo(0, 15);
    for (const end of none!.interval) expect(end).toBeCloseTo(0, 15);
  });

  it('groups far apart have the smallest p there is and an interval away from 0', () => {
    const low = Array.from({ length: 60 }, (_, i) => i / 1000);
    const [far] = compareMeans(column(low), column(low.slice(0, 12).map((v) => v + 0.5)), 0);
    expect(far!.p).toBe(1 / (1 + PERMUTATIONS));
    expect(far!.interval[0]).toBeGreaterThan(0.4);
  });

  it('oracle: for many items the interval is that of the normal approximation', () => {
    const next = random(3);
    const [a, b] = [200, 150].map((n) => Array.from({ length: n }, () => next()));
    const [got] = compareMeans(column(a!), column(b!), 0);
    const error = Math.hypot(spread(a!).sd! / Math.sqrt(200), spread(b!).sd! / Math.sqrt(150));
    // The 2.5th percentile of 1999 draws is known to about 0.06 standard errors; 4 times that is allowed.
    for (const [end, sign] of [
      [got!.interval[0], -1],
      [got!.interval[1], 1],
    ] as const) {
      expect(Math.abs(end - (got!.difference + sign * 1.96 * error))).toBeLessThan(0.24 * error);
    }
  });
});
