// Oracle and property: DFT-LRP against dense matrices, where a tone's relevance lands, and sums.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { getWindow } from '../features/window.ts';
import { dftRelevance, perUnitOf, shortTimeRelevance } from './dft.ts';

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const noise = (length: number, seed = 1) =>
  Float64Array.from({ length }, (_, n) => Math.sin(seed + 12.9898 * n * n + 78.233 * n));

/**
 * LRP-0 through x = T⁻¹y with y the orthonormal transform: R_k = Re y_k · N^−½ Σₙ cos(2πkn/N) ρ_n − Im y_k · N^−½ Σₙ sin(2πkn/N) ρ_n
 * over all N frequencies, then k and N − k added up.
 */
function denseRelevance(x: Float64Array, rho: Float64Array): Float64Array {
  const N = x.length;
  const all = Array.from({ length: N }, (_, k) => {
    const over = (values: Float64Array, f: (angle: number) => number) =>
      values.reduce((total, v, n) => total + v * f((2 * Math.PI * k * n) / N), 0) / Math.sqrt(N);
    const [re, im] = [over(x, Math.cos), -over(x, Math.sin)];
    return re * over(rho, Math.cos) - im * over(rho, Math.sin);
  });
  return Float64Array.from({ length: 1 + (N >> 1) }, (_, k) =>
    k === 0 || 2 * k === N ? all[k] : all[k] + all[N - k],
  );
}

it.each([1, 2, 3, 8, 15, 64, 65])('agrees with dense matrices for %i samples', (length) => {
  const [x, rho] = [noise(length), noise(length, 2)];
  const [fast, slow] = [dftRelevance(x, rho), denseRelevance(x, rho)];
  expect(fast).toHaveLength(slow.length);
  for (const [k, r] of slow.entries()) expect(fast[k]).toBeCloseTo(r, 10);
});

it.each([
  [32, 8, 'hann', 100],
  [32, 16, 'halfcosine', 101],
  [15, 5, 'hamming', 47],
  [8, 8, 'boxcar', 99],
  [64, 16, 'hann', 10],
])('short windows of %i every %i (%s) agree with dense matrices', (nFft, hopLength, window, length) => {
  const [x, rho] = [noise(length), noise(length, 3)];
  const { relevance, power } = shortTimeRelevance(x, rho, { nFft, hopLength, window });
  const w = getWindow(window, nFft);
  const begins = Array.from({ length: relevance.columns }, (_, t) => t * hopLength - (nFft >> 1));
  const W = x.map((_, n) => sum(begins.map((begin) => w[n - begin] ?? 0)));
  for (const [t, begin] of begins.entries()) {
    const under = (value: (n: number, i: number) => number) =>
      Float64Array.from(w, (_, i) => (x[begin + i] === undefined ? 0 : value(begin + i, i)));
    const heard = under((n, i) => w[i] * x[n]);
    const slow = denseRelevance(
      heard,
      under((n) => rho[n] / W[n]),
    );
    for (const [k, r] of slow.entries()) {
      expect(relevance.data[k * relevance.columns + t]).toBeCloseTo(r, 9);
    }
    expect(power.data[t]).toBeCloseTo(sum(heard) ** 2, 9);
  }
});

it('agrees with dense matrices whatever the clip, silence, DC and Nyquist among it', () => {
  const value = fc.oneof(
    fc.constant(0),
    fc.integer({ min: -1e6, max: 1e6 }).map((v) => v / 1e6),
  );
  const offset = fc.constantFrom(0, 1);
  const alternating = fc.constantFrom(0, 1);
  const clip = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 41 });
  fc.assert(
    fc.property(clip, offset, alternating, (pairs, dc, nyquist) => {
      const x = Float64Array.from(pairs, ([v], n) => (v === 0 ? 0 : v + dc + nyquist * (-1) ** n));
      const R = Float64Array.from(pairs, ([, r]) => r);
      const { perUnit, silence } = perUnitOf(x, R);
      const [fast, slow] = [dftRelevance(x, perUnit), denseRelevance(x, perUnit)];
      const size = sum(slow.map(Math.abs)) + sum(R.map(Math.abs));
      for (const [k, r] of slow.entries()) expect(Math.abs(fast[k] - r)).toBeLessThanOrEqual(1e-9 * size);
      expect(Math.abs(sum(fast) + silence - sum(R))).toBeLessThanOrEqual(1e-6 * size);
    }),
    { numRuns: 300 },
  );
});

it('keeps the sum, of a whole clip and of short windows', () => {
  const value = fc.double({ min: -1, max: 1, noNaN: true });
  const clip = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(
      clip,
      fc.integer({ min: 2, max: 70 }),
      fc.integer({ min: 1, max: 16 }),
      (pairs, nFft, part) => {
        const [x, rho] = [0, 1].map((i) => Float64Array.from(pairs, (p) => p[i])) as [
          Float64Array,
          Float64Array,
        ];
        const R = x.map((v, n) => v * rho[n]);
        const bound = 1e-6 * Math.max(1e-9, sum(R.map(Math.abs)));
        expect(Math.abs(sum(dftRelevance(x, rho)) - sum(R))).toBeLessThanOrEqual(bound);
        const hopLength = Math.max(1, Math.floor(nFft / 2 / part));
        const { relevance } = shortTimeRelevance(x, rho, { nFft, hopLength });
        expect(Math.abs(sum(relevance.data) - sum(R))).toBeLessThanOrEqual(bound);
      },
    ),
    { numRuns: 200 },
  );
});

it.each([
  [64, 5],
  [64, 0],
  [64, 32],
  [63, 7],
  [63, 31],
])('of %i samples the relevance of a tone in bin %i lands there', (N, bin) => {
  const x = Float64Array.from({ length: N }, (_, n) => Math.cos((2 * Math.PI * bin * n) / N));
  // Proportional to the tone, with other frequencies in ρ that the clip does not have.
  const rho = x.map((v, n) => v + Math.sin((2 * Math.PI * 3 * n) / N));
  const relevance = dftRelevance(x, rho);
  const total = sum(x.map((v, n) => v * rho[n]));
  expect(relevance[bin]).toBeCloseTo(total, 9);
  for (const [k, r] of relevance.entries()) if (k !== bin) expect(r).toBeCloseTo(0, 9);
});

it('a tone that starts and ends lands in its bin and its time', () => {
  const [rate, hertz] = [8000, 1000];
  const x = Float64Array.from({ length: 8000 }, (_, n) =>
    n >= 2000 && n < 4000 ? Math.sin((2 * Math.PI * hertz * n) / rate) : 0,
  );
  const { relevance } = shortTimeRelevance(x, x, { nFft: 256, hopLength: 64 });
  let near = 0;
  for (const [i, r] of relevance.data.entries()) {
    const [k, t] = [Math.floor(i / relevance.columns), i % relevance.columns];
    if (Math.abs(k - 32) <= 2 && t >= 28 && t <= 66) near += r;
  }
  expect(near / sum(x.map((v) => v * v))).toBeGreaterThan(0.995);
});

it('books the relevance of silence, and divides elsewhere', () => {
  const x = Float64Array.of(1, 0, -0.5, 1e-5, -1e-3);
  const R = Float64Array.of(2, 0.25, 1, 0.5, -1);
  const { perUnit, silence } = perUnitOf(x, R);
  expect(silence).toBe(0.75);
  expect(Array.from(perUnit)).toEqual([2, 0, -2, 0, 1000]);
  expect(sum(x.map((v, n) => v * perUnit[n])) + silence).toBeCloseTo(sum(R), 12);
  expect(perUnitOf(new Float64Array(3), Float64Array.of(1, 2, 3))).toMatchObject({ silence: 6 });
});

it('refuses lengths that differ, nothing, and windows that leave samples out', () => {
  const x = noise(40);
  expect(() => dftRelevance(x, noise(39))).toThrow(FeatureError);
  expect(() => dftRelevance(noise(0), noise(0))).toThrow(FeatureError);
  expect(() => shortTimeRelevance(x, x, { nFft: 8, hopLength: 9, window: 'boxcar' })).toThrow(/smaller hop/);
  expect(() => shortTimeRelevance(x, x, { nFft: 8, hopLength: 8 })).toThrow(/every sample/);
  expect(() => shortTimeRelevance(x, x, { nFft: 0, hopLength: 8 })).toThrow(FeatureError);
});
