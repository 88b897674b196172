// Property: the inverse transform gives back any signal that lies under windows, whatever their lengths and names.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { istft } from './istft.ts';
import { stft } from './stft.ts';

const noise = (length: number, seed = 1) =>
  Float64Array.from({ length }, (_, n) => Math.sin(seed + 12.9898 * n * n));

function snr(x: Float64Array, y: Float64Array): number {
  const energy = (values: Float64Array) => values.reduce((a, v) => a + v * v, 0);
  return 10 * Math.log10(energy(x) / (energy(x.map((v, n) => v - y[n])) || 1e-300));
}

it('returns the signal, for even and odd transforms, windows and hops', () => {
  const settings = fc
    .record({
      length: fc.integer({ min: 1, max: 700 }),
      nFft: fc.integer({ min: 4, max: 130 }),
      narrow: fc.double({ min: 0.3, max: 1, noNaN: true }),
      apart: fc.double({ min: 0.05, max: 0.45, noNaN: true }),
      window: fc.constantFrom('hann', 'hamming', 'boxcar', 'blackman'),
    })
    .map(({ narrow, apart, ...rest }) => {
      const winLength = Math.max(3, Math.floor(narrow * rest.nFft));
      return { ...rest, winLength, hopLength: Math.max(1, Math.floor(apart * winLength)) };
    });
  fc.assert(
    fc.property(settings, ({ length, ...options }) => {
      const y = noise(length);
      const back = istft(stft(y, options), { ...options, length });
      expect(snr(y, back)).toBeGreaterThan(200);
    }),
    { numRuns: 200 },
  );
});

it('returns what frames that are not centred cover, and 0 where no window lies', () => {
  const y = noise(100);
  const options = { nFft: 16, hopLength: 32, window: 'boxcar', center: false };
  const back = istft(stft(y, options), { ...options, length: 100 });
  for (const [n, v] of back.entries()) expect(v).toBeCloseTo(n % 32 < 16 && n < 80 ? y[n] : 0, 12);
});

it('refuses what does not fit together', () => {
  const S = stft(noise(100), { nFft: 16 });
  expect(() => istft(S, { nFft: 32, length: 100 })).toThrow(FeatureError);
  expect(() => istft(S, { nFft: 16, winLength: 20, length: 100 })).toThrow(/win_length/);
  expect(() => istft(S, { length: 0 })).toThrow(/length/);
});
