// Property: what is heard is the clip where relevance lies, silence where none does, equally loud, without clicks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { modelInput } from '../features/input.ts';
import { zeros } from '../features/matrix.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { type Listening, listen, masked, type SoundName } from './listen.ts';
import { gatedLevel } from './loudness.ts';
import { type Spectrum, spectrumOf } from './spectrum.ts';

const sampleRate = 8000;
/** 1 s: a tone of 500 Hz in the first half, one of 2 kHz in the second, each under a Hann window, in soft noise. */
const samples = Float32Array.from({ length: 8000 }, (_, n) => {
  const tone = Math.sin(2 * Math.PI * (n < 4000 ? 500 : 2000) * (n / sampleRate));
  return 0.5 * tone * Math.sin((Math.PI * n) / 4000) ** 2 + 0.01 * Math.sin(1 + 12.9898 * n * n);
});
const settings = parseFeatureSettings({
  kind: 'logmel',
  sampleRate,
  clipSamples: 8000,
  nFft: 256,
  hopLength: 80,
  nMels: 24,
});

function snr(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const energy = (values: readonly number[]) => values.reduce((a, v) => a + v * v, 0);
  const of = Array.from(x);
  return 10 * Math.log10(energy(of) / (energy(of.map((v, n) => v - y[n])) || 1e-300));
}
const sound = (listening: Listening, wanted: SoundName) => {
  const found = listening.sounds.find(({ name }) => name === wanted);
  if (!found) throw new Error(`no sound ${wanted}`);
  return found;
};
const jump = (x: Float32Array) =>
  x.reduce((most, v, n) => Math.max(most, Math.abs(v - (n > 0 ? x[n - 1] : 0))), Math.abs(x[x.length - 1]));

/** Relevance of single cells by a function of Hz and s, proportional to power, as a log-mel model's is. */
function planted(of: (hz: number, s: number) => number, s: FeatureSettings = settings): Spectrum {
  const input = modelInput(samples, s);
  const nothing = { rows: input.rows, columns: input.columns, data: new Float32Array(input.data.length) };
  const spectrum = spectrumOf({ samples, input, relevance: nothing }, s);
  const { frequencies, times, magnitude } = spectrum;
  const data = magnitude.data.map(
    (v, i) => v * of(frequencies[Math.floor(i / times.length)], times[i % times.length]),
  );
  return { ...spectrum, relevance: { ...magnitude, data } };
}
const heard = { samples, relevance: { rows: 24, columns: 101, data: new Float32Array(24 * 101) } };

it('a mask of ones returns the clip, by the windows of any model', () => {
  const foreign = fc.record({
    nFft: fc.integer({ min: 1, max: 700 }),
    hopLength: fc.integer({ min: 1, max: 3000 }),
    part: fc.double({ min: 0.1, max: 1, noNaN: true }),
    frames: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(foreign, ({ nFft, hopLength, part, frames }) => {
      const rows = 1 + (nFft >> 1);
      const mask = { rows, columns: frames, data: new Float64Array(rows * frames).fill(1) };
      const frequencies = Float64Array.from({ length: rows }, (_, k) => (k * sampleRate) / nFft);
      const times = Float64Array.from({ length: frames }, (_, t) => (t * hopLength) / sampleRate);
      const winLength = Math.max(1, Math.floor(part * nFft));
      const x = samples.subarray(0, 2000);
      const back = masked(x, mask, { frequencies, times }, { kind: 'logmel', sampleRate, winLength });
      expect(snr(x, back)).toBeGreaterThan(60);
    }),
    { numRuns: 40 },
  );
});

it('both masks together leave what the amount of relevance leaves', () => {
  const spectrum = planted((hz, s) => Math.cos(hz / 300) * Math.sin(9 * s));
  const sharpness = 0.7;
  const got = listen(heard, spectrum, settings, { sharpness });
  const raw = (name: SoundName) => {
    const { samples: x, gain } = sound(got, name);
    return x.map((v) => v / 10 ** ((gain ?? 0) / 20));
  };
  const [pro, con] = [raw('for'), raw('against')];
  // The twin: |R̃| from the nine neighbours of each cell, as one mask.
  const { rows, columns, data } = spectrum.relevance;
  const clamp = (i: number, n: number) => Math.max(0, Math.min(n - 1, i));
  const amount = data.map((_, i) => {
    const [k, t] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (const [dk, wk] of [
      [-1, 1],
      [0, 2],
      [1, 1],
    ]) {
      for (const [dt, wt] of [
        [-1, 1],
        [0, 2],
        [1, 1],
      ]) {
        sum += (wk * wt * data[clamp(k + dk, rows) * columns + clamp(t + dt, columns)]) / 16;
      }
    }
    return Math.abs(sum);
  });
  const most = Math.max(...amount);
  const both = masked(
    samples,
    { rows, columns, data: amount.map((r) => (r / most) ** sharpness) },
    spectrum,
    settings,
  );
  const inside = (x: ArrayLike<number>) => Array.from(x).slice(40, -40); // between the fades
  expect(snr(inside(both), inside(pro.map((v, n) => v + con[n])))).toBeGreaterThan(100);
});

describe('a model that hears the first tone for, the second against', () => {
  const spectrum = planted((hz, s) => (s < 0.5 && hz < 1000 ? 1 : s > 0.5 && hz > 1500 ? -0.5 : 0));
  const got = listen(heard, spectrum, settings);
  const energy = (x: Float32Array, from: number, to: number) =>
    x.subarray(from, to).reduce((a, v) => a + v * v, 0);

  it('each tone is in its sound only; where no relevance lies is digital silence', () => {
    const [pro, con] = [sound(got, 'for').samples, sound(got, 'against').samples];
    // Half a window, a frame and a sample of the smoothing beyond the last frame with relevance.
    const reach = 128 + 3 * 80;
    expect(energy(pro, 4000 + reach, 8000)).toBe(0);
    expect(energy(con, 0, 4000 - reach)).toBe(0);
    expect(energy(pro, 0, 4000)).toBeGreaterThan(1);
    expect(energy(con, 4000, 8000)).toBeGreaterThan(1);
  });

  it('is equally loud, does not clip, and begins and ends at 0', () => {
    const levels = got.sounds.map(({ samples: x }) => gatedLevel(Float64Array.from(x), sampleRate));
    for (const level of levels) expect(level / levels[0]).toBeCloseTo(1, 5);
    for (const { samples: x } of got.sounds) {
      expect(x.length).toBe(samples.length);
      expect(x.every((v) => Math.abs(v) <= 1)).toBe(true);
      expect([x[0], x[x.length - 1]].map(Math.abs)).toEqual([0, 0]);
    }
  });

  it('does not jump more than the clip does at its loudness', () => {
    const whole = jump(sound(got, 'whole').samples);
    for (const { samples: x } of got.sounds) expect(jump(x)).toBeLessThan(2 * whole);
  });

  it('tells the shares', () => {
    const { data } = spectrum.relevance;
    const pro = data.reduce((a, r) => a + Math.max(r, 0), 0);
    const con = data.reduce((a, r) => a + Math.max(-r, 0), 0);
    expect(got.shares.for).toBeCloseTo(pro / (pro + con), 12);
    expect(got.shares.for + got.shares.against).toBeCloseTo(1, 12);
  });
});

it('the whole is the clip, amplified, between its fades', () => {
  const { samples: x, gain } = sound(
    listen(
      heard,
      planted(() => 1),
      settings,
    ),
    'whole',
  );
  const factor = 10 ** ((gain ?? 0) / 20);
  const inside = (values: Float32Array) => values.subarray(40, -40);
  expect(
    snr(
      inside(samples),
      inside(x).map((v) => v / factor),
    ),
  ).toBeGreaterThan(60);
});

it('leaves less the sharper it is', () => {
  const spectrum = planted(() => 1);
  const soft = (sharpness: number) => {
    const x = sound(listen(heard, spectrum, settings, { sharpness }), 'for').samples;
    return x.reduce((a, v) => a + Math.abs(v), 0) / x.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  };
  expect(soft(0.1)).toBeGreaterThan(soft(0.5));
  expect(soft(0.5)).toBeGreaterThan(soft(2));
});

it('no relevance is silence, and so is a silent clip', () => {
  const got = listen(
    heard,
    planted(() => 0),
    settings,
  );
  expect(sound(got, 'for').samples.every((v) => v === 0)).toBe(true);
  expect(sound(got, 'against').gain).toBeNull();
  expect(got.shares).toEqual({ for: 0, against: 0 });
  expect(sound(got, 'whole').gain).not.toBeNull();
  const silent = listen(
    { ...heard, samples: new Float32Array(8000) },
    planted(() => 1),
    settings,
  );
  expect(silent.sounds.every(({ samples: x, gain }) => gain === null && x.every((v) => v === 0))).toBe(true);
});

it('what is next to nothing is not blown up to full loudness', () => {
  const got = listen(
    heard,
    planted((_, s) => (s < 0.5 ? 1 : -1e-9)),
    settings,
    { sharpness: 1 },
  );
  const [pro, con] = [sound(got, 'for'), sound(got, 'against')];
  expect((con.gain ?? 0) - (sound(got, 'whole').gain ?? 0)).toBeLessThan(40.01);
  expect(jump(con.samples)).toBeLessThan(1e-5 * jump(pro.samples));
});

it('of a waveform, the samples are heard by their relevance, too, smoothly and silent where it is not positive', () => {
  const ofSamples = parseFeatureSettings({ kind: 'waveform', sampleRate, clipSamples: 8000 });
  const data = samples.map((v, n) => (n > 1000 && n < 3000 ? v * v : n > 5000 && n < 7000 ? -v * v : 0));
  const R = { rows: 1, columns: 8000, data };
  const clip = { samples, input: { data: samples }, relevance: R };
  const got = listen(clip, spectrumOf(clip, ofSamples), ofSamples);
  expect(got.sounds.map(({ name }) => name)).toEqual(['for', 'against', 'whole', 'weighted']);
  const { samples: x } = sound(got, 'weighted');
  for (const [n, v] of x.entries()) if (n < 980 || n > 3020) expect(Math.abs(v)).toBe(0);
  expect(gatedLevel(Float64Array.from(x), sampleRate)).toBeCloseTo(
    gatedLevel(Float64Array.from(sound(got, 'whole').samples), sampleRate),
    5,
  );
  expect(jump(x)).toBeLessThan(2 * jump(sound(got, 'whole').samples));
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a sharpness of %d', (sharpness) => {
  expect(() =>
    listen(
      heard,
      planted(() => 1),
      settings,
      { sharpness },
    ),
  ).toThrow(FeatureError);
});

it('a single frame and a single bin are heard', () => {
  const tiny = { ...planted(() => 1), relevance: zeros(1, 1) };
  const one = { ...tiny, frequencies: Float64Array.of(0), times: Float64Array.of(0) };
  one.relevance.data[0] = 1;
  const { samples: x } = sound(listen(heard, one, { ...settings, winLength: 1 }), 'for');
  expect(snr(sound(listen(heard, one, { ...settings, winLength: 1 }), 'whole').samples, x)).toBeGreaterThan(
    60,
  );
});
