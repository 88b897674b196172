// What a model's input is scaled by: levels, decibels or logarithms of a spectrogram, and mean and deviation in the end.
import { powerToDb } from './decibel.ts';
import { largest, type Matrix, mapMatrix } from './matrix.ts';
import type { FeatureSettings } from './settings.ts';

/**
 * A spectrogram S as the settings scale it:
 * 'level' max(0, 1 + 10 log₁₀(S / max S) / topDb), so that the loudest value is 1, and what is topDb below it, or
 * silent, is 0, the reference point of LRP; 'power_to_db' as librosa; 'log' ln(S + offset); 'none' S.
 */
export function scaled(
  S: Matrix,
  {
    scaling,
    ref,
    amin,
    topDb,
    offset,
  }: Pick<FeatureSettings, 'scaling' | 'ref' | 'amin' | 'topDb' | 'offset'>,
): Matrix {
  switch (scaling) {
    case 'level': {
      const loudest = largest(S);
      const range = topDb ?? Number.POSITIVE_INFINITY;
      return mapMatrix(S, (p) => (p > 0 ? Math.max(0, 1 + (10 * Math.log10(p / loudest)) / range) : 0));
    }
    case 'power_to_db':
      return powerToDb(S, { ref, amin, topDb });
    case 'log':
      return mapMatrix(S, (p) => Math.log(p + offset));
    case 'none':
      return S;
  }
}

/** (x − mean) / std, with one number for all rows or one for each. */
export function standardized(m: Matrix, { mean, std }: Pick<FeatureSettings, 'mean' | 'std'>): Matrix {
  if (mean === 0 && std === 1) return m;
  const data = m.data.map((v, i) => {
    const row = Math.floor(i / m.columns);
    return (v - ofRow(mean, row)) / ofRow(std, row);
  });
  return { ...m, data };
}

/** The number of a row. */
export function ofRow(values: number | readonly number[], row: number): number {
  return typeof values === 'number' ? values : values[row];
}

/** Whether an input of exactly 0 is silence: a level that is not standardized. */
export function zeroIsSilence({ kind, scaling, mean, std }: FeatureSettings): boolean {
  return (kind === 'logmel' || kind === 'spectrogram') && scaling === 'level' && mean === 0 && std === 1;
}

/** Samples divided by their largest amount or their root mean square; silence stays as it is. */
export function normalized(samples: Float32Array, by: FeatureSettings['normalize']): Float32Array {
  if (by === null) return samples;
  const size =
    by === 'peak'
      ? samples.reduce((most, s) => Math.max(most, Math.abs(s)), 0)
      : Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
  return size > 0 ? samples.map((s) => s / size) : samples;
}
