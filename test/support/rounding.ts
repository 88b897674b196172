// How the slow twin rounds: not at all, or as an evaluation in float32 may.
import { random } from '../../src/corpus/random.ts';

/** What every result of an operation is rounded by. */
export type Rounding = (v: number) => number;

export const exactly: Rounding = (v) => v;

/**
 * float32 whose results are off by up to a unit in the last place, at random: what an evaluation in float32 may come to
 * in whatever order a runtime adds and multiplies.
 */
export function sloppyFloat32(seed: number): Rounding {
  const next = random(seed);
  return (v) => Math.fround(v * (1 + (2 * next() - 1) * 2 ** -23));
}

export function total(terms: readonly number[], round: Rounding): number {
  return terms.reduce((a, b) => round(a + b), 0);
}
