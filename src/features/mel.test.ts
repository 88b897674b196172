// Mel scale and filters, decibels, cosine transforms, MFCCs: properties and oracles. (Golden: test/golden.)
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { type DctType, dct, dctMatrix } from './dct.ts';
import { amplitudeToDb, powerToDb } from './decibel.ts';
import { type Matrix, mapMatrix, multiply } from './matrix.ts';
import { hzToMel, type MelNorm, melFilters, melFrequencies, melspectrogram, melToHz } from './mel.ts';
import { mfcc } from './mfcc.ts';
import { spectrogram } from './stft.ts';

const row = (m: Matrix, r: number) => m.data.subarray(r * m.columns, (r + 1) * m.columns);
const column = (...values: number[]): Matrix => ({
  rows: values.length,
  columns: 1,
  data: Float64Array.from(values),
});
const y = Float64Array.from({ length: 3000 }, (_, n) => Math.sin(0.05 * n + 4e-4 * n * n));

describe('mel scale', () => {
  it('property: Hz to mel and back, both scales', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 24000, noNaN: true }), fc.boolean(), (hz, htk) => {
        expect(melToHz(hzToMel(hz, htk), htk)).toBeCloseTo(hz, 6);
      }),
    );
  });

  it('golden: 1000 Hz is 15 mel (Slaney), about 1000 mel (HTK)', () => {
    expect(hzToMel(1000)).toBeCloseTo(15, 12);
    expect(hzToMel(1000, true)).toBeCloseTo(999.9855, 3);
    expect(hzToMel(6400)).toBeCloseTo(42, 12);
  });

  it('frequencies run from fmin to fmax', () => {
    const hz = melFrequencies(10, { fmin: 50, fmax: 4000 });
    expect([hz[0], hz[9]]).toEqual([expect.closeTo(50, 9), expect.closeTo(4000, 9)]);
    expect([...hz]).toEqual([...hz].sort((a, b) => a - b));
    expect([...melFrequencies(1, { fmin: 100 })]).toEqual([expect.closeTo(100, 9)]);
  });
});

describe('mel filters', () => {
  it.each<[MelNorm, (filter: Float64Array) => number]>([
    [1, (f) => f.reduce((a, b) => a + b, 0)],
    [2, (f) => Math.hypot(...f)],
    [Number.POSITIVE_INFINITY, (f) => Math.max(...f)],
  ])('property: the %s-norm of each is 1', (norm, size) => {
    const filters = melFilters(8000, 512, { nMels: 30, norm });
    for (let m = 0; m < 30; m++) expect(size(row(filters, m))).toBeCloseTo(1, 12);
  });

  it('Slaney: each has an area of about 1 Hz · (1/Hz)', () => {
    const filters = melFilters(8000, 8192, { nMels: 20 });
    for (let m = 0; m < 20; m++) {
      expect(row(filters, m).reduce((a, b) => a + b, 0) * (8000 / 8192)).toBeCloseTo(1, 2);
    }
  });

  it('a spectrogram gives what its signal gives', () => {
    const options = { sampleRate: 8000, nFft: 512, hopLength: 128, nMels: 20 };
    const S = spectrogram(y, { nFft: 512, hopLength: 128, power: 2 });
    expect(melspectrogram(S, options)).toEqual(melspectrogram(y, options));
    expect(melspectrogram(S, { ...options, nFft: undefined })).toEqual(melspectrogram(y, options));
  });

  it.each([
    [{ nMels: 0 }, /n_mels/],
    [{ fmin: -1 }, /mel range/],
    [{ fmin: 4000 }, /mel range: expected 0 ≤ fmin < fmax, got 4000 to 4000 Hz/],
    [{ norm: -2 }, /mel norm/],
  ])('refuses %o', (options, message) => {
    expect(() => melFilters(8000, 512, options)).toThrow(message);
    expect(() => melFilters(8000, 512, options)).toThrow(FeatureError);
  });
});

describe('decibels', () => {
  const S = column(1, 100, 1e-3, 0);

  it('levels, reference, floor', () => {
    const levels = (options: Parameters<typeof powerToDb>[1]) =>
      [...powerToDb(S, options).data].map((v) => +v.toFixed(9));
    expect(levels({})).toEqual([0, 20, -30, -60]);
    expect(levels({ topDb: null })).toEqual([0, 20, -30, -100]);
    expect(levels({ ref: 'max', topDb: 30 })).toEqual([-20, 0, -30, -30]);
    expect(levels({ ref: -100, amin: 1e-2, topDb: null })).toEqual([-20, 0, -40, -40]);
  });

  it('amplitudes are the roots of powers', () => {
    const amplitude = mapMatrix(S, Math.sqrt);
    expect(amplitudeToDb(amplitude).data.map(Math.fround)).toEqual(powerToDb(S).data.map(Math.fround));
  });

  it('refuses amin 0 and a negative top_db', () => {
    expect(() => powerToDb(S, { amin: 0 })).toThrow(/amin: expected a number more than 0/);
    expect(() => powerToDb(S, { topDb: -1 })).toThrow(/top_db: expected at least 0, or none, got -1/);
  });
});

describe('cosine transform', () => {
  const product = (a: DctType, b: DctType, N: number) =>
    multiply(dctMatrix(N, { type: a, norm: 'ortho' }), dctMatrix(N, { type: b, norm: 'ortho' }));

  it.each([
    [1, 1],
    [2, 3],
    [3, 2],
  ] as [DctType, DctType][])('property: orthonormal types %i and %i are inverses', (a, b) => {
    for (const N of [2, 3, 8, 40]) {
      const I = product(a, b, N).data;
      for (const [i, v] of I.entries()) expect(v).toBeCloseTo(i % (N + 1) === 0 ? 1 : 0, 12);
    }
  });

  it('golden: scipy.fft.dct([1, 2, 4], type) for each type and norm', () => {
    const x = column(1, 2, 4);
    const close = (values: number[]) => values.map((v) => expect.closeTo(v, 12));
    expect([...dct(x, { type: 1 }).data]).toEqual(close([9, -3, 1]));
    expect([...dct(x, { type: 2 }).data]).toEqual(close([14, -3 * Math.sqrt(3), 1]));
    expect([...dct(x, { type: 3 }).data]).toEqual(close([5 + 2 * Math.sqrt(3), -7, 5 - 2 * Math.sqrt(3)]));
    expect([...dct(x, { type: 2, norm: 'forward' }).data]).toEqual(close([14 / 6, -Math.sqrt(3) / 2, 1 / 6]));
    expect([...dct(x, { type: 2, norm: 'backward', count: 1 }).data]).toEqual(close([14]));
  });

  it('refuses other types and norms', () => {
    expect(() => dctMatrix(8, { type: 4 as DctType })).toThrow(/dct_type: expected 1, 2 or 3, got 4/);
    expect(() => dctMatrix(1, { type: 1 })).toThrow(/at least 2 values/);
    expect(() => dctMatrix(8, { norm: 'slaney' as 'ortho' })).toThrow(/DCT norm: expected ortho/);
  });
});

describe('MFCC', () => {
  it('never has more rows than there are mel bands', () => {
    expect(mfcc(y, { sampleRate: 8000, nMels: 12, nMfcc: 20 }).rows).toBe(12);
    expect(() => mfcc(y, { nMels: 12, nMfcc: 20, lifter: 22 })).toThrow(/at most n_mels = 12, got 20/);
  });

  it('a log-power mel spectrogram gives what its signal gives', () => {
    const S = powerToDb(melspectrogram(y, { sampleRate: 8000 }));
    expect(mfcc(S, { nMfcc: 13, lifter: 22 })).toEqual(mfcc(y, { sampleRate: 8000, nMfcc: 13, lifter: 22 }));
  });

  it('refuses a negative lifter and no coefficients', () => {
    expect(() => mfcc(y, { lifter: -1 })).toThrow(/lifter: expected a number that is not negative, got -1/);
    expect(() => mfcc(y, { nMfcc: 0 })).toThrow(/n_mfcc: expected a positive integer/);
  });
});
