// Windows, padding and the short-time Fourier transform: properties, and what they refuse. (Golden: test/golden.)
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { pad, padModes } from './pad.ts';
import { type StftOptions, spectrogram, stft } from './stft.ts';
import { getWindow, windowNames } from './window.ts';

describe('windows', () => {
  it.each(windowNames)('%s: symmetric about its middle; periodic is one more without the last', (name) => {
    for (const length of [1, 2, 3, 8, 101, 400]) {
      const symmetric = getWindow(name, length, false);
      for (const [i, v] of symmetric.entries()) expect(v).toBeCloseTo(symmetric[length - 1 - i], 12);
      if (length === 1) continue;
      expect(getWindow(name, length - 1)).toEqual(length > 2 ? symmetric.slice(0, -1) : Float64Array.of(1));
      expect(getWindow(`${name}_symmetric`, length)).toEqual(symmetric);
      expect(Math.max(...symmetric)).toBeLessThanOrEqual(1 + 1e-8); // flattop's coefficients add up to 1 + 3e-9
    }
  });

  it('Hann windows at a quarter add up to 2', () => {
    const w = getWindow('hann', 64);
    for (let i = 0; i < 16; i++) expect(w[i] + w[i + 16] + w[i + 32] + w[i + 48]).toBeCloseTo(2, 12);
  });

  it('unknown names and lengths', () => {
    expect(() => getWindow('kaiser', 8)).toThrow(/unknown window: expected one of barthann, .* got 'kaiser'/);
    for (const length of [0, -1, 2.5, Number.NaN])
      expect(() => getWindow('hann', length)).toThrow(FeatureError);
  });
});

describe('padding: as numpy.pad', () => {
  it.each([
    ['constant', [0, 0, 0, 1, 2, 4, 0, 0, 0]],
    ['edge', [1, 1, 1, 1, 2, 4, 4, 4, 4]],
    ['linear_ramp', [0, 1 / 3, 2 / 3, 1, 2, 4, 8 / 3, 4 / 3, 0]],
    ['reflect', [2, 4, 2, 1, 2, 4, 2, 1, 2]],
    ['symmetric', [4, 2, 1, 1, 2, 4, 4, 2, 1]],
  ] as const)('%s', (mode, expected) => {
    const padded = pad(Float64Array.of(1, 2, 4), 3, mode);
    for (const [i, v] of padded.entries()) expect(v).toBeCloseTo(expected[i], 12);
  });
});

const options = fc
  .record({
    nFft: fc.integer({ min: 2, max: 96 }),
    hopLength: fc.integer({ min: 1, max: 64 }),
    window: fc.constantFrom(...windowNames),
    padMode: fc.constantFrom(...padModes),
    center: fc.boolean(),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ share, ...rest }) => ({ ...rest, winLength: 1 + Math.floor(share * (rest.nFft - 1)) }));
const signals = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 96, maxLength: 300 })
  .map((x) => Float64Array.from(x));

describe('property', () => {
  it('a frame in the middle is the transform of its windowed samples, by the definition', () => {
    fc.assert(
      fc.property(signals, options, (y, o) => {
        const { columns, re, im } = stft(y, o);
        const w = getWindow(o.window, o.winLength);
        const offset = (o.nFft - o.winLength) >> 1;
        const t = columns >> 1;
        const start = t * o.hopLength - (o.center ? o.nFft >> 1 : 0);
        if (start < 0 || start + o.nFft > y.length) return;
        for (const k of [0, 1, o.nFft >> 1]) {
          let [real, imaginary] = [0, 0];
          for (let n = 0; n < o.winLength; n++) {
            const angle = (2 * Math.PI * k * (offset + n)) / o.nFft;
            real += w[n] * y[start + offset + n] * Math.cos(angle);
            imaginary -= w[n] * y[start + offset + n] * Math.sin(angle);
          }
          expect(re[k * columns + t]).toBeCloseTo(real, 9);
          expect(im[k * columns + t]).toBeCloseTo(imaginary, 9);
        }
      }),
    );
  });

  it('power is the square of magnitude, and magnitude that of the complex spectrum', () => {
    fc.assert(
      fc.property(signals, options, (y, o) => {
        const { re, im } = stft(y, o);
        const power = spectrogram(y, { ...o, power: 2 }).data;
        spectrogram(y, o).data.forEach((magnitude, i) => {
          expect(magnitude).toBeCloseTo(Math.hypot(re[i], im[i]), 9);
          expect(power[i]).toBeCloseTo(magnitude ** 2, 9);
        });
      }),
    );
  });
});

describe('what it refuses', () => {
  const y = new Float64Array(100).fill(0.1);
  it.each<[StftOptions, RegExp]>([
    [{ nFft: 0 }, /n_fft: expected a positive integer, got 0/],
    [{ nFft: 12.5 }, /n_fft/],
    [{ nFft: 64, hopLength: 0 }, /hop_length: expected a positive integer, got 0/],
    [{ nFft: 64, winLength: 65 }, /win_length: expected at most n_fft = 64, got 65/],
    [{ nFft: 64, winLength: 2 }, /hop_length/],
    [{ nFft: 128, center: false }, /too short .*: expected at least n_fft = 128 samples, got 100/],
    [{ nFft: 64, window: 'none' }, /unknown window/],
    [
      { nFft: 64, padMode: 'wrap' as 'edge' },
      /unsupported pad mode: expected one of constant, .* got 'wrap'/,
    ],
  ])('%o', (o, message) => {
    expect(() => stft(y, o)).toThrow(message);
    expect(() => stft(y, o)).toThrow(FeatureError);
  });

  it('signals that are empty or not finite, and powers that are not positive', () => {
    expect(() => stft(new Float32Array(0))).toThrow(/the signal is empty/);
    expect(() => stft(Float32Array.of(0, Number.NaN), { nFft: 4 })).toThrow(/not finite/);
    expect(() => spectrogram(y, { power: 0 })).toThrow(/power: expected a number more than 0/);
  });
});

it('a silent frame is exactly 0 beside loud ones, and frames further apart than they are long are right', () => {
  const y = Float64Array.from({ length: 3000 }, (_, n) => (n < 1000 || n >= 2000 ? 0 : Math.sin(n * n)));
  const S = spectrogram(y, { nFft: 64, hopLength: 100 });
  const X = stft(y, { nFft: 64, hopLength: 100 });
  for (let t = 0; t < S.columns; t++) {
    for (let k = 0; k < S.rows; k++) {
      const at = k * S.columns + t;
      expect(S.data[at]).toBeCloseTo(Math.hypot(X.re[at], X.im[at]), 12);
      if (t < 9 || t > 20) expect(S.data[at]).toBe(0);
    }
  }
});
