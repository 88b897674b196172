// The inverse MDCT: against its definition (oracle); windows that overlap to 1 (property).
import { expect, it } from 'vitest';
import { inverseMdct, slope } from './mdct.ts';

/** y[i] = Σ X[j] cos(π/2n (2i + 1 + n/2)(2j + 1)), as it stands in the specification. */
function naive(x: Float32Array): number[] {
  const n = 2 * x.length;
  return Array.from({ length: n }, (_, i) =>
    x.reduce((sum, v, j) => sum + v * Math.cos((Math.PI / (2 * n)) * (2 * i + 1 + n / 2) * (2 * j + 1)), 0),
  );
}

it.each([64, 128, 512])('oracle: %i samples, to float32', (n) => {
  const x = Float32Array.from({ length: n / 2 }, (_, i) => Math.sin(i * i) / (1 + i / 9));
  const y = inverseMdct(n)(x);
  expect(y.length).toBe(n);
  const exact = naive(x);
  const largest = Math.max(...exact.map(Math.abs));
  for (const [i, v] of exact.entries()) expect(Math.abs(y[i] - v)).toBeLessThan(1e-6 * largest);
});

it.each([64, 8192])('property: the squares of a window of %i and of its mirror image add to 1', (n) => {
  const rise = slope(n);
  for (const [i, v] of rise.entries()) expect(v ** 2 + rise[rise.length - 1 - i] ** 2).toBeCloseTo(1, 6);
});
