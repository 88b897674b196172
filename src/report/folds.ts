// How well a model does over the folds of a cross-validation.
import { EarmarkError } from '../errors.ts';
import { type Accuracy, type AccuracyRow, accuraciesSvg, describeAccuracy } from './accuracy.ts';
import { type Figure, sheet } from './svg.ts';

export interface FoldsData {
  readonly folds: readonly AccuracyRow[];
  readonly mean: number;
  /** Sample standard deviation; `null` for one fold. */
  readonly sd: number | null;
  /** All answers of all folds at once. */
  readonly pooled: Accuracy;
}

/** "89.5 ± 6.1 %", in the digits of per cent that tell folds apart. */
export function describeSpread(mean: number, sd: number | null): string {
  const percent = (v: number) => (100 * v).toFixed(sd !== null && sd < 0.01 ? 2 : 1);
  return sd === null ? `${percent(mean)} %` : `${percent(mean)} ± ${percent(sd)} %`;
}

/**
 * The accuracy of each fold with its interval; their mean as a line, one standard deviation to each side as a band.
 *
 * @throws EarmarkError where there is no fold
 */
export function foldsFigure(
  { folds, mean, sd, pooled }: FoldsData,
  title = 'Accuracy by fold',
): Figure<FoldsData> {
  if (folds.length === 0) {
    throw new EarmarkError({ what: 'accuracy by fold', expected: 'one fold or more', got: 'none' });
  }
  const table = accuraciesSvg({
    rows: folds,
    together: { ...pooled, name: 'pooled' },
    line: { at: mean, low: mean - (sd ?? 0), high: mean + (sd ?? 0) },
  });
  const subtitle = [
    sd === null
      ? `one fold: ${describeSpread(mean, sd)}`
      : `${describeSpread(mean, sd)} (mean and standard deviation of ${folds.length} folds)`,
    `pooled ${describeAccuracy(pooled)}`,
  ];
  return { ...sheet({ title, subtitle }, table), data: { folds, mean, sd, pooled } };
}
