// Which classes are taken for which.
import { EarmarkError } from '../errors.ts';
import { describeAccuracy } from './accuracy.ts';
import { cellsSvg, emptyCell } from './cells.ts';
import { relevanceColour } from './colours.ts';
import { type Figure, sheet } from './svg.ts';
import { formatPercent } from './ticks.ts';

export interface ConfusionData {
  labels: readonly string[];
  /** counts[true class][predicted class] */
  counts: readonly (readonly number[])[];
  accuracy: number;
  /** Of the accuracy, 95 %. */
  interval?: { readonly low: number; readonly high: number };
}

/**
 * The confusion matrix: counts, rows are true classes. Right answers are blue and errors red, by their share of the row;
 * at the right, the recall of each class.
 *
 * @param accuracy from 0 to 1
 * @param options.interval of the accuracy, 95 %
 * @throws EarmarkError where the matrix is not labels × labels
 */
export function confusionFigure(
  labels: readonly string[],
  counts: readonly (readonly number[])[],
  accuracy: number,
  { interval, title = 'Confusion matrix' }: { interval?: ConfusionData['interval']; title?: string } = {},
): Figure<ConfusionData> {
  if (
    labels.length === 0 ||
    counts.length !== labels.length ||
    counts.some((row) => row.length !== labels.length)
  ) {
    const got = `[${counts.length}, ${counts[0]?.length ?? 0}]`;
    throw new EarmarkError({
      what: 'confusion matrix',
      expected: `[${labels.length}, ${labels.length}], not empty`,
      got,
    });
  }
  const totals = counts.map((row) => row.reduce((sum, n) => sum + n, 0));
  const cellSize = Math.max(6, Math.min(36, 620 / labels.length));
  const table = cellsSvg({
    rows: labels,
    columns: labels,
    rowName: 'true',
    columnName: 'predicted',
    cell: (r, c) => {
      const n = counts[r]![c]!;
      const share = n === 0 ? 0 : n / totals[r]!;
      // Errors are few: the root of their share makes one in a hundred visible.
      const amount = r === c ? -0.85 * share : 0.85 * Math.sqrt(share);
      return { colour: n === 0 ? emptyCell : relevanceColour(amount), value: n === 0 ? '' : String(n) };
    },
    margin: {
      name: 'recall',
      values: counts.map((row, r) =>
        cellSize < 11 || totals[r] === 0 ? '' : formatPercent(row[r]! / totals[r]!),
      ),
    },
    cellWidth: cellSize,
    cellHeight: Math.min(cellSize, 28),
  });
  const total = totals.reduce((sum, n) => sum + n, 0);
  const rate = interval ? describeAccuracy({ accuracy, interval }) : formatPercent(accuracy);
  const subtitle = [`accuracy ${rate}`, `${total} recordings`];
  const data = { labels, counts, accuracy, ...(interval && { interval }) };
  return { ...sheet({ title, subtitle }, table), data };
}
