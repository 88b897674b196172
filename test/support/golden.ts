// Reference arrays in .npz files, and how far results are from them.
import { readFileSync } from 'node:fs';
import { decodeNpz } from '../../src/files/npz.ts';

export interface Golden {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** All arrays of an .npz, in double precision. */
export function arraysOf(file: URL): Record<string, Golden> {
  const arrays = decodeNpz(new Uint8Array(readFileSync(file)), file.pathname);
  return Object.fromEntries(
    [...Object.entries(arrays)].map(([name, { data, shape }]) => [
      name,
      { data: Float64Array.from(data as Float32Array), shape },
    ]),
  );
}

/** max |got − expected| / max |expected|; infinite where their sizes differ. */
export function largestDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const all = Array.from(expected);
  const scale = all.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return all.reduce((m, v, i) => Math.max(m, Math.abs(got[i] - v)), 0) / scale;
}
