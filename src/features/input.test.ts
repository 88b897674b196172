// A model's input: fitting clips, scaling, silence, and where a recording lies in its clip.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { fitClip } from './clip.ts';
import { powerToDb } from './decibel.ts';
import {
  binFrequencies,
  frameTimes,
  inputFromMelPower,
  inputShape,
  melPower,
  modelInput,
  paddedFrames,
} from './input.ts';
import { largest, mapMatrix } from './matrix.ts';
import { melFilters, melspectrogram } from './mel.ts';
import { mfcc } from './mfcc.ts';
import { defaultFeatures, hasEmptyFilter, parseFeatureSettings, relevantSettings } from './settings.ts';
import { spectrogram } from './stft.ts';

const logmel = defaultFeatures('logmel', 8000, 0.5);
const cepstra = defaultFeatures('mfcc', 8000, 0.5);
const tone = (length: number, gain = 1) =>
  Float32Array.from({ length }, (_, n) => gain * Math.sin(0.1 * n + 1e-4 * n * n) * Math.exp(-n / 2000));
const recordings = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map((x) => Float32Array.from(x));

describe('fitting a clip', () => {
  it('property: a shorter recording is whole and in the middle', () => {
    fc.assert(
      fc.property(recordings, fc.nat(40), (x, spare) => {
        const fit = fitClip(x, x.length + spare);
        expect(fit).toMatchObject({ cut: false, start: fit.padBefore });
        expect(fit.samples.subarray(fit.start, fit.start + x.length)).toEqual(x);
        expect(fit.padBefore + x.length + fit.padAfter).toBe(fit.samples.length);
        expect(Math.abs(fit.padAfter - fit.padBefore)).toBeLessThanOrEqual(1);
        const energy = (s: Float32Array) => s.reduce((sum, v) => sum + v * v, 0);
        expect(energy(fit.samples)).toBe(energy(x));
      }),
    );
  });

  it('oracle: of a longer recording, no window is louder', () => {
    fc.assert(
      fc.property(recordings, fc.integer({ min: 1, max: 59 }), (x, length) => {
        fc.pre(length < x.length);
        const fit = fitClip(x, length);
        const energy = (s: Float32Array) => s.reduce((sum, v) => sum + v * v, 0);
        expect(fit).toMatchObject({ cut: true, padBefore: 0, padAfter: 0 });
        expect(fit.samples).toEqual(x.slice(-fit.start, length - fit.start));
        for (let i = 0; i + length <= x.length; i++) {
          expect(energy(x.subarray(i, i + length))).toBeLessThanOrEqual(energy(fit.samples) + 1e-12);
        }
      }),
    );
  });

  it('aligned at the start: zeros after a short one, the beginning of a long one', () => {
    const x = Float32Array.of(1, 2, 3);
    const short = {
      samples: Float32Array.of(1, 2, 3, 0, 0),
      start: 0,
      padBefore: 0,
      padAfter: 2,
      cut: false,
    };
    expect(fitClip(x, 5, 'start')).toEqual(short);
    expect(fitClip(x, 2, 'start')).toEqual({
      ...short,
      samples: Float32Array.of(1, 2),
      padAfter: 0,
      cut: true,
    });
  });

  it('silence is cut from the start', () => {
    expect(fitClip(new Float32Array(9), 4)).toEqual({
      samples: new Float32Array(4),
      start: 0,
      padBefore: 0,
      padAfter: 0,
      cut: true,
    });
  });
});

describe('scaling', () => {
  it('log-mel is librosa with ref=max and top_db, moved from [−topDb, 0] to [0, 1]', () => {
    const samples = fitClip(tone(3000), logmel.clipSamples).samples;
    const S = melspectrogram(samples, { ...logmel, hopLength: logmel.hopLength });
    const expected = mapMatrix(powerToDb(S, { ref: 'max', amin: 1e-30 }), (dB) => 1 + dB / 80);
    const input = modelInput(tone(3000), logmel);
    for (const [i, v] of input.data.entries()) expect(v).toBeCloseTo(expected.data[i], 12);
    expect(largest(input)).toBe(1);
    expect(Math.min(...input.data)).toBe(0);
  });

  it('MFCCs are those of librosa for that log-mel', () => {
    const settings = { ...cepstra, nMfcc: 13, lifter: 22 };
    const input = modelInput(tone(3000), settings);
    const expected = mfcc(modelInput(tone(3000), { ...settings, kind: 'logmel' }), { nMfcc: 13, lifter: 22 });
    expect(input).toEqual(expected);
  });

  it('property: the level of the recording does not matter', () => {
    const input = modelInput(tone(3000), logmel).data;
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 10, noNaN: true }), (gain) => {
        const { data } = modelInput(tone(3000, gain), logmel);
        for (const [i, v] of data.entries()) expect(v).toBeCloseTo(input[i], 5);
      }),
      { numRuns: 10 },
    );
  });

  it.each([logmel, cepstra])('silence is 0 throughout', (settings) => {
    const input = modelInput(new Float32Array(100), settings);
    expect([input.rows, input.columns]).toEqual(inputShape(settings));
    expect(input.data.every((v) => v === 0)).toBe(true);
  });

  it.each([logmel, cepstra])('padding is 0 exactly, and known', (settings) => {
    const samples = tone(1500);
    const input = modelInput(samples, settings);
    const padded = paddedFrames(settings, fitClip(samples, settings.clipSamples));
    expect(padded.length).toBe(input.columns);
    expect(padded.filter(Boolean).length).toBeGreaterThan(20);
    for (let t = 0; t < input.columns; t++) {
      const frame = Array.from({ length: input.rows }, (_, k) => input.data[k * input.columns + t]);
      // A window that reaches into the recording by a few samples only can fall below the floor, too.
      if (padded[t]) expect(frame.every((v) => v === 0)).toBe(true);
    }
    expect(padded.indexOf(false)).toBe(Math.floor((1250 - 128) / 80) + 1);
    expect(padded.lastIndexOf(false)).toBe(Math.ceil((2750 + 128) / 80) - 1);
  });

  it('the mel power is kept apart from its scaling', () => {
    const power = melPower(tone(3000), logmel);
    expect(inputFromMelPower(power, logmel)).toEqual(modelInput(tone(3000), logmel));
  });
});

describe('inputs of other models', () => {
  const spectrum = parseFeatureSettings({ ...logmel, kind: 'spectrogram' });
  const wave = parseFeatureSettings({ kind: 'waveform', sampleRate: 8000, clipSamples: 4000 });

  it('a spectrogram has a row for each bin, in Hz', () => {
    expect(inputShape(spectrum)).toEqual([129, 51]);
    const hz = binFrequencies(spectrum)!;
    expect([hz[0], hz[1], hz[128]]).toEqual([0, 31.25, 4000]);
    const { data, columns } = modelInput(tone(4000), { ...spectrum, power: 1, scaling: 'none' });
    expect(data).toEqual(melPower(tone(4000), { ...spectrum, power: 1 }).data);
    const magnitude = spectrogram(tone(4000), { ...spectrum, power: 1 });
    expect([data, columns]).toEqual([magnitude.data, 51]);
  });

  it('a waveform is its fitted samples, with a time and padding for each', () => {
    const samples = tone(3000);
    const { rows, columns, data } = modelInput(samples, wave);
    expect([rows, columns]).toEqual([1, 4000]);
    expect(Float32Array.from(data)).toEqual(fitClip(samples, 4000).samples);
    expect(binFrequencies(wave)).toBeNull();
    expect(frameTimes(wave)[800]).toBe(0.1);
    const padded = paddedFrames(wave, { padBefore: 500, padAfter: 499 });
    expect([padded.indexOf(false), padded.lastIndexOf(false), padded.length]).toEqual([500, 3500, 4000]);
  });

  it.each(['peak', 'rms'] as const)('normalized by %s, silence stays silence', (normalize) => {
    const silent = modelInput(new Float32Array(100), { ...wave, normalize });
    expect(silent.data.every((v) => v === 0)).toBe(true);
    const { data } = modelInput(tone(4000, 0.01), { ...wave, normalize });
    const size =
      normalize === 'peak'
        ? largest({ rows: 1, columns: 4000, data: data.map(Math.abs) })
        : Math.hypot(...data) / Math.sqrt(4000);
    expect(size).toBeCloseTo(1, 6);
  });
});

describe('axes', () => {
  it('rows in Hz and columns in seconds', () => {
    expect(inputShape(logmel)).toEqual([48, 51]);
    expect(inputShape(cepstra)).toEqual([40, 51]);
    const hz = binFrequencies(logmel)!;
    expect([hz.length, hz[0] > 0, hz[47] < 4000]).toEqual([48, true, true]);
    expect(binFrequencies(cepstra)).toBeNull();
    expect([...frameTimes(logmel)].slice(0, 3)).toEqual([0, 0.01, 0.02]);
    const left = { ...logmel, center: false };
    expect(frameTimes(left)[0]).toBe(0.016);
    expect(frameTimes(left).length).toBe(inputShape(left)[1]);
    expect(modelInput(tone(4000), left).columns).toBe(inputShape(left)[1]);
  });

  it('a tone is loudest in the row of its frequency', () => {
    const samples = Float32Array.from({ length: 4000 }, (_, n) => Math.sin((2 * Math.PI * 1500 * n) / 8000));
    const { data, columns } = modelInput(samples, logmel);
    const levels = Array.from({ length: 48 }, (_, k) => data[k * columns + 25]);
    const hz = binFrequencies(logmel)![levels.indexOf(Math.max(...levels))];
    expect(Math.abs(hz - 1500)).toBeLessThan(60);
  });
});

describe('settings', () => {
  it.each([4000, 8000, 11025, 16000, 22050, 32000, 44100, 48000])('defaults at %i Hz', (sampleRate) => {
    const settings = defaultFeatures('logmel', sampleRate, 1);
    const { nFft, hopLength, winLength, nMels } = settings;
    expect((winLength ?? nFft) / sampleRate).toBeCloseTo(0.032, 3);
    expect(hopLength / sampleRate).toBeCloseTo(0.01, 3);
    expect(Number.isInteger(Math.log2(nFft))).toBe(true);
    expect(nMels).toBeGreaterThanOrEqual(40);
    expect(hasEmptyFilter(melFilters(sampleRate, nFft, settings))).toBe(false);
    expect(parseFeatureSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
  });

  it.each<[object, RegExp]>([
    [{ winLength: 300 }, /expected winLength at most nFft = 256, got 300/],
    [{ nFft: 4096, center: false }, /expected clips of at least nFft = 4096 samples, got 4000/],
    [{ fmax: 5000 }, /expected fmax at most half the sample rate, 4000 Hz, got 5000/],
    [{ fmin: 4000 }, /expected fmin below fmax/],
    [{ kind: 'mfcc', nMfcc: 49 }, /expected nMfcc at most nMels = 48, got 49/],
    [{ window: 'none' }, /window: unknown window/],
    [{ nMels: '48' }, /nMels: /],
    [{ hopLength: 0 }, /hopLength: /],
    [{ unknown: 1 }, /unknown/],
    [{ n_mels: 48 }, /unknown setting: expected settings among kind.*nMels.*got n_mels/],
    [{ kind: 'chroma' }, /kind: .*logmel/],
    [{ topDb: null }, /expected topDb, a number of dB, for the scaling 'level', got null/],
    [{ power: 1 }, /expected power 2 for the scaling 'level', got 1/],
    [{ mean: [1, 2] }, /expected mean to be one number, or one for each of 48 rows, got 2/],
    [{ std: 0 }, /std: /],
    [{ std: [1] }, /expected std to be one number, or one for each of 48 rows, got 1/],
    [{ layout: ['batch', 'time'] }, /layout of a logmel input: expected batch first, then bin and time/],
    [{ layout: ['batch', 'frame', 'bin'] }, /layout\.1: /],
  ])('refuses %o', (change, message) => {
    expect(() => parseFeatureSettings({ ...logmel, ...change }, 'model.onnx')).toThrow(message);
    expect(() => parseFeatureSettings({ ...logmel, ...change }, 'model.onnx')).toThrow(FeatureError);
  });

  it('what is left out has librosa’s default', () => {
    const settings = parseFeatureSettings({ kind: 'mfcc', sampleRate: 22050, clipSamples: 22050 });
    expect(settings).toMatchObject({
      nFft: 2048,
      hopLength: 512,
      nMels: 128,
      nMfcc: 20,
      norm: 'slaney',
      lifter: 0,
    });
    expect(settings).toMatchObject({
      layout: ['batch', 'channel', 'bin', 'time'],
      scaling: 'level',
      mean: 0,
      std: 1,
    });
    expect(parseFeatureSettings(settings)).toEqual(settings);
  });

  it('those that have no part in a kind are not told of', () => {
    const names = (kind: object) =>
      Object.keys(relevantSettings(parseFeatureSettings({ sampleRate: 8000, clipSamples: 8000, ...kind })));
    const ends = ['standardize', 'mean', 'std', 'layout'];
    const clip = ['kind', 'sampleRate', 'clipSamples', 'align', 'normalize'];
    expect(names({ kind: 'waveform' })).toEqual([...clip, ...ends]);
    expect(names({ kind: 'spectrogram', scaling: 'log' })).not.toContain('nMels');
    expect(names({ kind: 'logmel' })).not.toContain('nMfcc');
    expect(names({ kind: 'mfcc', scaling: 'power_to_db' })).toEqual(
      expect.arrayContaining(['nMels', 'lifter', 'ref']),
    );
  });

  it('refuses what are no settings, and rates and lengths that make no frame', () => {
    for (const value of [null, 3, 'logmel', []])
      expect(() => parseFeatureSettings(value)).toThrow(FeatureError);
    expect(() => defaultFeatures('logmel', 0, 1)).toThrow(FeatureError);
    expect(() => defaultFeatures('logmel', 8000, 0)).toThrow(FeatureError);
  });
});
