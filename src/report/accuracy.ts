// Shares of right answers with their intervals, a row each: what figures of speakers and of folds have in common.
import { scaleLinear } from 'd3-scale';
import { ink, series } from './colours.ts';
import { bottomAxis, frame } from './panels.ts';
import { element, fitText, group, line, rect, text, textWidth } from './svg.ts';
import { formatPercent, linearTicks } from './ticks.ts';

/** Right answers among clips; shares from 0 to 1. */
export interface Accuracy {
  readonly accuracy: number;
  readonly clips: number;
  readonly correct: number;
  /** Of the accuracy, 95 %. */
  readonly interval: { readonly low: number; readonly high: number };
}

export interface AccuracyRow extends Accuracy {
  readonly name: string;
}

export interface AccuracyTable {
  readonly rows: readonly AccuracyRow[];
  /** What the rows are taken together; drawn below them. */
  readonly together: AccuracyRow;
  /** A dashed line through all rows, and a band about it. */
  readonly line: { readonly at: number; readonly low: number; readonly high: number };
}

const width = 360;

/** "96.7 % (94.0–98.2 %)" */
export function describeAccuracy({
  accuracy,
  interval: { low, high },
}: Pick<Accuracy, 'accuracy' | 'interval'>): string {
  return `${formatPercent(accuracy)} (${formatPercent(low).replace(' %', '')}–${formatPercent(high)})`;
}

/** A dot at each accuracy, a line over its interval, and the numbers at the right. */
export function accuraciesSvg({ rows, together, line: mark }: AccuracyTable): {
  svg: string;
  width: number;
  height: number;
} {
  const step = rows.length > 30 ? 13 : 20;
  const height = (rows.length + 1.6) * step + 8;
  const all = [...rows, together];
  const left = 16 + Math.min(150, Math.max(...all.map(({ name }) => textWidth(name, 12.6))));
  const lowest = Math.min(mark.low, ...all.map(({ interval }) => interval.low));
  const x = scaleLinear([Math.max(0, Math.min(0.9, lowest)), 1], [0, width]).nice(5);
  const [low, high] = x.domain() as [number, number];
  const ticks = linearTicks(low, high, 5, formatPercent);
  const row = ({ name, accuracy, interval, correct, clips }: AccuracyRow, y: number, colour: string) => [
    text(-9, y + 4, fitText(name, left - 12, 12), { anchor: 'end', size: 12 }),
    line(x(interval.low), y, x(interval.high), y, { stroke: colour, 'stroke-width': 2 }),
    element('circle', { cx: x(accuracy), cy: y, r: step > 15 ? 4 : 3, fill: colour }),
    text(width + 10, y + 4, formatPercent(accuracy)),
    text(width + 62, y + 4, `${correct} of ${clips}`, { fill: ink.muted }),
  ];
  const clamp = (v: number) => x(Math.min(high, Math.max(low, v)));
  const foot = height - 0.5 * step - 4;
  const svg = [
    rect(clamp(mark.low), 0, clamp(mark.high) - clamp(mark.low), height, { fill: '#eef2f6' }),
    ...ticks.map((t) => line(t.position * width, 0, t.position * width, height, { stroke: ink.grid })),
    line(x(mark.at), 0, x(mark.at), height, { stroke: ink.muted, 'stroke-dasharray': '4 3' }),
    ...rows.flatMap((r, i) => row(r, 4 + (i + 0.5) * step, series.first)),
    line(0, foot - 0.8 * step, width, foot - 0.8 * step, { stroke: ink.grid }),
    ...row(together, foot, ink.text),
    frame(width, height),
    bottomAxis(ticks, width, height, 'accuracy, 95 % interval'),
  ];
  return { svg: group(left, 4, ...svg), width: left + width + 130, height: height + 42 };
}
