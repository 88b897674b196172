// The reliability diagram: whether a classifier is as sure as it is right.
import { scaleLinear } from 'd3-scale';
import { EarmarkError } from '../errors.ts';
import { ink, paper, series } from './colours.ts';
import { bottomAxis, frame, leftAxis } from './panels.ts';
import { type Figure, group, line, rect, sheet, text } from './svg.ts';
import { formatNumber, formatPercent, linearTicks } from './ticks.ts';

/** The clips whose confidence lies above `low` and at most at `high`; shares are `null` where there is none. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly clips: number;
  readonly accuracy: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly confidence: number | null;
}

export interface ReliabilityData {
  readonly ece: number;
  /** Mean probability of the predicted class. */
  readonly confidence: number;
  /** Nats. */
  readonly nll: number;
  readonly brier: number;
  readonly bins: readonly ReliabilityBin[];
}

const size = { width: 330, height: 250, counts: 70, between: 14, left: 52 };
const mark = { stroke: series.second, 'stroke-width': 3 };
/**
 * Accuracy over confidence in bins (Guo et al. 2017, figure 1): bars of the share of right answers with 95 % intervals, and a mark
 * at the mean confidence of each bin, where the bar of a calibrated classifier would end; below, how many clips each bin holds.
 *
 * @throws EarmarkError where there is no clip
 */
export function reliabilityFigure(
  calibration: ReliabilityData,
  title = 'Reliability',
): Figure<ReliabilityData> {
  const { ece, confidence, nll, brier, bins } = calibration;
  const clips = bins.reduce((sum, bin) => sum + bin.clips, 0);
  if (clips === 0) throw new EarmarkError({ what: 'reliability', expected: 'one clip or more', got: 'none' });
  const accuracy = bins.reduce((sum, bin) => sum + bin.clips * (bin.accuracy ?? 0), 0) / clips;
  const percent = (v: number) => `${(100 * v).toFixed(1)} %`;
  const subtitle = [
    `mean confidence ${percent(confidence)}, accuracy ${percent(accuracy)}`,
    `negative log-likelihood ${formatNumber(nll)} nats`,
    `Brier score ${formatNumber(brier)}`,
  ];
  const { width, height, counts, between, left } = size;
  const body = {
    svg: group(left, 22, accuracySvg(bins), group(0, height + between, countsSvg(bins))),
    width: left + width + 12,
    height: 22 + height + between + counts + 40,
  };
  const heading = { title: `${title}: expected calibration error ${formatPercent(ece)}`, subtitle };
  return { ...sheet(heading, body), data: { ece, confidence, nll, brier, bins } };
}

function accuracySvg(bins: readonly ReliabilityBin[]): string {
  const { width, height } = size;
  const y = scaleLinear([0, 1], [height, 0]);
  const ticks = linearTicks(0, 1, 5, formatPercent);
  const bars = bins.flatMap(({ low, high, accuracy, confidence, interval }) => {
    if (accuracy === null || confidence === null || !interval) return [];
    const [x, w] = [low * width + 1, (high - low) * width - 2];
    const whisker = [x + w / 2, y(interval.low), x + w / 2, y(interval.high)] as const;
    return [
      rect(x, y(accuracy), w, height - y(accuracy), { fill: series.first }),
      line(...whisker, { stroke: paper, 'stroke-width': 3 }),
      line(...whisker, { 'stroke-width': 1.25 }),
      line(x, y(confidence), x + w, y(confidence), mark),
    ];
  });
  return [
    ...ticks.map((t) => line(0, y(t.position), width, y(t.position), { stroke: ink.grid })),
    ...bars,
    line(0, height, width, 0, { stroke: ink.muted, 'stroke-dasharray': '4 3' }),
    frame(width, height),
    bottomAxis(linearTicks(0, 1, 5), width, height, null),
    leftAxis(ticks, height, { text: 'accuracy', x: -42 }),
    rect(0, -17, 10, 10, { fill: series.first }),
    text(15, -8, 'accuracy, 95 % interval'),
    line(176, -12, 190, -12, mark),
    text(195, -8, 'mean confidence'),
  ].join('');
}

function countsSvg(bins: readonly ReliabilityBin[]): string {
  const { width, counts: height } = size;
  const y = scaleLinear([0, Math.max(...bins.map(({ clips }) => clips))], [height, 0]).nice(3);
  const ticks = linearTicks(0, y.domain()[1]!, 3);
  const bars = bins.map(({ low, high, clips }) =>
    clips === 0
      ? ''
      : rect(low * width + 1, y(clips), (high - low) * width - 2, height - y(clips), { fill: ink.muted }),
  );
  return [
    ...ticks.map((t) =>
      line(0, (1 - t.position) * height, width, (1 - t.position) * height, { stroke: ink.grid }),
    ),
    ...bars,
    frame(width, height),
    bottomAxis(linearTicks(0, 1, 5, formatPercent), width, height, 'confidence'),
    leftAxis(ticks, height, { text: 'clips', x: -42 }),
  ].join('');
}
