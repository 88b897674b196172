// A spectrum as maps show it: decibels, and no more rows than a picture has room for.
import { powerToDb } from '../features/decibel.ts';
import { type Matrix, mapMatrix, zeros } from '../features/matrix.ts';
import type { Spectrum } from '../hertz/spectrum.ts';
import type { RelevanceMap } from './explanation.ts';

/** Rows that a map has room for. */
const MOST_ROWS = 260;

/** Decibels re the clip's maximum, 80 and no more, and relevance; where there are many bins several make a row: their loudest, and the sum of their relevance. */
export function spectrumMap({
  relevance,
  magnitude,
  exponent,
  frequencies,
  times,
}: Pick<Spectrum, 'relevance' | 'magnitude' | 'exponent' | 'frequencies' | 'times'>): RelevanceMap {
  const power = mapMatrix(magnitude, (v) => v ** (2 / exponent));
  const decibels = powerToDb(power, { ref: 'max', amin: Number.MIN_VALUE });
  const together = Math.ceil(relevance.rows / MOST_ROWS);
  return {
    features: rowsTogether(decibels, together, Math.max, Number.NEGATIVE_INFINITY),
    relevance: rowsTogether(relevance, together, (a, b) => a + b, 0),
    times,
    frequencies: Float64Array.from({ length: Math.ceil(frequencies.length / together) }, (_, r) => {
      const group = frequencies.subarray(r * together, (r + 1) * together);
      return group.reduce((a, b) => a + b) / group.length;
    }),
    featureLabel: 'power (dB re max)',
  };
}

function rowsTogether(
  m: Matrix,
  together: number,
  join: (a: number, b: number) => number,
  start: number,
): Matrix {
  const out = zeros(Math.ceil(m.rows / together), m.columns);
  out.data.fill(start);
  for (const [i, v] of m.data.entries()) {
    const at = Math.floor(i / m.columns / together) * m.columns + (i % m.columns);
    out.data[at] = join(out.data[at]!, v);
  }
  return out;
}
