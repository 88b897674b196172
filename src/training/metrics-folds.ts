// What several folds of a cross-validation say together: mean, spread, and all their answers in one.
import { TrainingError } from '../errors.ts';
import { type Classified, type Metrics, measure } from './metrics.ts';

/** A fold, tested. */
export interface TestedFold {
  /** 'fold 2', or the speaker that was left out. */
  readonly name: string;
  readonly clips: readonly Classified[];
}

/** Mean and sample standard deviation (n − 1) over folds; `sd` is `null` for one fold. */
export interface FoldSpread {
  readonly mean: number;
  readonly sd: number | null;
}

export interface FoldsSummary {
  /** Over the folds, each as good as another whatever its size. */
  readonly accuracy: FoldSpread;
  readonly balancedAccuracy: FoldSpread;
  readonly macroF1: FoldSpread;
  /** Where all folds have probabilities. */
  readonly nll?: FoldSpread;
  readonly brier?: FoldSpread;
  readonly ece?: FoldSpread;
  readonly folds: readonly { readonly name: string; readonly metrics: Metrics }[];
  /** All answers of all folds at once. Where folds test on the same clips, its intervals are too narrow. */
  readonly pooled: Metrics;
}

/**
 * Sums up folds.
 *
 * @param labels every class, in the order of the models' logits
 * @throws TrainingError where there is no fold
 */
export function summariseFolds(folds: readonly TestedFold[], labels: readonly string[]): FoldsSummary {
  if (folds.length === 0) throw new TrainingError({ what: 'folds', expected: 'one or more', got: 'none' });
  const measured = folds.map(({ name, clips }) => ({ name, metrics: measure(clips, labels) }));
  const over = (value: (metrics: Metrics) => number) => spread(measured.map((fold) => value(fold.metrics)));
  return {
    accuracy: over((m) => m.accuracy),
    balancedAccuracy: over((m) => m.balancedAccuracy),
    macroF1: over((m) => m.macroF1),
    ...(measured.every(({ metrics }) => metrics.calibration) && {
      nll: over((m) => m.calibration!.nll),
      brier: over((m) => m.calibration!.brier),
      ece: over((m) => m.calibration!.ece),
    }),
    folds: measured,
    pooled: measure(
      folds.flatMap(({ clips }) => clips),
      labels,
    ),
  };
}

/** Mean and sample standard deviation of values. */
export function spread(values: readonly number[]): FoldSpread {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null };
}
