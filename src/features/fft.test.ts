// The Fourier transform: against its definition (oracle), Parseval and linearity (property), at any length.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realTransform } from './fft.ts';

/** X[k] = Σₜ x[t] e^(−2πi kt/n), interleaved, by the definition. */
function naive(x: number[]): number[] {
  const n = x.length;
  return Array.from({ length: 2 * (1 + (n >> 1)) }, (_, i) =>
    x.reduce((sum, v, t) => {
      const angle = (2 * Math.PI * (((i >> 1) * t) % n)) / n;
      return sum + v * (i % 2 ? -Math.sin(angle) : Math.cos(angle));
    }, 0),
  );
}

const signal = (n: number) =>
  Array.from({ length: n }, (_, t) => Math.sin(t * t * 0.37) + ((t * 7919) % 13) / 13);
const lengths = [
  1, 2, 3, 4, 5, 7, 8, 16, 31, 64, 97, 100, 101, 128, 255, 256, 400, 455, 512, 600, 1024, 1200,
];

describe('oracle: the definition', () => {
  it.each(lengths)('length %i, to 1e-12 of the largest value', (n) => {
    const expected = naive(signal(n));
    const ours = realTransform(n)(signal(n));
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, v] of expected.entries())
      expect(Math.abs(ours[i] - v)).toBeLessThanOrEqual(1e-12 * largest);
  });
});

const frames = fc.integer({ min: 1, max: 300 }).chain((n) => {
  const frame = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: n, maxLength: n });
  return fc.tuple(frame, frame);
});

describe('property', () => {
  it('Parseval: n Σ x² = Σ |X|² over all n bins', () => {
    fc.assert(
      fc.property(frames, ([x]) => {
        const n = x.length;
        const X = realTransform(n)(x);
        let power = 0;
        for (let k = 0; k <= n >> 1; k++) {
          const twice = k > 0 && 2 * k < n ? 2 : 1; // the bins above n/2 mirror those below
          power += twice * (X[2 * k] ** 2 + X[2 * k + 1] ** 2);
        }
        const energy = n * x.reduce((sum, v) => sum + v * v, 0);
        expect(Math.abs(power - energy)).toBeLessThanOrEqual(1e-12 * Math.max(energy, 1e-300));
      }),
    );
  });

  it('linear: a transform does not remember the one before', () => {
    fc.assert(
      fc.property(frames, ([x, y]) => {
        const transform = realTransform(x.length);
        const bins = 2 * (1 + (x.length >> 1));
        const X = Array.from(transform(x)).slice(0, bins);
        const Y = Array.from(transform(y)).slice(0, bins);
        const Z = Array.from(transform(x.map((v, i) => v + 2 * y[i])));
        for (let i = 0; i < bins; i++) expect(Z[i]).toBeCloseTo(X[i] + 2 * Y[i], 9);
      }),
    );
  });
});
