// The test bed of planted events in small: its regions hold what was planted; the default methods find it, and let it be heard.
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Case, casesOf, explainedBy, relevanceOf, scoreOf } from '../bench/ground-truth/measure.ts';
import { massAccuracy, rankAccuracy } from '../bench/ground-truth/measures.ts';
import { SUBJECTS, trained } from '../bench/ground-truth/subjects.ts';
import { withPart } from '../bench/ground-truth/table.ts';
import {
  CLASSES,
  CLIP_SAMPLES,
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
import { defaultMethodOf } from '../src/hertz/default-method.ts';
import { type Listening, listen, type Sound } from '../src/hertz/listen.ts';
import { gatedLevel } from '../src/hertz/loudness.ts';
import type { Spectrum } from '../src/hertz/spectrum.ts';
import { DEFAULT_METHOD, parseMethod } from '../src/relevance/method.ts';

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
  for (const [plane, least] of [
    ['bands', 0.8],
    ['hertz', 0.7],
  ] as const) {
    const cases = await casesOf(subject, graph, 12, plane);
    const { mass } = scoreOf(await relevanceOf(subject, graph, parseMethod(DEFAULT_METHOD), cases), cases);
    expect(mass, plane).toBeGreaterThan(least);
  }
}, 300_000);

describe('what is heard of a trained waveform network, by its default method', () => {
  const subject = { ...SUBJECTS[2], steps: 200 };
  const heard: { case: Case; spectrum: Spectrum; listening: Listening }[] = [];
  beforeAll(async () => {
    const { graph, accuracy } = await trained(subject, { test: 100 });
    expect(accuracy).toBeGreaterThan(0.97);
    const cases = await casesOf(subject, graph, 12, 'hertz');
    const explained = await explainedBy(subject, graph, parseMethod(defaultMethodOf('waveform')), cases);
    for (const [i, { relevance, spectrum }] of explained.entries()) {
      const listening = listen({ samples: cases[i].clip.samples, relevance }, spectrum, subject.settings);
      heard.push({ case: cases[i], spectrum, listening });
    }
  }, 300_000);
  const soundsOf = ({ sounds }: Listening) => Object.fromEntries(sounds.map((s) => [s.name, s]));

  test('is the event, out of the noise', () => {
    for (const { case: planted, listening } of heard) {
      const inside = ({ samples }: Sound) =>
        massAccuracy(
          spectrogram(samples, { nFft: WINDOW, hopLength: WINDOW / 4, power: 2 }).data,
          planted.region.data,
        );
      const sounds = soundsOf(listening);
      expect(inside(sounds.whole)).toBeLessThan(0.15);
      expect(inside(sounds.for)).toBeGreaterThan(0.7);
      expect(inside(sounds.weighted)).toBeGreaterThan(0.15);
    }
  });

  test('is as loud as the clip, and has no step that the clip has not when as much amplified', () => {
    const step = ({ samples: x }: Sound) =>
      x.reduce((most, v, n) => Math.max(most, Math.abs(v - (x[n - 1] ?? 0))), 0);
    const level = ({ samples }: Sound) => gatedLevel(Float64Array.from(samples), SAMPLE_RATE);
    for (const { listening } of heard) {
      const { whole, against, ...others } = soundsOf(listening);
      for (const sound of [against, ...Object.values(others)]) {
        const amplified = 10 ** (((sound.gain ?? 0) - (whole.gain ?? 0)) / 20);
        expect(step(sound)).toBeLessThan(1.1 * amplified * step(whole));
        if (sound !== against) expect(level(sound) / level(whole)).toBeCloseTo(1, 3);
      }
    }
  });

  test('is digital silence where no relevance lies', () => {
    for (const { spectrum, listening } of heard) {
      const { relevance, times } = spectrum;
      const hot = times.filter((_, t) =>
        spectrum.frequencies.some((_, k) => relevance.data[k * relevance.columns + t] !== 0),
      );
      // A window, and the frame that the mask is smoothed over.
      const reach = (1.5 * WINDOW) / SAMPLE_RATE;
      const { samples } = soundsOf(listening).for;
      const far = samples.filter((_, n) => hot.every((time) => Math.abs(n / SAMPLE_RATE - time) > reach));
      expect(far.length).toBeGreaterThan(CLIP_SAMPLES / 4);
      expect(far.every((v) => v === 0)).toBe(true);
    }
  });
});
