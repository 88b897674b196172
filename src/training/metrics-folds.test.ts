// Folds summed up, by hand.
import { expect, it } from 'vitest';
import { TrainingError } from '../errors.ts';
import { type Classified, measure } from './metrics.ts';
import { summariseFolds } from './metrics-folds.ts';

/** Clips of class a, `right` of them right. */
const clips = (speaker: string, n: number, right: number, probabilities?: number[]): Classified[] =>
  Array.from({ length: n }, (_, i) => ({
    label: 'a',
    predicted: i < right ? 'a' : 'b',
    speaker,
    ...(probabilities && { probabilities }),
  }));

it('each fold, their mean and spread, and all answers in one', () => {
  const folds = [
    { name: 'ann', clips: clips('ann', 4, 4) },
    { name: 'bob', clips: clips('bob', 4, 3) },
    { name: 'eve', clips: clips('eve', 12, 6) },
  ];
  const summary = summariseFolds(folds, ['a', 'b']);
  expect(summary.accuracy).toEqual({ mean: 0.75, sd: 0.25 });
  expect(summary.folds.map(({ name, metrics }) => [name, metrics.accuracy])).toEqual([
    ['ann', 1],
    ['bob', 0.75],
    ['eve', 0.5],
  ]);
  expect(summary.pooled).toEqual(
    measure(
      folds.flatMap((fold) => fold.clips),
      ['a', 'b'],
    ),
  );
  expect(summary.pooled).toMatchObject({ correct: 13, clips: 20, accuracy: 0.65 });
  expect(summary).not.toHaveProperty('ece');
});

it('calibration where all folds have probabilities; one fold has no spread', () => {
  const one = { name: 'ann', clips: clips('ann', 4, 3, [0.75, 0.25]) };
  const two = { name: 'bob', clips: clips('bob', 4, 2) };
  expect(summariseFolds([one], ['a', 'b'])).toMatchObject({
    accuracy: { mean: 0.75, sd: null },
    nll: { mean: -Math.log(0.75), sd: null },
  });
  expect(summariseFolds([one, two], ['a', 'b'])).not.toHaveProperty('nll');
  expect(() => summariseFolds([], ['a'])).toThrow(TrainingError);
});
