// Measurements of signals whose level, offset and clipping are known.
import { expect, it } from 'vitest';
import { measure } from './measure.ts';

const tone = (amplitude: number, offset = 0, limit = 1) =>
  Float32Array.from({ length: 8000 }, (_, n) => {
    const s = offset + amplitude * Math.sin((2 * Math.PI * 101 * n) / 8000);
    return Math.max(-limit, Math.min(limit, s));
  });

it('knows level and offset', () => {
  const { samples, sampleRate, peak, rms, dc } = measure({ samples: tone(0.5, 0.1), sampleRate: 8000 });
  expect({ samples, sampleRate }).toEqual({ samples: 8000, sampleRate: 8000 });
  expect(peak).toBeCloseTo(0.6, 3);
  expect(dc).toBeCloseTo(0.1, 3);
  expect(rms).toBeCloseTo(Math.hypot(0.1, 0.5 / Math.SQRT2), 3);
});

it.each([
  ['whole', tone(0.9), 0],
  ['cut off at full scale', tone(2), 5333],
  ['cut off and made quieter', tone(2).map((s) => s / 2), 5333],
  ['cut off at the top only', tone(2).map((s) => Math.max(s, -0.9)), 5333],
  ['quiet, of few bits', tone(0.05).map((s) => Math.round(s * 20) / 20), 0],
  ['silent', new Float32Array(8000), 0],
])('counts the samples that are cut off: %s', (_, samples, expected) => {
  // 2 sin φ exceeds ±1 for 2/3 of each period.
  expect(Math.abs(measure({ samples, sampleRate: 8000 }).clipped - expected)).toBeLessThan(0.03 * 8000);
  if (expected === 0) expect(measure({ samples, sampleRate: 8000 }).clipped).toBe(0);
});
