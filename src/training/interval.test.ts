// Wilson's interval against its own definition, at its ends, and in how often it holds.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wilson } from './interval.ts';

it('ends where the score is the 97.5 % quantile (oracle: the definition), mirrored for wrong answers (property)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const k = Math.round(share * n);
      const { low, high } = wilson(k, n);
      for (const p of [low, high]) {
        if (p === 0 || p === 1) continue;
        expect(Math.abs(k / n - p) / Math.sqrt((p * (1 - p)) / n)).toBeCloseTo(1.959963984540054, 8);
      }
      expect(low).toBeLessThanOrEqual(k / n);
      expect(high).toBeGreaterThanOrEqual(k / n);
      expect(wilson(n - k, n).low).toBeCloseTo(1 - high, 12);
    }),
  );
});

it('never says that nothing or all is right, unless no clip was', () => {
  expect(wilson(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) });
  expect(wilson(10, 10)).toEqual({ low: expect.closeTo(0.7225, 4), high: 1 });
  expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
});

it('holds about 95 of 100 times (summed over the binomial distribution, n = 50)', () => {
  const n = 50;
  const coverages = [0.1, 0.3, 0.5, 0.8, 0.95].map((p) => {
    let probability = (1 - p) ** n;
    let covered = 0;
    for (let k = 0; k <= n; k++) {
      const { low, high } = wilson(k, n);
      if (low <= p && p <= high) covered += probability;
      probability *= (((n - k) / (k + 1)) * p) / (1 - p);
    }
    return covered;
  });
  expect(Math.min(...coverages)).toBeGreaterThan(0.92);
  expect(coverages.reduce((a, b) => a + b, 0) / 5).toBeCloseTo(0.95, 1);
});
