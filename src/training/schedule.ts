// The learning rate of each step: constant, by steps, along a cosine, one cycle; with a linear rise at the start.
import { TrainingError } from '../errors.ts';

interface Common {
  /** The learning rate; of 'one-cycle' and with a warm-up its peak. */
  readonly rate: number;
  /** Linear rise to it: over that many steps, or, below 1, over that share of them all; 0 where not given. */
  readonly warmUp?: number | undefined;
}

export type Schedule =
  | (Common & { readonly kind: 'constant' })
  /** Multiplied by `factor` after every so many epochs. */
  | (Common & { readonly kind: 'step'; readonly every: number; readonly factor: number })
  /** Half a cosine down to `end`, 0 where not given. */
  | (Common & { readonly kind: 'cosine'; readonly end?: number | undefined })
  /**
   * Half a cosine up from rate/startDivisor (25) over the share `rise` (0.3) of the steps, then one down to
   * rate/startDivisor/endDivisor (10,000).
   */
  | (Common & {
      readonly kind: 'one-cycle';
      readonly rise?: number | undefined;
      readonly startDivisor?: number | undefined;
      readonly endDivisor?: number | undefined;
    });

/** How many steps training has. */
export interface Course {
  readonly steps: number;
  /** Steps of an epoch. */
  readonly perEpoch: number;
}

/**
 * The learning rate of a step. While it warms up, step t of w has t/w of the rate; the schedule has the steps after
 * these, the first with its first rate, by PyTorch's formulas: CosineAnnealingLR, OneCycleLR (two phases, cosine), and by
 * epochs, counted from the start of training, StepLR.
 *
 * @param step from 1 to `steps`
 * @throws TrainingError where a setting is out of its range
 * @see Loshchilov and Hutter, SGDR, 2017; Smith and Topin, Super-Convergence, 2018
 */
export function learningRate(schedule: Schedule, step: number, { steps, perEpoch }: Course): number {
  checkSchedule(schedule);
  const { rate, warmUp = 0 } = schedule;
  const warm = Math.min(steps, warmUp < 1 ? Math.round(warmUp * steps) : warmUp);
  if (step <= warm) return (rate * step) / warm;
  const [at, count] = [step - warm - 1, steps - warm];
  switch (schedule.kind) {
    case 'constant':
      return rate;
    case 'step':
      return rate * schedule.factor ** Math.floor(Math.floor((step - 1) / perEpoch) / schedule.every);
    case 'cosine':
      return along(rate, schedule.end ?? 0, at / count);
    case 'one-cycle': {
      const { rise = 0.3, startDivisor = 25, endDivisor = 1e4 } = schedule;
      const first = rate / startDivisor;
      const top = Math.max(rise * count - 1, 0);
      if (at < top) return along(first, rate, at / top);
      return along(rate, first / endDivisor, (at - top) / Math.max(count - 1 - top, 1));
    }
  }
}

/** @throws TrainingError where a setting is out of its range */
function checkSchedule(schedule: Schedule): void {
  const { kind, rate, warmUp = 0 } = schedule;
  const check = (right: boolean, name: string, expected: string, got: number) => {
    if (!right) throw new TrainingError({ what: `${kind} learning rate: ${name}`, expected, got: `${got}` });
  };
  const amount = (name: string, value: number) =>
    check(value >= 0 && value < Number.POSITIVE_INFINITY, name, 'a number from 0 on', value);
  amount('rate', rate);
  amount('warm-up', warmUp);
  check(warmUp < 1 || Number.isInteger(warmUp), 'warm-up', 'a share below 1 or a number of steps', warmUp);
  if (schedule.kind === 'step') {
    const { every, factor } = schedule;
    check(Number.isInteger(every) && every > 0, 'every', 'a number of epochs from 1 on', every);
    amount('factor', factor);
  }
  if (schedule.kind === 'cosine') amount('end', schedule.end ?? 0);
  if (schedule.kind === 'one-cycle') {
    const { rise = 0.3, startDivisor = 25, endDivisor = 1e4 } = schedule;
    check(rise > 0 && rise < 1, 'rise', 'a share above 0 and below 1', rise);
    check(startDivisor >= 1, 'startDivisor', 'a number from 1 on', startDivisor);
    check(endDivisor >= 1, 'endDivisor', 'a number from 1 on', endDivisor);
  }
}

/** Half a cosine from one number to another. @param share of the way, 0 to 1 */
function along(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}
