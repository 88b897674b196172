// Augmentation: frames move by whole frames, noise has the level that is asked for, and a seed decides both.
import { describe, expect, it } from 'vitest';
import { inputFromMelPower, inputShape } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { melFilters } from '../features/mel.ts';
import { defaultFeatures } from '../features/settings.ts';
import { ExampleReader } from './examples.ts';

const settings = defaultFeatures('logmel', 8000, 2);
const [rows, columns] = inputShape(settings);
const reader = new ExampleReader(settings);
const made = (f: (row: number, column: number) => number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => f(Math.floor(i / columns), i % columns)),
});

describe('shift', () => {
  // Each frame has a level of its own, the loudest in the middle, so that none is lost and levels stay.
  const power = made((row, t) => (1 + row) * 10 ** (-Math.abs(t - 100) / 40));
  const plain = reader.plain({ power, label: 0 });
  const shift = { shift: 0.05, noise: 0, snr: [0, 0] } as const;

  /** By how many frames an input was moved. */
  function moved(input: Matrix): number {
    for (let by = -20; by <= 20; by++) {
      const same = Array.from({ length: columns }, (_, t) => t).every((t) =>
        Array.from({ length: rows }, (_, row) => row).every((row) => {
          const from = t - by;
          const expected = from >= 0 && from < columns ? plain.data[row * columns + from] : 0;
          return input.data[row * columns + t] === expected;
        }),
      );
      if (same) return by;
    }
    throw new Error('the input is no shifted one');
  }

  it('moves by whole frames, up to the share given either way, silence coming in', () => {
    const furthest = Math.round(0.05 * columns);
    const shifts = Array.from({ length: 200 }, (_, seed) =>
      moved(reader.augmented({ power, label: 0 }, shift, seed)),
    );
    expect([Math.min(...shifts), Math.max(...shifts)]).toEqual([-furthest, furthest]);
    expect(new Set(shifts).size).toBe(2 * furthest + 1);
    expect(Math.abs(shifts.reduce((a, b) => a + b, 0) / 200)).toBeLessThan(2);
  });

  it('of nothing leaves the input as it is, and the recording is never touched', () => {
    const before = power.data.slice();
    expect(reader.augmented({ power, label: 0 }, { shift: 0, noise: 0, snr: [0, 0] }, 1)).toEqual(plain);
    reader.augmented({ power, label: 0 }, { shift: 0.1, noise: 1, snr: [0, 0] }, 1);
    expect(power.data).toEqual(before);
    expect(plain).toEqual(inputFromMelPower(power, settings));
  });
});

describe('noise', () => {
  const LOUD = 10;
  const tone = made((row) => (row === LOUD ? 1 : 0));
  const filters = melFilters(settings.sampleRate, settings.nFft, settings);
  const bandwidth = Array.from({ length: rows }, (_, m) =>
    filters.data.subarray(m * filters.columns, (m + 1) * filters.columns).reduce((a, b) => a + b, 0),
  );
  const all = bandwidth.reduce((a, b) => a + b, 0);
  /** Power over the loudest value's, undone from the input. */
  const powerOf = ({ data }: Matrix) =>
    data.map((v) => (v > 0 ? 10 ** (((v - 1) * settings.topDb!) / 10) : 0));
  const total = (values: Float64Array, ofRow: (row: number) => boolean) =>
    values.reduce((sum, v, i) => sum + (ofRow(Math.floor(i / columns)) ? v : 0), 0);

  it.each([0, 10, 30])('of %i dB below the signal, spread over the bands as white noise is', (decibels) => {
    const snr = [decibels, decibels] as const;
    const share = 10 ** (-decibels / 10);
    let [noise, signal, low] = [0, 0, 0];
    for (let seed = 0; seed < 5; seed++) {
      const power = powerOf(reader.augmented({ power: tone, label: 0 }, { shift: 0, noise: 1, snr }, seed));
      const scale = total(power, (row) => row === LOUD);
      noise += total(power, (row) => row !== LOUD) / scale;
      low += total(power, (row) => row < LOUD) / scale;
      signal++;
    }
    // In the tone's own band noise adds to the signal.
    const own = 1 + (share * bandwidth[LOUD]) / all;
    const expected = (share * (all - bandwidth[LOUD])) / all / own;
    // 5 × 47 bands × 201 frames of a relative spread below 1: the mean is good to 0.5 %.
    expect(Math.abs(noise / signal / expected - 1)).toBeLessThan(0.025);
    const expectedLow = (share * bandwidth.slice(0, LOUD).reduce((a, b) => a + b, 0)) / all / own;
    expect(Math.abs(low / signal / expectedLow - 1)).toBeLessThan(0.05);
  });

  it('is that of the seed, and comes to the share of recordings that is asked for', () => {
    const noisy = (seed: number, noise = 0.5) =>
      reader.augmented({ power: tone, label: 0 }, { shift: 0, noise, snr: [10, 20] }, seed);
    expect(noisy(3)).toEqual(noisy(3));
    expect(noisy(3, 1)).not.toEqual(noisy(4, 1));
    const plain = reader.plain({ power: tone, label: 0 });
    const count = Array.from({ length: 100 }, (_, seed) => noisy(seed)).filter(
      (input) => input.data[0] !== plain.data[0],
    ).length;
    expect(Math.abs(count - 50)).toBeLessThan(5 * Math.sqrt(25));
  });

  it('leaves silence silent: there is no signal to be below', () => {
    const silent = made(() => 0);
    const input = reader.augmented({ power: silent, label: 0 }, { shift: 0.1, noise: 1, snr: [0, 0] }, 1);
    expect(new Set(input.data)).toEqual(new Set([0]));
  });
});
