// The range that a model's input lies in, for rules that need to know it.
import { inputShape, tablesOf } from './input.ts';
import { ofRow } from './scaling.ts';
import type { FeatureSettings } from './settings.ts';

/** Lowest and highest value that an input can have. */
export interface InputRange {
  readonly low: number;
  readonly high: number;
}

/**
 * The range of a model's input over all its rows, as its settings bound it: a 'level' 0 to 1; dB re the maximum −topDb
 * to 0; ln of the part of the maximum ln(offset) to ln(1 + offset); a waveform −1 to 1; MFCCs what the cosine transform d
 * makes of these, Σ min(d·low, d·high) to Σ max(d·low, d·high); of n values standardized together ±√(n − 1), whatever
 * they were; then (x − mean) / std.
 *
 * @returns undefined where nothing bounds it
 */
export function inputRange(settings: FeatureSettings): InputRange | undefined {
  const rows = rowBounds(settings);
  if (!rows) return undefined;
  const { mean, std } = settings;
  const standard = (value: number, row: number) => (value - ofRow(mean, row)) / ofRow(std, row);
  return {
    low: Math.min(...rows.map(({ low }, row) => standard(low, row))),
    high: Math.max(...rows.map(({ high }, row) => standard(high, row))),
  };
}

/** Of each row before mean and std. */
function rowBounds(settings: FeatureSettings): InputRange[] | undefined {
  const [rows, columns] = inputShape(settings);
  const all = (bounds: InputRange) => new Array<InputRange>(rows).fill(bounds);
  // Σ z² = n and Σ z = 0: a single z is the largest where the other n − 1 are alike.
  if (settings.standardize !== null) {
    const together = settings.standardize === 'bins' ? columns : rows * columns;
    const high = Math.sqrt(together - 1);
    return all({ low: -high, high });
  }
  const bounds = boundsOf(settings);
  return bounds && (settings.kind === 'mfcc' ? cepstralBounds(settings, bounds) : all(bounds));
}

/** Of the samples, or of the scaled spectrogram. */
function boundsOf({ kind, normalize, scaling, ref, topDb, offset }: FeatureSettings): InputRange | undefined {
  if (kind === 'waveform') return normalize === 'rms' ? undefined : { low: -1, high: 1 };
  if (scaling === 'level') return { low: 0, high: 1 };
  if (scaling === 'log' && ref === 'max') return { low: Math.log(offset), high: Math.log(1 + offset) };
  return scaling === 'power_to_db' && ref === 'max' && topDb !== null ? { low: -topDb, high: 0 } : undefined;
}

function cepstralBounds(settings: FeatureSettings, { low, high }: InputRange): InputRange[] {
  const { rows, columns, data } = tablesOf(settings).cepstrum;
  return Array.from({ length: rows }, (_, k) => {
    const row = data.subarray(k * columns, (k + 1) * columns);
    return {
      low: row.reduce((sum, d) => sum + Math.min(d * low, d * high), 0),
      high: row.reduce((sum, d) => sum + Math.max(d * low, d * high), 0),
    };
  });
}
