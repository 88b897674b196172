// Golden and property: third octaves as IEC 61260-1 names them; shares add up; relevance lands in its band.
import { expect, it } from 'vitest';
import { parseFeatureSettings } from '../features/settings.ts';
import { profileOf, thirdOctaves } from './profile.ts';
import { type Spectrum, spectrumOf } from './spectrum.ts';

const settings = parseFeatureSettings({ kind: 'waveform', sampleRate: 8000, clipSamples: 8000 });
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** A spectrum of 129 bins and 3 frames with relevance in single cells [bin, frame, R]. */
function spectrum(...cells: [bin: number, frame: number, R: number][]): Spectrum {
  const data = new Float64Array(129 * 3);
  for (const [bin, frame, R] of cells) data[bin * 3 + frame] = R;
  const relevance = { rows: 129, columns: 3, data };
  return {
    relevance,
    magnitude: relevance,
    exponent: 2,
    frequencies: Float64Array.from({ length: 129 }, (_, k) => 31.25 * k),
    times: Float64Array.of(0, 0.01, 0.02),
    steps: [],
  };
}

it('names and places third octaves', () => {
  const bands = thirdOctaves(22050, 10);
  expect(bands.map((b) => b.name).join(' ')).toBe(
    '< 45 50 63 80 100 125 160 200 250 315 400 500 630 800 1000 1250 1600 2000 2500 3150 4000 5000 6300 8000 10000 12500 16000 20000',
  );
  const kilo = bands.find((b) => b.name === '1000');
  // IEC 61260-1: 891.25 Hz to 1122.02 Hz
  expect(kilo?.low).toBeCloseTo(891.251, 3);
  expect(kilo?.high).toBeCloseTo(1122.018, 3);
  for (const [i, { low }] of bands.entries()) expect(low).toBe(i === 0 ? 0 : bands[i - 1].high);
  expect(bands.at(-1)?.high).toBe(22050);
});

it.each([
  [22050, 10.77],
  [4000, 31.25],
  [24000, 0.7],
  [100, 60],
  [4000, 4000],
])('up to %d Hz with bins of %d Hz no band but the last is narrower than a bin', (top, width) => {
  const bands = thirdOctaves(top, width);
  for (const { low, high } of bands.slice(1, -1)) expect(high - low).toBeGreaterThanOrEqual(width);
  expect([bands[0].low, bands.at(-1)?.high]).toEqual([0, top]);
});

it('puts relevance where it lies', () => {
  const profile = profileOf(spectrum([32, 0, 3], [16, 1, 1], [64, 2, -2]), settings);
  expect([profile.positive, profile.negative]).toEqual([4, 2]);
  const share = (name: string) => profile.thirdOctaves.find((b) => b.name === name);
  expect(share('1000')).toMatchObject({ positive: 0.75, negative: 0 });
  expect(share('500')).toMatchObject({ positive: 0.25, negative: 0 });
  expect(share('2000')).toMatchObject({ positive: 0, negative: 1 });
  expect(profile.named.map(({ name, positive }) => [name, positive])).toEqual([
    ['below 300 Hz', 0],
    ['F1, 300–900 Hz', 0.25],
    ['F2, 900–2500 Hz', 0.75],
    ['F3, 2.5–4 kHz', 0],
  ]);
  expect(profile.time).toEqual({
    times: [0, 0.01, 0.02],
    positive: [0.75, 0.25, 0],
    negative: [0, 0, 1],
  });
});

it('loses nothing at DC, at half the sample rate and across edges', () => {
  for (const bin of [0, 1, 5, 29, 128]) {
    const { thirdOctaves, named, mel } = profileOf(spectrum([bin, 0, 2], [bin, 1, -1]), settings);
    for (const bands of [thirdOctaves, named, mel]) {
      expect(total(bands.map((b) => b.positive))).toBeCloseTo(1, 12);
      expect(total(bands.map((b) => b.negative))).toBeCloseTo(1, 12);
    }
  }
});

it('is all 0 where nothing is relevant', () => {
  const { positive, thirdOctaves, time } = profileOf(spectrum(), settings);
  expect([positive, total(thirdOctaves.map((b) => b.positive)), total(time.negative)]).toEqual([0, 0, 0]);
});

it("shares a model's own mel bands before they are taken apart", () => {
  const logmel = parseFeatureSettings({
    kind: 'logmel',
    sampleRate: 8000,
    clipSamples: 800,
    nFft: 256,
    hopLength: 100,
    nMels: 20,
  });
  const samples = Float32Array.from({ length: 800 }, (_, n) => Math.sin(n * n));
  const relevance = { rows: 20, columns: 9, data: new Float32Array(180) };
  relevance.data.set([3, 1], 7 * 9);
  relevance.data.set([-1], 9 * 9);
  const { mel } = profileOf(spectrumOf({ samples, input: relevance, relevance }, logmel), logmel);
  expect(mel).toHaveLength(20);
  expect(mel[7]).toMatchObject({ positive: 1, negative: 0 });
  expect(mel[9]).toMatchObject({ positive: 0, negative: 1 });
});
