// The test bed of planted events in small: its regions hold what was planted, and the default method finds it.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { casesOf, relevanceOf, scoreOf } from '../bench/ground-truth/measure.ts';
import { massAccuracy, rankAccuracy } from '../bench/ground-truth/measures.ts';
import { SUBJECTS, trained } from '../bench/ground-truth/subjects.ts';
import { withPart } from '../bench/ground-truth/table.ts';
import {
  CLASSES,
  eventOf,
  KINDS,
  ONE_WINDOW,
  plantedClip,
  plantedShare,
  regionOf,
  SAMPLE_RATE,
  WINDOW,
} from '../bench/ground-truth/task.ts';
import { spectrogram } from '../src/features/stft.ts';
import { DEFAULT_METHOD } from '../src/relevance/method.ts';

const HOP = WINDOW / 2;
const plane = {
  frequencies: Float64Array.from({ length: 1 + WINDOW / 2 }, (_, k) => (k * SAMPLE_RATE) / WINDOW),
  times: Float64Array.from({ length: 63 }, (_, t) => (t * HOP) / SAMPLE_RATE),
};

describe.each(KINDS.map((kind, label) => ({ kind, label })))('a planted $kind.label', ({ kind, label }) => {
  test('takes at most 5 % of the plane', () => {
    expect(plantedShare(kind)).toBeLessThanOrEqual(0.05);
  });

  test('has at least 95 % of its energy in its region, wherever it begins', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.04, max: 0.6, noNaN: true }), (start) => {
        const S = spectrogram(eventOf(kind, start, 1), { nFft: WINDOW, hopLength: HOP, power: 2 });
        const region = regionOf({ label, start }, plane, ONE_WINDOW);
        expect(massAccuracy(S.data, region.data)).toBeGreaterThan(0.95);
      }),
      { numRuns: 20 },
    );
  });
});

test('clips are the same again, and every class comes in turn', () => {
  expect(plantedClip(2, 5)).toEqual(plantedClip(2, 5));
  expect(plantedClip(1, 5).samples).not.toEqual(plantedClip(2, 5).samples);
  expect(CLASSES.map((_, i) => plantedClip(1, i).label)).toEqual([...CLASSES.keys()]);
});

test('mass and rank accuracy', () => {
  const of = (...values: number[]) => Float64Array.from(values);
  const region = of(1, 1, 0, 0);
  expect(massAccuracy(of(3, -5, 1, 0), region)).toBe(0.75);
  expect(massAccuracy(of(0, -1, 0, -2), region)).toBeNull();
  expect(rankAccuracy(of(3, -5, 1, 0), region)).toBe(0.5);
  expect(rankAccuracy(of(2, 1, 0.5, -9), region)).toBe(1);
});

test('a part of a document is replaced', () => {
  const replaced = withPart('a <!-- x -->old<!-- /x --> b', 'x', 'new');
  expect(replaced).toBe('a <!-- x -->\n\nnew\n\n<!-- /x --> b');
});

test('of a small log-mel network the default method puts 80 % of what speaks for a class where it was planted', async () => {
  const subject = { ...SUBJECTS[0], steps: 250 };
  const { graph, accuracy } = await trained(subject, { test: 100 });
  expect(accuracy).toBeGreaterThan(0.97);
  const cases = await casesOf(subject, graph, 12);
  const { mass } = scoreOf(await relevanceOf(subject, graph, DEFAULT_METHOD, cases), cases);
  expect(mass).toBeGreaterThan(0.8);
}, 180_000);
