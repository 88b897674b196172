// The analysis of many explanations: by hand, whatever their order, with few errors, and with what cannot be analysed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random, shuffle } from '../corpus/random.ts';
import { EarmarkError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import { defaultFeatures } from '../features/settings.ts';
import { frequencyBands } from './bands.ts';
import type { Cells, ClipExplanation } from './explained.ts';
import { analyse } from './summary.ts';

// Rows centred at 459, 1219 and 2478 Hz: the bands 0–600, 600–1300 and 1300–4000 Hz. 3 frames.
const features = { ...defaultFeatures('logmel', 8000, 0.02), nMels: 3, htk: true };
const labels = ['no', 'yes', 'stop'];
const settings = { features, labels };

const cells = (...rows: number[][]): Cells => ({ rows: 3, columns: 3, data: Float64Array.from(rows.flat()) });
const LOUD = cells([1, 1, 1], [1, 1, 1], [1, 1, 1]);

function clip(name: string, label: string, predicted: string, relevance: Cells): ClipExplanation {
  return {
    path: `${name}.wav`,
    label,
    speaker: null,
    predicted,
    probability: 0.5,
    relevance,
    features: LOUD,
    paddedFrames: [false, false, false],
  };
}

/** `n` clips with seeded relevance; the first `wrong` are misclassified. */
function clips(n: number, wrong: number): ClipExplanation[] {
  const next = random(n);
  const map = () => cells(...[0, 1, 2].map(() => [0, 1, 2].map(() => next() - 0.3)));
  return Array.from({ length: n }, (_, i) => ({
    ...clip(`${i}`, labels[i % 3]!, labels[(i + Number(i < wrong)) % 3]!, map()),
    ...(i < wrong && { relevanceOfTrue: map() }),
    features: cells([0, 1, 0.5], [0, 0, 0.2], [0, 0.7, 0]),
    paddedFrames: [true, false, false],
  }));
}

it('has the shape that is assumed here', () => {
  expect(inputShape(features)).toEqual([3, 3]);
});

it('by hand: classes by prediction, means and spreads', () => {
  const analysis = analyse(
    [
      clip('a', 'no', 'no', cells([1, 0, 0], [0, 3, 0], [0, 0, -4])), // positive 1/4, 3/4, 0; absolute 1/8, 3/8, 1/2
      clip('b', 'yes', 'no', cells([0, 0, 3], [0, 0, 0], [1, 0, 0])), // 3/4, 0, 1/4 of both
      clip('c', 'no', 'no', cells([0, 0, 0], [0, -1, 0], [0, 0, 0])), // nothing positive; absolute 0, 1, 0
      clip('d', 'yes', 'yes', cells([0, 0, 0], [0, 0, 0], [0, 0, 0])),
    ],
    settings,
  );
  expect(analysis).toMatchObject({ clips: 4, withoutRelevance: 1, bandsNote: null });
  expect(analysis.bands!.map(({ low, high }) => [low, high])).toEqual([
    [0, 600],
    [600, 1300],
    [1300, 4000],
  ]);
  const [no, yes, stop] = analysis.byClass;
  expect(no!.label).toBe('no');
  expect(no!.clips).toBe(3);
  expect(no!.positive).toEqual([
    { mean: 1 / 2, sd: Math.sqrt(1 / 8), n: 2 },
    { mean: 3 / 8, sd: Math.sqrt(9 / 32), n: 2 },
    { mean: 1 / 8, sd: Math.sqrt(1 / 32), n: 2 },
  ]);
  expect(no!.absolute!.map((s) => s.mean! * 3)).toEqual(
    [7 / 8, 11 / 8, 3 / 4].map((v) => expect.closeTo(v, 12)),
  );
  expect(no!.absolute!.every((s) => s.n === 3)).toBe(true);
  const none = { mean: null, sd: null, n: 0 };
  expect(yes).toEqual({ label: 'yes', clips: 1, positive: [none, none, none], absolute: [none, none, none] });
  expect(stop).toMatchObject({ clips: 0, positive: [none, none, none] });
  expect(analysis.comparison.correct).toEqual({
    n: 2,
    bands: [1 / 16, 11 / 16, 1 / 4],
    silence: 0,
    padding: 0,
  });
});

describe('correct against misclassified', () => {
  it('none is wrong', () => {
    const { comparison, misclassified } = analyse(clips(20, 0), settings);
    expect(comparison).toMatchObject({ correct: { n: 20 }, misclassified: null, differences: null });
    expect(comparison.note).toBe('No clip was misclassified: there is nothing to compare.');
    expect(misclassified).toEqual([]);
  });

  it('fewer than 5 are not summed up, but each is there', () => {
    const { comparison, misclassified } = analyse(clips(20, 4), settings);
    expect(comparison.misclassified).toEqual({ n: 4, bands: null, silence: null, padding: null });
    expect(comparison.differences).toBeNull();
    expect(comparison.note).toBe(
      'Clips with relevance: 4 misclassified, 16 correct. Statistics take at least 5 of each, so none are given.',
    );
    expect(misclassified).toHaveLength(4);
    for (const { shares, ofTrue } of misclassified) {
      expect(shares.padding! + shares.silence!).toBeGreaterThan(0);
      expect(ofTrue!.shares.padding).not.toBe(shares.padding);
      expect(Math.abs(ofTrue!.correlation!)).toBeLessThan(1);
    }
  });

  it('5 are, each share being compared', () => {
    const { comparison } = analyse(clips(20, 5), settings);
    const { correct, misclassified, differences, note } = comparison;
    expect(differences!.map(({ share, low, high }) => [share, low, high])).toEqual([
      ['padding', null, null],
      ['silence', null, null],
      ['band', 0, 600],
      ['band', 600, 1300],
      ['band', 1300, 4000],
    ]);
    const means = (group: typeof correct) => [group.padding!, group.silence!, ...group.bands!];
    const [right, wrong] = [means(correct), means(misclassified!)];
    for (const [k, { difference, interval, p, pHolm }] of differences!.entries()) {
      expect(difference).toBeCloseTo(wrong[k]! - right[k]!, 12);
      expect(interval[0]).toBeLessThan(difference);
      expect(interval[1]).toBeGreaterThan(difference);
      expect(p > 0 && p <= pHolm && pHolm <= 1).toBe(true);
    }
    expect(note).toContain('5 comparisons');
  });

  it('errors without relevance do not count', () => {
    const zero = cells([0, 0, 0], [0, 0, 0], [0, 0, 0]);
    const { comparison, withoutRelevance } = analyse(
      [...clips(20, 4), clip('zero', 'no', 'yes', zero)],
      settings,
    );
    expect(withoutRelevance).toBe(1);
    expect(comparison).toMatchObject({ misclassified: { n: 4 }, differences: null });
    expect(analyse([clip('zero', 'no', 'yes', zero)], settings).comparison).toMatchObject({
      correct: { n: 0, bands: null, padding: null },
      misclassified: { n: 0, bands: null, padding: null },
      note: expect.stringContaining('0 misclassified, 0 correct'),
    });
  });

  it('all but a few wrong', () => {
    const { comparison } = analyse(clips(20, 16), settings);
    expect(comparison.misclassified!.padding).not.toBeNull();
    expect(comparison.differences).toBeNull();
    expect(comparison.note).toContain('16 misclassified, 4 correct');
  });

  it('the map for the true class may be missing', () => {
    const wrong = clip('a', 'no', 'yes', LOUD);
    expect(analyse([wrong], settings).misclassified[0]!.ofTrue).toBeNull();
  });
});

const mfcc = { ...features, kind: 'mfcc' as const, nMfcc: 3 };

it('MFCCs: bands of their relevance in hertz', () => {
  const rows = 1 + (mfcc.nFft >> 1);
  const bands = frequencyBands(mfcc);
  const inBand = (band: number): Cells => {
    const data = new Float64Array(2 * rows);
    data[2 * bands[band]!.firstRow] = 3;
    return { rows, columns: 2, data };
  };
  const made = clips(20, 6).map((c) => ({
    ...c,
    inHertz: { relevance: inBand(1), ...(c.relevanceOfTrue && { relevanceOfTrue: inBand(0) }) },
  }));
  const analysis = analyse(made, { ...settings, features: mfcc });
  expect(analysis.bands).toEqual(bands);
  expect(analysis.bandsNote).toBeNull();
  expect(analysis.all.bands).toEqual(bands.map((_, b) => Number(b === 1)));
  expect(analysis.misclassified[0]!.ofTrue!.shares.absolute).toEqual(bands.map((_, b) => Number(b === 0)));
});

it('MFCCs without their relevance in hertz: padding alone, and it says why', () => {
  const analysis = analyse(clips(20, 6), { ...settings, features: mfcc });
  expect(analysis.bands).toBeNull();
  expect(analysis.bandsNote).toContain('not frequencies');
  expect(analysis.byClass[0]).toMatchObject({ positive: null, absolute: null });
  expect(analysis.all).toMatchObject({ n: 20, bands: null, silence: null, padding: expect.any(Number) });
  expect(analysis.comparison.differences!.map((d) => d.share)).toEqual(['padding']);
});

it('property: the order of the clips changes nothing, and JSON keeps all', () => {
  const made = clips(24, 6);
  const expected = analyse(made, settings);
  expect(JSON.parse(JSON.stringify(expected))).toEqual(expected);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(analyse(shuffle(made, seed), settings)).toEqual(expected);
    }),
    { numRuns: 5 },
  );
});

it('the seed changes p and intervals only', () => {
  const [a, b] = [1, 2].map((seed) => analyse(clips(24, 6), { ...settings, seed }));
  expect(a!.comparison.differences).not.toEqual(b!.comparison.differences);
  expect({ ...a, comparison: null }).toEqual({ ...b, comparison: null });
});

describe('what cannot be analysed', () => {
  const good = clip('a', 'no', 'no', LOUD);
  const flat = { rows: 1, columns: 9, data: new Float64Array(9) };
  it.each([
    ['nothing', [], 'at least one explained clip'],
    [
      'an unknown prediction',
      [{ ...good, predicted: 'go' }],
      'a.wav: predicted class: expected one of no, yes, stop, got go',
    ],
    [
      'another shape',
      [{ ...good, relevance: flat }],
      "a.wav: relevance: expected the input's shape [3, 3], got [1, 9]",
    ],
    ['other features', [{ ...good, features: flat }], 'a.wav: features'],
    ['another map for the true class', [{ ...good, relevanceOfTrue: flat }], 'a.wav: relevanceOfTrue'],
    ['too few values', [{ ...good, relevance: { ...LOUD, data: new Float32Array(8) } }], 'with 8 values'],
    [
      'NaN',
      [{ ...good, relevance: { ...LOUD, data: LOUD.data.map(() => Number.NaN) } }],
      'expected finite values, got NaN',
    ],
    ['other frames', [{ ...good, paddedFrames: [true] }], 'a.wav: paddedFrames: expected 3 frames, got 1'],
  ])('%s', (_, given, message) => {
    expect(() => analyse(given, settings)).toThrow(EarmarkError);
    expect(() => analyse(given, settings)).toThrow(message);
  });
});
