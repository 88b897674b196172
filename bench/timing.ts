// The clocks that the benchmarks share.
import { setTimeout } from 'node:timers/promises';

export interface Action {
  readonly name: string;
  /** Does the work once; gives its milliseconds where another process has measured them. */
  readonly run: () => Promise<unknown>;
  readonly clock?: 'own';
}

export interface Timing {
  readonly name: string;
  /** Milliseconds, median. */
  readonly median: number;
  readonly least: number;
  /** Median of the ratios to the first action's time in the same round. */
  readonly ratio: number;
}

export interface Effort {
  /** As many rounds as fit into these seconds, … */
  readonly seconds: number;
  /** … but at least and at most so many. */
  readonly rounds: readonly [number, number];
}

/** Milliseconds by when the threads of another session, or of another library, have stopped spinning for more work. */
const SPINNING = 40;

/**
 * Times several actions in turn, so that they share what else the machine does. Each timed run comes after a rest, which
 * keeps the action before out of it, and an untimed run, which warms the caches.
 */
export async function timeInTurn(actions: readonly Action[], effort: Effort): Promise<Timing[]> {
  const times = actions.map(() => [] as number[]);
  const [least, most] = effort.rounds;
  const begin = performance.now();
  for (let round = 0; round < most; round++) {
    if (round >= least && performance.now() - begin > effort.seconds * 1000) break;
    for (const [i, { run, clock }] of actions.entries()) {
      await setTimeout(SPINNING);
      await run();
      const start = performance.now();
      const own = await run();
      times[i].push(clock === 'own' ? Number(own) : performance.now() - start);
    }
  }
  return actions.map(({ name }, i) => ({
    name,
    median: median(times[i]),
    least: Math.min(...times[i]),
    ratio: median(times[i].map((time, round) => time / times[0][round])),
  }));
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Milliseconds that something takes, once, and what it gives. */
export async function timed<T>(act: () => T | Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const result = await act();
  return [performance.now() - start, result];
}
