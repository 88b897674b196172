// Golden: scores, intervals and calibration against scikit-learn and SciPy (versions in the file).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wilson } from '../../src/training/interval.ts';
import { measure } from '../../src/training/metrics.ts';
import { spread } from '../../src/training/metrics-folds.ts';

interface Golden {
  cases: {
    name: string;
    true: number[];
    probabilities: number[][];
    accuracy: number;
    balancedAccuracy: number;
    macroF1: number;
    precision: (number | null)[];
    recall: (number | null)[];
    f1: (number | null)[];
    confusion: number[][];
    nll: number;
    brier: number;
    ece: number;
    bins: number[];
  }[];
  wilson: { k: number; n: number; low: number; high: number }[];
  spread: { values: number[]; mean: number; sd: number };
}
const golden = JSON.parse(readFileSync(new URL('metrics.json', import.meta.url), 'utf8')) as Golden;
const close = (got: number | null | undefined, expected: number | null) =>
  expected === null ? expect(got).toBeNull() : expect(got).toBeCloseTo(expected, 12);

describe.each(golden.cases)('$name', (expected) => {
  const labels = expected.confusion.map((_, k) => `class ${k}`);
  const clips = expected.probabilities.map((probabilities, i) => ({
    label: labels[expected.true[i]!]!,
    predicted: labels[probabilities.indexOf(Math.max(...probabilities))]!,
    speaker: null,
    probabilities,
  }));
  const got = measure(clips, labels);

  it('accuracy, precision, recall, F1, confusion', () => {
    close(got.accuracy, expected.accuracy);
    close(got.balancedAccuracy, expected.balancedAccuracy);
    close(got.macroF1, expected.macroF1);
    expect(got.confusion.counts).toEqual(expected.confusion);
    labels.forEach((label, k) => {
      close(got.byClass[label]!.precision, expected.precision[k]!);
      close(got.byClass[label]!.recall, expected.recall[k]!);
      close(got.byClass[label]!.f1, expected.f1[k]!);
    });
  });

  it('log loss, Brier score, expected calibration error', () => {
    close(got.calibration!.nll, expected.nll);
    close(got.calibration!.brier, expected.brier);
    close(got.calibration!.ece, expected.ece);
    expect(got.calibration!.bins.map(({ clips }) => clips)).toEqual(expected.bins);
  });
});

it("Wilson's interval", () => {
  for (const { k, n, low, high } of golden.wilson) {
    close(wilson(k, n).low, low);
    close(wilson(k, n).high, high);
  }
});

it('mean and sample standard deviation', () => {
  const { values, mean, sd } = golden.spread;
  close(spread(values).mean, mean);
  close(spread(values).sd, sd);
});
