// The range of inputs: as the settings bound it, and never exceeded by what a recording gives.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelInput } from './input.ts';
import { inputRange } from './range.ts';
import { defaultFeatures, parseFeatureSettings } from './settings.ts';

const base = { sampleRate: 8000, clipSamples: 800, nFft: 128, hopLength: 64, nMels: 12, nMfcc: 5 };

describe('is', () => {
  it.each<[string, object, { low: number; high: number } | undefined]>([
    ['of levels', { kind: 'logmel' }, { low: 0, high: 1 }],
    ['of a level spectrogram', { kind: 'spectrogram' }, { low: 0, high: 1 }],
    ['of a waveform', { kind: 'waveform' }, { low: -1, high: 1 }],
    [
      'of a waveform of peak 1',
      { kind: 'waveform', normalize: 'peak', mean: 0.5, std: 0.25 },
      { low: -6, high: 2 },
    ],
    ['of one of rms 1', { kind: 'waveform', normalize: 'rms' }, undefined],
    [
      'of dB re max',
      { kind: 'logmel', scaling: 'power_to_db', ref: 'max', topDb: 60 },
      { low: -60, high: 0 },
    ],
    ['of dB re 1', { kind: 'logmel', scaling: 'power_to_db' }, undefined],
    ['of dB without a limit', { kind: 'logmel', scaling: 'power_to_db', ref: 'max', topDb: null }, undefined],
    ['of logarithms', { kind: 'logmel', scaling: 'log' }, undefined],
    ['of power', { kind: 'spectrogram', scaling: 'none' }, undefined],
    // 800 samples every 64: 13 frames.
    [
      'of bins standardized over the clip',
      { kind: 'logmel', scaling: 'log', standardize: 'bins' },
      { low: -Math.sqrt(12), high: Math.sqrt(12) },
    ],
    [
      'of logarithms re max',
      { kind: 'logmel', scaling: 'log', ref: 'max', offset: 1e-3 },
      { low: Math.log(1e-3), high: Math.log(1.001) },
    ],
    // 40 bands.
    [
      'of bins less their means, standardized together',
      { kind: 'logmel', nMels: 40, standardize: 'bin-means' },
      { low: -Math.sqrt(519), high: Math.sqrt(519) },
    ],
    ['of standardized rows', { kind: 'logmel', nMels: 2, mean: [0, 1], std: [1, 0.5] }, { low: -2, high: 1 }],
  ])('%s', (_, settings, range) => {
    expect(inputRange(parseFeatureSettings({ ...base, ...settings }))).toEqual(range);
  });

  it('of MFCCs the sums of what the cosines take away and add', () => {
    // Orthonormal DCT-II of N = 2: rows (1, 1)/√2 and (1, −1)/√2.
    const settings = parseFeatureSettings({ ...base, kind: 'mfcc', nMels: 2, nMfcc: 2 });
    const { low, high } = inputRange(settings)!;
    expect(low).toBeCloseTo(-Math.SQRT1_2, 12);
    expect(high).toBeCloseTo(Math.SQRT2, 12);
    const decibels = inputRange({ ...settings, scaling: 'power_to_db', ref: 'max' })!;
    expect(decibels.low).toBeCloseTo(-80 * Math.SQRT2, 10);
    expect(decibels.high).toBeCloseTo(80 * Math.SQRT1_2, 10);
  });
});

it('property: no input lies outside', () => {
  const all = [
    defaultFeatures('logmel', 8000, 0.1),
    defaultFeatures('mfcc', 8000, 0.1),
    parseFeatureSettings({ ...base, kind: 'waveform', normalize: 'peak', mean: 0.1, std: 0.3 }),
    parseFeatureSettings({ ...base, kind: 'mfcc', scaling: 'power_to_db', ref: 'max', topDb: 30, lifter: 3 }),
    parseFeatureSettings({ ...base, kind: 'spectrogram', scaling: 'power_to_db', ref: 'max' }),
    parseFeatureSettings({ ...base, kind: 'logmel', standardize: 'bins' }),
    parseFeatureSettings({ ...base, kind: 'logmel', scaling: 'log', ref: 'max' }),
    parseFeatureSettings({ ...base, kind: 'mfcc', scaling: 'log', standardize: 'bin-means' }),
  ];
  const recordings = fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 900 });
  fc.assert(
    fc.property(recordings, fc.constantFrom(...all), (samples, settings) => {
      const { low, high } = inputRange(settings)!;
      const slack = 1e-9 * (high - low);
      for (const v of modelInput(Float32Array.from(samples), settings).data) {
        expect(v).toBeGreaterThanOrEqual(low - slack);
        expect(v).toBeLessThanOrEqual(high + slack);
      }
    }),
    { numRuns: 60 },
  );
});
