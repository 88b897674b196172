// Oracle and property: relevance back through the front-end against plain loops; every step's books close.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputShape, modelInput, tablesOf } from '../features/input.ts';
import { type Matrix, multiply } from '../features/matrix.ts';
import { scaled } from '../features/scaling.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { spectrogram } from '../features/stft.ts';
import { CEPSTRAL_EPSILON, throughFrontEnd } from './front-end.ts';

const base = {
  kind: 'mfcc',
  sampleRate: 8000,
  clipSamples: 2000,
  nFft: 256,
  hopLength: 100,
  nMels: 24,
  nMfcc: 13,
};
const speech = Float32Array.from({ length: 2000 }, (_, n) =>
  n < 400 ? 0 : Math.sin(n / 3) * Math.sin(n / 170) ** 2 + 0.01 * Math.sin(n * n),
);
const quiet = new Float32Array(2000);

const map = ([rows, columns]: readonly [number, number], seed: number): Matrix => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + 7 * i * i + i)),
});
const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const amount = ({ data }: Matrix) => total(data.map(Math.abs));

const settingsOf = (more: object): FeatureSettings => parseFeatureSettings({ ...base, ...more });

const cases: [name: string, more: object][] = [
  ['MFCC of levels', {}],
  ['MFCC, liftered, of decibels re 1', { scaling: 'power_to_db', lifter: 22 }],
  ['MFCC of decibels re the maximum', { scaling: 'power_to_db', ref: 'max', nMfcc: 24 }],
  ['MFCC of decibels without a limit', { scaling: 'power_to_db', topDb: null }],
  ['MFCC of logarithms, standardized', { scaling: 'log', mean: 3, std: 2 }],
  ['MFCC by the transform of type 1', { scaling: 'log', dctType: 1, dctNorm: null }],
  ['MFCC by the transform of type 3', { scaling: 'power_to_db', dctType: 3 }],
  ['log-mel levels', { kind: 'logmel' }],
  [
    'mel decibels, standardized by band',
    { kind: 'logmel', scaling: 'power_to_db', mean: new Array(24).fill(-30) },
  ],
  ['mel magnitudes', { kind: 'logmel', scaling: 'none', power: 1, norm: null }],
  ['spectrogram', { kind: 'spectrogram', scaling: 'power_to_db', power: 1 }],
];

describe.each(cases)('%s', (_, more) => {
  const settings = settingsOf(more);

  it.each([
    ['speech', speech],
    ['silence', quiet],
  ])('every step sums to 1e-6 for %s', (_, samples) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (seed) => {
        const R = map(inputShape(settings), seed);
        const { relevance, mel, steps } = throughFrontEnd(R, spectrogram(samples, settings), settings);
        expect([relevance.rows, relevance.columns]).toEqual([129, inputShape(settings)[1]]);
        expect(relevance.data.every(Number.isFinite)).toBe(true);
        expect(steps[0].from).toBe(R.data.reduce((a, b) => a + b, 0));
        const came = steps.map(({ name }) => (name === 'mel filters' ? amount(mel as Matrix) : amount(R)));
        for (const [i, s] of steps.entries()) {
          expect(Math.abs(s.to + s.bias + s.stabilizer + s.silence - s.from)).toBeLessThanOrEqual(
            1e-6 * came[i],
          );
          expect(s.from).toBe(i === 0 ? s.from : steps[i - 1].to);
        }
        expect(steps.at(-1)?.to).toBeCloseTo(total(relevance.data), 6);
      }),
      { numRuns: 5 },
    );
  });
});

/** Any front-end that there is a setting for. */
const anySettings = fc
  .record({
    kind: fc.constantFrom('mfcc', 'logmel', 'spectrogram'),
    nFft: fc.constantFrom(64, 101, 256),
    winPart: fc.double({ min: 0.3, max: 1, noNaN: true }),
    hopLength: fc.integer({ min: 20, max: 150 }),
    window: fc.constantFrom('hann', 'hamming', 'boxcar'),
    center: fc.boolean(),
    padMode: fc.constantFrom('constant', 'reflect', 'edge'),
    power: fc.constantFrom(1, 2, 1.5),
    nMels: fc.integer({ min: 2, max: 30 }),
    fmin: fc.constantFrom(0, 60),
    fmax: fc.constantFrom(null, 3000),
    htk: fc.boolean(),
    norm: fc.constantFrom('slaney', null, 1, 2),
    scaling: fc.constantFrom('level', 'power_to_db', 'log', 'none'),
    ref: fc.constantFrom(1, 1e-3, 'max'),
    topDb: fc.constantFrom(80, 20, null),
    offset: fc.constantFrom(1e-6, 1),
    dctType: fc.constantFrom(1, 2, 3),
    dctNorm: fc.constantFrom('ortho', 'forward', 'backward', null),
    lifter: fc.constantFrom(0, 22, 0.5),
    mean: fc.double({ min: -50, max: 50, noNaN: true }),
    std: fc.double({ min: 0.01, max: 100, noNaN: true }),
    byRow: fc.boolean(),
  })
  .map(({ winPart, byRow, mean, std, topDb, power, ...rest }) => {
    const level = rest.scaling === 'level';
    const nMfcc = Math.max(1, rest.nMels >> 1);
    const rows = { mfcc: nMfcc, logmel: rest.nMels, spectrogram: 1 + (rest.nFft >> 1) }[rest.kind];
    const each = (v: number) => (byRow ? Array.from({ length: rows as number }, (_, k) => v * (1 + k)) : v);
    return parseFeatureSettings({
      ...rest,
      sampleRate: 8000,
      clipSamples: 1000,
      winLength: Math.floor(winPart * rest.nFft),
      nMfcc,
      topDb: level ? (topDb ?? 60) : topDb,
      power: level ? 2 : power,
      mean: each(mean),
      std: each(std),
    });
  });

const anySamples = fc
  .tuple(fc.constantFrom(0, 1e-6, 0.3), fc.constantFrom(0, 0.5), fc.integer({ min: 0, max: 1000 }))
  .map(([tone, dc, silent]) =>
    Float32Array.from({ length: 1000 }, (_, n) => (n < silent ? 0 : dc + tone * Math.sin(n / 3 + n * n))),
  );

it('whatever the settings, every step sums, booked shares included', () => {
  fc.assert(
    fc.property(anySettings, anySamples, fc.integer({ min: 1, max: 1e6 }), (settings, samples, seed) => {
      const shape = inputShape(settings);
      const perUnit = map(shape, seed);
      const input = modelInput(samples, settings);
      const proportional = { ...perUnit, data: input.data.map((v, i) => v * perUnit.data[i]) };
      const P = spectrogram(samples, settings);
      const runs = [
        throughFrontEnd(perUnit, P, settings),
        throughFrontEnd(proportional, P, settings, perUnit),
      ];
      for (const { relevance, mel, steps } of runs) {
        expect(relevance.data.every(Number.isFinite)).toBe(true);
        for (const [i, s] of steps.entries()) {
          const size = Math.max(
            ...[perUnit, proportional, mel ?? relevance].map(amount),
            ...[s.bias, s.stabilizer, s.silence].map(Math.abs),
          );
          const left = s.to + s.bias + s.stabilizer + s.silence - s.from;
          expect(Math.abs(left), s.name).toBeLessThanOrEqual(1e-6 * size);
          if (i > 0) expect(s.from).toBe(steps[i - 1].to);
        }
        expect(Math.abs((steps.at(-1)?.to ?? 0) - total(relevance.data))).toBeLessThanOrEqual(
          1e-9 * amount(relevance),
        );
      }
    }),
    { numRuns: 300 },
  );
});

it('agrees with plain loops', () => {
  const settings = settingsOf({ scaling: 'power_to_db', lifter: 22, mean: 1, std: 4 });
  const P = spectrogram(speech, { ...settings, power: 2 });
  const R = map(inputShape(settings), 5);
  const { filters: M, cepstrum: D } = tablesOf(settings);
  const S = multiply(M, P);
  const e = scaled(S, settings);
  const floor = Math.max(-100, ...[Math.max(...e.data) - 80]); // amin, top_db
  const c = modelInput(speech, settings).data.map((v) => 4 * v + 1);
  const frames = R.columns;
  const slow = new Float64Array(P.data.length);
  for (let t = 0; t < frames; t++) {
    const ofMel = Array.from({ length: M.rows }, (_, j) => {
      let share = 0;
      for (let k = 0; k < D.rows; k++) {
        const row = c.subarray(k * frames, (k + 1) * frames);
        const epsilon = CEPSTRAL_EPSILON * Math.sqrt(row.reduce((a, v) => a + v * v, 0) / frames);
        const z = row[t];
        share += (D.data[k * D.columns + j] * R.data[k * frames + t]) / (z + Math.sign(z) * epsilon);
      }
      return (e.data[j * frames + t] - floor) * share;
    });
    for (let f = 0; f < P.rows; f++) {
      for (let m = 0; m < M.rows; m++) {
        const part = (M.data[m * M.columns + f] * P.data[f * frames + t]) / S.data[m * frames + t];
        if (S.data[m * frames + t] > 0) slow[f * frames + t] += part * ofMel[m];
      }
    }
  }
  const { relevance } = throughFrontEnd(R, P, settings);
  const largest = Math.max(...slow.map(Math.abs));
  for (const [i, r] of slow.entries()) expect(Math.abs(relevance.data[i] - r)).toBeLessThan(1e-6 * largest);
});

it("counts from the clip's own silence: c₀ has all the bias, and silent frames take nothing", () => {
  const settings = settingsOf({ scaling: 'power_to_db' });
  const only = (k: number): Matrix => {
    const R = map(inputShape(settings), 1);
    return { ...R, data: R.data.map((v, i) => (Math.floor(i / R.columns) === k ? v : 0)) };
  };
  const P = spectrogram(speech, settings);
  const dct = (k: number) => throughFrontEnd(only(k), P, settings).steps[1];
  expect(Math.abs(dct(0).bias)).toBeGreaterThan(0.1);
  expect(dct(1).bias).toBe(0);
  const { relevance } = throughFrontEnd(map(inputShape(settings), 1), P, settings);
  for (let f = 0; f < 129; f++) expect(relevance.data[f * relevance.columns]).toBe(0);
});

it('a band without energy keeps its relevance as silence', () => {
  const settings = settingsOf({ kind: 'logmel' });
  const R = map(inputShape(settings), 1);
  const { steps, relevance } = throughFrontEnd(R, spectrogram(quiet, settings), settings);
  expect(steps.at(-1)).toMatchObject({ name: 'mel filters', to: 0, bias: 0, stabilizer: 0 });
  expect(steps.at(-1)?.silence).toBeCloseTo(total(R.data), 9);
  expect(relevance.data.every((v) => v === 0)).toBe(true);
});

it.each([
  ['levels', {}],
  ['decibels by a scale', { scaling: 'power_to_db', std: 3 }],
  ['scales by coefficient', { std: Array.from({ length: 13 }, (_, k) => 1 + k) }],
])('MFCCs of %s with known relevance per unit divide by nothing', (_, more) => {
  const settings = settingsOf(more);
  const input = modelInput(speech, settings);
  const perUnit = map(inputShape(settings), 3);
  const R = { ...input, data: input.data.map((v, i) => v * perUnit.data[i]) };
  const P = spectrogram(speech, settings);
  const [, dct] = throughFrontEnd(R, P, settings, perUnit).steps;
  expect([dct.stabilizer, dct.silence]).toEqual([0, 0]);
  expect(Math.abs(dct.to + dct.bias - dct.from)).toBeLessThan(1e-6 * amount(R));
  const { relevance } = throughFrontEnd(R, P, settings);
  const exact = throughFrontEnd(R, P, settings, perUnit).relevance;
  const apart = exact.data.map((v, i) => v - relevance.data[i]);
  expect(amount({ ...exact, data: apart })).toBeLessThan(0.05 * amount(exact));
});

it('a mean leaves no relevance per unit of a coefficient', () => {
  const settings = settingsOf({ mean: 0.5 });
  const R = map(inputShape(settings), 3);
  const P = spectrogram(speech, settings);
  expect(throughFrontEnd(R, P, settings, R)).toEqual(throughFrontEnd(R, P, settings));
});
