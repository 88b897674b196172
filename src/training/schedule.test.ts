// Schedules: where the rise ends, what an epoch is, and settings that are refused. PyTorch's numbers: test/golden.
import { describe, expect, it } from 'vitest';
import { TrainingError } from '../errors.ts';
import { learningRate, type Schedule } from './schedule.ts';

const rates = (schedule: Schedule, steps: number, perEpoch = 1) =>
  Array.from({ length: steps }, (_, i) => learningRate(schedule, i + 1, { steps, perEpoch }));

it('warms up linearly, over steps or over a share of them', () => {
  const expected = [0.25, 0.5, 0.75, 1, 1, 1, 1, 1];
  expect(rates({ kind: 'constant', rate: 1, warmUp: 4 }, 8)).toEqual(expected);
  expect(rates({ kind: 'constant', rate: 1, warmUp: 0.5 }, 8)).toEqual(expected);
  expect(rates({ kind: 'constant', rate: 1, warmUp: 4 }, 2)).toEqual([0.5, 1]);
});

it('changes by epochs, counted from the start of training', () => {
  expect(rates({ kind: 'step', rate: 8, every: 2, factor: 0.5 }, 10, 2)).toEqual([
    8, 8, 8, 8, 4, 4, 4, 4, 2, 2,
  ]);
  expect(rates({ kind: 'step', rate: 8, every: 1, factor: 0.5, warmUp: 2 }, 6, 3)).toEqual([
    4, 8, 8, 4, 4, 4,
  ]);
});

it('has a rate for every length of training', () => {
  for (const kind of ['cosine', 'one-cycle'] as const) {
    for (const steps of [1, 2, 3, 4, 5, 100]) {
      const all = rates({ kind, rate: 1 }, steps);
      expect(all.every((rate) => rate > 0 && rate <= 1)).toBe(true);
      if (steps === 100) expect(Math.max(...all)).toBeGreaterThan(0.99);
    }
  }
});

describe('refuses', () => {
  it.each([
    [{ kind: 'constant', rate: -1 }, 'rate'],
    [{ kind: 'constant', rate: Number.NaN }, 'rate'],
    [{ kind: 'cosine', rate: 1, warmUp: 2.5 }, 'warm-up'],
    [{ kind: 'cosine', rate: 1, end: -1 }, 'end'],
    [{ kind: 'step', rate: 1, every: 0, factor: 0.1 }, 'every'],
    [{ kind: 'step', rate: 1, every: 1, factor: Number.POSITIVE_INFINITY }, 'factor'],
    [{ kind: 'one-cycle', rate: 1, rise: 1 }, 'rise'],
    [{ kind: 'one-cycle', rate: 1, startDivisor: 0.5 }, 'startDivisor'],
    [{ kind: 'one-cycle', rate: 1, endDivisor: 0 }, 'endDivisor'],
  ] as const)('%j', (schedule, name) => {
    expect(() => rates(schedule, 3)).toThrow(TrainingError);
    expect(() => rates(schedule, 3)).toThrow(name);
  });
});
