// Oracle and property: ticks stand where the frequency really is; numbers are written as in print.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import { formatHertz, formatNumber, formatPercent, frequencyTicks, indexTicks, timeTicks } from './ticks.ts';

/** Slaney's mel scale: linear below 1 kHz, logarithmic above. */
const toMel = (hz: number) => (hz < 1000 ? (3 * hz) / 200 : 15 + (27 * Math.log(hz / 1000)) / Math.log(6.4));
const toHertz = (mel: number) => (mel < 15 ? (mel * 200) / 3 : 1000 * 6.4 ** ((mel - 15) / 27));
const melRows = (rows: number, top: number) =>
  Array.from({ length: rows }, (_, r) => toHertz(((r + 1) * toMel(top)) / (rows + 1)));

test('mel rows carry round numbers at their true places', () => {
  const rows = 64;
  const ticks = frequencyTicks(melRows(rows, 4000), 300);
  expect(ticks.map((t) => t.label)).toEqual(['50', '200', '500', '1k', '1.5k', '2k', '3k']);
  for (const { label, position } of ticks) {
    const hertz = label.endsWith('k') ? 1000 * Number.parseFloat(label) : Number(label);
    const row = (toMel(hertz) * (rows + 1)) / toMel(4000) - 1;
    // Between two rows the true scale is curved above 1 kHz: a hundredth of a row at most.
    expect(Math.abs(position * rows - (row + 0.5))).toBeLessThan(0.01);
  }
});

test('linear rows carry evenly spaced numbers', () => {
  const frequencies = Array.from({ length: 513 }, (_, r) => (r * 48000) / 1024);
  expect(frequencyTicks(frequencies, 212).map((t) => t.label)).toEqual(['0', '5k', '10k', '15k', '20k']);
});

test('labels keep their distance on any scale', () => {
  const setting = [
    fc.integer({ min: 2, max: 200 }),
    fc.integer({ min: 500, max: 48000 }),
    fc.integer({ min: 60, max: 400 }),
  ] as const;
  fc.assert(
    fc.property(...setting, (rows, top, height) => {
      const at = frequencyTicks(melRows(rows, top), height).map((t) => t.position);
      expect(at.every((p, i) => p >= 0 && p <= 1 && (i === 0 || (p - at[i - 1]!) * height >= 14.9))).toBe(
        true,
      );
    }),
  );
});

test('frequencies that do not rise are refused', () => {
  expect(() => frequencyTicks([100, 300, 200], 200)).toThrow(EarmarkError);
  expect(() => frequencyTicks([100, Number.NaN], 200)).toThrow(EarmarkError);
});

test('times stand at the centres of frames', () => {
  const ticks = timeTicks([0, 0.5, 1], 100);
  expect(ticks.find((t) => t.label === '0')?.position).toBeCloseTo(1 / 6);
  expect(ticks.find((t) => t.label === '1')?.position).toBeCloseTo(5 / 6);
  expect(timeTicks([0.25], 100)).toEqual([{ position: 0.5, label: '0.25' }]);
});

test('coefficients carry whole numbers in the middle of their rows', () => {
  expect(indexTicks(13, 212).map((t) => t.label)).toEqual(['0', '2', '4', '6', '8', '10', '12']);
  expect(indexTicks(2, 212)).toEqual([
    { position: 0.25, label: '0' },
    { position: 0.75, label: '1' },
  ]);
});

test('numbers', () => {
  expect([0, -0, -1.5, 0.00512, 1e-9, -2.5e-4, 123456].map((v) => formatNumber(v))).toEqual([
    '0',
    '0',
    '−1.5',
    '0.00512',
    '1×10⁻⁹',
    '−2.5×10⁻⁴',
    '1.23×10⁵',
  ]);
  expect([0, 0.0004, 0.0123, 0.5, 0.987, 0.9995, 1].map(formatPercent)).toEqual([
    '0 %',
    '< 0.1 %',
    '1.2 %',
    '50 %',
    '98.7 %',
    '> 99.9 %',
    '100 %',
  ]);
  expect([0, 250, 1000, 2500, 22050].map(formatHertz)).toEqual(['0', '250', '1k', '2.5k', '22.1k']);
});
