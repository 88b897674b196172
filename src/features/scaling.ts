// What a model's input is scaled by: levels, decibels or logarithms of a spectrogram, and mean and deviation in the end.
import { powerToDb } from './decibel.ts';
import { largest, type Matrix, mapMatrix } from './matrix.ts';
import type { FeatureSettings } from './settings.ts';

/**
 * A spectrogram S as the settings scale it:
 * 'level' max(0, 1 + 10 log₁₀(S / max S) / topDb), so that the loudest value is 1, and what is topDb below it, or
 * silent, is 0, the reference point of LRP; 'power_to_db' as librosa; 'log' ln(S / ref + offset), where ref may be the
 * largest value (of silence 1); 'none' S.
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
    case 'log': {
      const by = ref === 'max' ? largest(S) || 1 : ref;
      return mapMatrix(S, (p) => Math.log(p / by + offset));
    }
    case 'none':
      return S;
  }
}

/**
 * (x − mean) / std, with one number for all rows or one for each; where `standardize` says so, x is first made to have
 * mean 0 in each row, and standard deviation 1 (population) in each or in all together.
 */
export function standardized(
  m: Matrix,
  { standardize, mean, std }: Pick<FeatureSettings, 'standardize' | 'mean' | 'std'>,
): Matrix {
  const x = standardize === null ? m : standardizedRows(m, standardize);
  if (mean === 0 && std === 1) return x;
  const data = x.data.map((v, i) => {
    const row = Math.floor(i / m.columns);
    return (v - ofRow(mean, row)) / ofRow(std, row);
  });
  return { ...m, data };
}

/** 'bins' as `sklearn.preprocessing.scale(m, axis=1)`: a row whose values are all alike becomes 0. */
function standardizedRows(
  { rows, columns, data }: Matrix,
  by: NonNullable<FeatureSettings['standardize']>,
): Matrix {
  const z = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    const values = data.subarray(row * columns, (row + 1) * columns);
    if (values.every((v) => v === values[0])) continue;
    const mean = values.reduce((sum, v) => sum + v, 0) / columns;
    const centred = z.subarray(row * columns, (row + 1) * columns);
    for (let t = 0; t < columns; t++) centred[t] = values[t] - mean;
    if (by === 'bins') divideByDeviation(centred);
  }
  if (by === 'bin-means') divideByDeviation(z);
  return { rows, columns, data: z };
}

/** Values of mean 0 by their standard deviation, where they are not all 0. */
function divideByDeviation(centred: Float64Array): void {
  const deviation = Math.sqrt(centred.reduce((sum, v) => sum + v ** 2, 0) / centred.length);
  if (deviation > 0) for (let i = 0; i < centred.length; i++) centred[i] /= deviation;
}

/** The number of a row. */
export function ofRow(values: number | readonly number[], row: number): number {
  return typeof values === 'number' ? values : values[row];
}

/** Whether {@link standardized} changes anything. */
export function isStandardized({
  standardize,
  mean,
  std,
}: Pick<FeatureSettings, 'standardize' | 'mean' | 'std'>): boolean {
  return standardize !== null || mean !== 0 || std !== 1;
}

/** Whether an input of exactly 0 is silence: a level that is not standardized. */
export function zeroIsSilence(settings: FeatureSettings): boolean {
  const { kind, scaling } = settings;
  return !isStandardized(settings) && (kind === 'logmel' || kind === 'spectrogram') && scaling === 'level';
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
