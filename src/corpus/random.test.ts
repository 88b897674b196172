// Properties of the seeded generator: the same everywhere, uniform, and shuffles that only reorder.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hash32, random, shuffle } from './random.ts';

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('random', () => {
  it('is the same on every machine (snapshot)', () => {
    const next = random(7);
    expect([next(), next(), next()].map((x) => x.toFixed(9))).toMatchInlineSnapshot(`
      [
        "0.885879101",
        "0.562892376",
        "0.065664150",
      ]
    `);
    expect(shuffle(['a', 'b', 'c', 'd', 'e', 'f'], 7).join('')).toMatchInlineSnapshot(`"bedacf"`);
  });

  it('is uniform: χ² over 64 bins of 64,000 numbers stays below its 99.99 % point (property)', () => {
    for (const s of [0, 1, 2, 12345]) {
      const next = random(s);
      const bins = new Array<number>(64).fill(0);
      for (let i = 0; i < 64_000; i++) bins[Math.floor(next() * 64)]!++;
      const chi2 = bins.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
      expect(chi2).toBeLessThan(114.8); // 63 degrees of freedom
    }
  });

  it('gives neighbouring seeds unrelated numbers (property)', () => {
    const n = 4096;
    const [a, b] = [random(1), random(2)];
    let correlation = 0;
    for (let i = 0; i < n; i++) correlation += (a() - 0.5) * (b() - 0.5) * 12;
    expect(Math.abs(correlation / n)).toBeLessThan(4 / Math.sqrt(n));
  });

  it('hashes to 32-bit unsigned integers (property)', () => {
    fc.assert(
      fc.property(seed, seed, (s, n) => {
        const h = hash32(s, n);
        expect(Number.isInteger(h) && h >= 0 && h < 2 ** 32).toBe(true);
      }),
    );
  });
});

describe('shuffle', () => {
  it('reorders a copy and repeats itself (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), seed, (items, s) => {
        const before = [...items];
        const out = shuffle(items, s);
        expect(items).toEqual(before);
        expect(shuffle(items, s)).toEqual(out);
        expect([...out].sort()).toEqual([...items].sort());
      }),
    );
  });

  it('puts each item in each place equally often (property)', () => {
    const counts = new Array<number>(16).fill(0);
    const rounds = 8000;
    for (let s = 0; s < rounds; s++) {
      shuffle([0, 1, 2, 3], s).forEach((item, place) => {
        counts[4 * item + place]!++;
      });
    }
    const sigma = Math.sqrt(rounds * 0.25 * 0.75);
    for (const n of counts) expect(Math.abs(n - rounds / 4)).toBeLessThan(4.5 * sigma);
  });
});
