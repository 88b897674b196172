// Metrics and scores by hand.
import { expect, it } from 'vitest';
import { score } from './evaluate.ts';
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
  expect(measure(clips, ['a', 'b', 'c'])).toEqual({
    accuracy: 3 / 5,
    clips: 5,
    correct: 3,
    byClass: {
      a: { accuracy: 1 / 3, clips: 3, correct: 1 },
      b: { accuracy: 1, clips: 2, correct: 2 },
      c: { accuracy: 0, clips: 0, correct: 0 },
    },
    bySpeaker: {
      ann: { accuracy: 1 / 2, clips: 2, correct: 1 },
      zoe: { accuracy: 1 / 2, clips: 2, correct: 1 },
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
  expect(Object.keys(measure(clips, ['a', 'b']))[0]).toBe('accuracy');
  expect(measure([], ['a', 'b']).accuracy).toBe(0);
});

it('cross-entropy of logits, large ones too', () => {
  const rows = [Float32Array.of(0, Math.log(3)), Float32Array.of(1000, 0)];
  // −ln(3/4) and −ln(1); then −ln(1/4) and 1000.
  expect(score(rows, [1, 0]).loss).toBeCloseTo(-Math.log(0.75) / 2, 7);
  expect(score(rows, [1, 0]).accuracy).toBe(1);
  expect(score(rows, [0, 1]).loss).toBeCloseTo((1000 - Math.log(0.25)) / 2, 4);
  expect(score(rows, [1, 1]).accuracy).toBe(0.5);
});
