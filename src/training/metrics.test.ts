// Metrics and scores by hand.
import { expect, it } from 'vitest';
import { score } from './evaluate.ts';
import { wilson } from './interval.ts';
import { measure } from './metrics.ts';

it('accuracy by class and by speaker, and what is confused', () => {
  const clip = (label: string, predicted: string, speaker: string | null) => ({ label, predicted, speaker });
  const clips = [
    clip('a', 'a', 'zoe'),
    clip('a', 'b', 'zoe'),
    clip('a', 'b', 'ann'),
    clip('b', 'b', 'ann'),
    clip('b', 'b', null),
  ];
  const metrics = measure(clips, ['a', 'b', 'c']);
  expect(metrics).toEqual({
    accuracy: 3 / 5,
    clips: 5,
    correct: 3,
    interval: wilson(3, 5),
    balancedAccuracy: (1 / 3 + 1) / 2,
    macroF1: (2 / 4 + 4 / 6) / 2,
    byClass: {
      a: { clips: 3, correct: 1, recall: 1 / 3, interval: wilson(1, 3), precision: 1, f1: 2 / 4 },
      b: { clips: 2, correct: 2, recall: 1, interval: wilson(2, 2), precision: 2 / 4, f1: 4 / 6 },
      c: { clips: 0, correct: 0, recall: null, interval: { low: 0, high: 1 }, precision: null, f1: null },
    },
    bySpeaker: {
      ann: { accuracy: 1 / 2, clips: 2, correct: 1, interval: wilson(1, 2) },
      zoe: { accuracy: 1 / 2, clips: 2, correct: 1, interval: wilson(1, 2) },
    },
    confusion: {
      labels: ['a', 'b', 'c'],
      counts: [
        [1, 2, 0],
        [0, 2, 0],
        [0, 0, 0],
      ],
    },
  });
  expect(Object.keys(metrics)[0]).toBe('accuracy');
  expect(measure([], ['a', 'b'])).toMatchObject({ accuracy: 0, balancedAccuracy: 0, macroF1: 0 });
  expect(() => measure(clips, ['a'])).toThrow("class 'b': expected a");
});

it('calibration where every clip has probabilities', () => {
  const clip = { label: 'a', predicted: 'b', speaker: null };
  const sure = { ...clip, probabilities: [0.25, 0.75] };
  expect(measure([clip, sure], ['a', 'b']).calibration).toBeUndefined();
  expect(measure([sure], ['a', 'b']).calibration).toMatchObject({
    nll: Math.log(4),
    brier: 2 * 0.75 ** 2,
    ece: 0.75,
    confidence: 0.75,
  });
});

it('cross-entropy of logits, large ones too', () => {
  const rows = [Float32Array.of(0, Math.log(3)), Float32Array.of(1000, 0)];
  // −ln(3/4) and −ln(1); then −ln(1/4) and 1000.
  expect(score(rows, [1, 0]).loss).toBeCloseTo(-Math.log(0.75) / 2, 7);
  expect(score(rows, [1, 0]).accuracy).toBe(1);
  expect(score(rows, [0, 1]).loss).toBeCloseTo((1000 - Math.log(0.25)) / 2, 4);
  expect(score(rows, [1, 1]).accuracy).toBe(0.5);
});
