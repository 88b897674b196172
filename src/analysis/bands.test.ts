// Frequency bands: readable edges, every row in one band, no band without a row.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { binFrequencies } from '../features/input.ts';
import { defaultFeatures } from '../features/settings.ts';
import { bandEdges, frequencyBands } from './bands.ts';

const edgesOf = (settings: Parameters<typeof frequencyBands>[0]) => bandEdges(frequencyBands(settings));

it('at common sample rates', () => {
  const speech = [0, 300, 600, 900, 1300, 1800, 2400, 3000];
  expect(edgesOf(defaultFeatures('logmel', 8000, 1))).toEqual([...speech, 4000]);
  expect(edgesOf(defaultFeatures('logmel', 16000, 1))).toEqual([...speech, 4000, 8000]);
  expect(edgesOf(defaultFeatures('logmel', 44100, 1))).toEqual([...speech, 4000, 8000, 16000, 22050]);
});

it('MFCCs and waveforms: of the spectrum that their relevance is carried to', () => {
  const speech = [0, 300, 600, 900, 1300, 1800, 2400, 3000, 4000, 8000];
  // Bins of both are 31.25 Hz apart, from 0 to half the sample rate.
  for (const kind of ['mfcc', 'waveform'] as const) {
    const bands = frequencyBands(defaultFeatures(kind, 16000, 1));
    expect(bandEdges(bands)).toEqual(speech);
    expect(bands[1]).toMatchObject({ firstRow: 10, rows: 10 });
    expect(bands.at(-1)!.firstRow + bands.at(-1)!.rows).toBe(257);
  }
});

it('a model that hears a part of the frequencies, and one with few rows', () => {
  const settings = defaultFeatures('logmel', 8000, 1);
  expect(edgesOf({ ...settings, fmin: 500, fmax: 2000 })).toEqual([500, 600, 900, 1300, 1800, 2000]);
  // HTK rows for 0 to 4000 Hz are centred at 459, 1219 and 2478 Hz.
  const three = frequencyBands({ ...settings, nMels: 3, htk: true });
  expect(three).toEqual([
    { low: 0, high: 600, firstRow: 0, rows: 1 },
    { low: 600, high: 1300, firstRow: 1, rows: 1 },
    { low: 1300, high: 4000, firstRow: 2, rows: 1 },
  ]);
  expect(edgesOf({ ...settings, nMels: 1 })).toEqual([0, 4000]);
});

it('property: each row lies in its band and in no other', () => {
  fc.assert(
    fc.property(
      fc.record({
        sampleRate: fc.constantFrom(8000, 11025, 16000, 44100, 96000),
        nMels: fc.integer({ min: 1, max: 128 }),
        fmin: fc.integer({ min: 0, max: 1000 }),
        width: fc.integer({ min: 1, max: 2900 }),
        htk: fc.boolean(),
      }),
      ({ sampleRate, width, ...rest }) => {
        const settings = { ...defaultFeatures('logmel', sampleRate, 1), ...rest, fmax: rest.fmin + width };
        const centres = binFrequencies(settings)!;
        let next = 0;
        for (const { low, high, firstRow, rows } of frequencyBands(settings)) {
          expect(firstRow).toBe(next);
          expect(rows).toBeGreaterThan(0);
          next += rows;
          for (const hz of centres.subarray(firstRow, next)) expect(hz >= low && hz < high).toBe(true);
        }
        expect(next).toBe(centres.length);
      },
    ),
  );
});
