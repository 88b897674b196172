// Property: whatever a model listens to, its relevance in hertz and seconds and what was booked sum to what there was.
import { describe, expect, it } from 'vitest';
import { inputShape, modelInput } from '../features/input.ts';
import { parseFeatureSettings } from '../features/settings.ts';
import { spectrumOf } from './spectrum.ts';

const samples = Float32Array.from({ length: 4000 }, (_, n) =>
  n < 1000 ? 0 : Math.sin((2 * Math.PI * 1000 * n) / 8000) * Math.sin(n / 500) ** 2,
);
const base = { sampleRate: 8000, clipSamples: 4000, nFft: 256, hopLength: 80, nMels: 24, nMfcc: 13 };
const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);

describe.each(['waveform', 'spectrogram', 'logmel', 'mfcc'] as const)('%s', (kind) => {
  const settings = parseFeatureSettings({ kind, ...base });
  const input = modelInput(samples, settings);
  const [rows, columns] = inputShape(settings);
  const relevance = { rows, columns, data: Float32Array.from(input.data, (v, i) => v * Math.cos(i) + 1e-3) };

  it('sums to 1e-6', () => {
    const got = spectrumOf({ samples, input, relevance }, settings);
    const amount = total(relevance.data.map(Math.abs));
    for (const { from, to, bias, stabilizer, silence } of got.steps) {
      expect(Math.abs(to + bias + stabilizer + silence - from)).toBeLessThan(1e-6 * amount);
    }
    expect(got.steps[0].from).toBeCloseTo(total(relevance.data), 9);
    expect(got.steps.at(-1)?.to).toBeCloseTo(total(got.relevance.data), 9);
    expect(got.relevance.rows).toBe(got.frequencies.length);
    expect(got.relevance.columns).toBe(got.times.length);
    expect([got.magnitude.rows, got.magnitude.columns]).toEqual([got.relevance.rows, got.relevance.columns]);
    expect(got.frequencies.at(-1)).toBe(4000);
  });
});

it('takes ρ from the method where it is known, so that nothing is silence', () => {
  const settings = parseFeatureSettings({ kind: 'waveform', ...base });
  const perUnit = { data: Float32Array.from(samples, (_, n) => Math.cos(n)) };
  const relevance = { rows: 1, columns: 4000, data: samples.map((v, n) => v * perUnit.data[n]) };
  const known = spectrumOf({ samples, input: { data: samples }, relevance, perUnit }, settings);
  expect(known.steps[0].silence).toBe(0);
  expect(known.steps[0].to).toBeCloseTo(known.steps[0].from, 4);
  const divided = spectrumOf({ samples, input: { data: samples }, relevance }, settings);
  expect(divided.steps[0].to).toBeCloseTo(known.steps[0].to, 2);
});
