// Resampling: length, phase, pass band, alias rejection, both ends, and long recordings.
import { describe, expect, it } from 'vitest';
import { resample } from './resample.ts';

const sine = (hz: number, sampleRate: number, seconds: number) => ({
  samples: Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / sampleRate + 0.3),
  ),
  sampleRate,
});
/** Largest difference to the sine itself, away from the ends by the sinc's half length. */
const worst = (samples: Float32Array, hz: number, sampleRate: number, edge: number) =>
  samples
    .slice(edge, -edge)
    .reduce(
      (w, s, i) => Math.max(w, Math.abs(s - Math.sin((2 * Math.PI * hz * (i + edge)) / sampleRate + 0.3))),
      0,
    );
/** Mean power away from the ends; that of a sine of amplitude 1 is ½. */
const power = (samples: Float32Array, edge: number) =>
  samples.slice(edge, -edge).reduce((sum, s) => sum + s * s, 0) / (samples.length - 2 * edge);
const decibel = (ratio: number) => 10 * Math.log10(ratio);

const down: [number, number][] = [
  [48000, 8000],
  [44100, 8000],
  [22050, 16000],
  [384000, 48000],
];
const up: [number, number][] = [
  [8000, 16000],
  [16000, 22050],
];

describe.each([...down, ...up])('%i Hz to %i Hz', (from, to) => {
  const low = Math.min(from, to);
  const edge = Math.ceil((160 * to) / low);

  it('gives ⌈n · to / from⌉ samples, in phase, to 1e-6', async () => {
    const hz = 0.11 * low;
    const { samples, sampleRate } = await resample(sine(hz, from, 0.3), to);
    expect([samples.length, sampleRate]).toEqual([Math.ceil((Math.round(0.3 * from) * to) / from), to]);
    expect(worst(samples, hz, to, edge)).toBeLessThan(1e-6);
  });

  it('passes 90 % of the band within 0.001 dB', async () => {
    for (const share of [0.02, 0.5, 0.9]) {
      const hz = (share * low) / 2;
      const { samples } = await resample(sine(hz, from, 0.3), to);
      expect(worst(samples, hz, to, edge), `${share}`).toBeLessThan(10 ** (0.001 / 20) - 1);
    }
  });
});

// libsamplerate states a signal-to-noise ratio of 145 dB. It is a ratio of powers: what is left of a tone above the band
// is no tone but float32's rounding of the input and of the filter (alias below -154 dB), whose peaks lie 10 dB higher.
it.each(down)('%i Hz to %i Hz rejects what would alias by 145 dB', async (from, to) => {
  for (const share of [1.02, 1.3, from / to - 0.05]) {
    const { samples } = await resample(sine((share * to) / 2, from, 0.3), to);
    expect(decibel(power(samples, 160) / 0.5), `${share} of the band`).toBeLessThan(-145);
  }
});

describe('medium quality', () => {
  it.each([...down, ...up])('%i Hz to %i Hz passes 85 %% of the band within 0.01 dB', async (from, to) => {
    const low = Math.min(from, to);
    const edge = Math.ceil((160 * to) / low);
    for (const share of [0.02, 0.5, 0.85]) {
      const hz = (share * low) / 2;
      const { samples } = await resample(sine(hz, from, 0.3), to, 'medium');
      expect(worst(samples, hz, to, edge), `${share}`).toBeLessThan(10 ** (0.01 / 20) - 1);
    }
  });

  it.each(down)('%i Hz to %i Hz rejects what would alias by 120 dB', async (from, to) => {
    for (const share of [1.02, 1.3, from / to - 0.05]) {
      const { samples } = await resample(sine((share * to) / 2, from, 0.3), to, 'medium');
      expect(decibel(power(samples, 160) / 0.5), `${share} of the band`).toBeLessThan(-120);
    }
  });
});

it('keeps the very last samples, where the filter reaches beyond the recording', async () => {
  const samples = new Float32Array(1000).fill(1);
  const { samples: twice } = await resample({ samples, sampleRate: 8000 }, 16000);
  expect(twice.length).toBe(2000);
  for (const i of [0, 1998]) expect(twice[i]).toBeGreaterThan(0.4);
  expect(twice[1000]).toBeCloseTo(1, 6);
});

it('short recordings', async () => {
  for (const n of [1, 2, 7]) {
    const audio = { samples: new Float32Array(n).fill(0.5), sampleRate: 48000 };
    expect((await resample(audio, 8000)).samples.length).toBe(Math.ceil(n / 6));
  }
});

it('long recordings go through in blocks without a seam', async () => {
  const long = sine(440, 48000, 25);
  const { samples } = await resample(long, 16000);
  expect(samples.length).toBe(25 * 16000);
  expect(worst(samples, 440, 16000, 160)).toBeLessThan(1e-6);
});

it('recordings one after the other do not touch each other', async () => {
  const first = await resample(sine(440, 22050, 0.1), 8000);
  await resample(sine(100, 22050, 0.2), 8000);
  expect(await resample(sine(440, 22050, 0.1), 8000)).toEqual(first);
});

it('equal rates give the recording itself', async () => {
  const audio = sine(440, 8000, 0.01);
  expect(await resample(audio, 8000)).toBe(audio);
});

it.each([0, -1, 0.5, Number.NaN, 8000 * 257])('refuses %s Hz', async (rate) => {
  await expect(resample(sine(440, 8000, 0.01), rate)).rejects.toThrow(/cannot resample from 8000 Hz/);
});
