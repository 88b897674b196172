// How training went: loss, accuracy and learning rate over epochs, on the training part and on the part held out to stop.
import { scaleLinear } from 'd3-scale';
import { EarmarkError } from '../errors.ts';
import { ink, series } from './colours.ts';
import { bottomAxis, leftAxis } from './panels.ts';
import { element, type Figure, fitText, group, line, sheet, text } from './svg.ts';
import { formatNumber, formatPercent, linearTicks } from './ticks.ts';

/** One epoch; accuracies from 0 to 1. */
export interface Epoch {
  epoch: number;
  loss: number;
  accuracy: number;
  validationLoss?: number;
  validationAccuracy?: number;
  learningRate?: number;
}

export interface LearningCurvesOptions {
  /** The epoch whose weights were kept. */
  bestEpoch?: number;
  title?: string;
}

const size = { height: 210, left: 52, between: 110, top: 20, bottom: 38 };

interface Curve {
  name: string;
  colour: string;
  dash?: string;
  values: readonly (number | undefined)[];
}

interface Panel {
  title: string;
  /** Of the vertical axis. */
  name: string;
  curves: readonly Curve[];
  format: (value: number) => string;
}

/**
 * A panel each for loss, accuracy and, where it is known, the learning rate; the kept epoch is marked.
 *
 * @throws EarmarkError where there is no epoch
 */
export function learningCurvesFigure(
  history: readonly Epoch[],
  { bestEpoch, title = 'Learning curves' }: LearningCurvesOptions = {},
): Figure<{ history: readonly Epoch[]; bestEpoch: number | null }> {
  if (history.length === 0)
    throw new EarmarkError({ what: 'learning curves', expected: 'one epoch or more', got: 'none' });
  const curve = (name: string, value: (epoch: Epoch) => number | undefined): Curve => ({
    name,
    ...(name === 'training' ? { colour: series.first, dash: '5 3' } : { colour: series.second }),
    values: history.map(value),
  });
  const epochs = history.map((e) => e.epoch);
  const best = history.find((e) => e.epoch === bestEpoch);
  const panels: Panel[] = [
    {
      title: 'Loss',
      name: 'cross-entropy (nats)',
      curves: [curve('training', (e) => e.loss), curve('validation', (e) => e.validationLoss)],
      format: formatNumber,
    },
    {
      title: 'Accuracy',
      name: 'accuracy',
      curves: [curve('training', (e) => e.accuracy), curve('validation', (e) => e.validationAccuracy)],
      format: formatPercent,
    },
    ...ratePanel(history),
  ];
  const width = panels.length > 2 ? 232 : 340;
  const svg = panels.map((panel, i) =>
    group(i * (width + size.between), 0, curvePanel(panel, width, epochs, best?.epoch)),
  );
  const body = {
    svg: group(size.left, size.top, ...svg),
    width:
      size.left + panels.length * width + (panels.length - 1) * size.between + (panels.length > 2 ? 12 : 64),
    height: size.top + size.height + size.bottom,
  };
  const subtitle = best ? [describe(best)] : [];
  return { ...sheet({ title, subtitle }, body), data: { history, bestEpoch: bestEpoch ?? null } };
}

/** The learning rate where it is known, in units of the power of ten below its peak. */
function ratePanel(history: readonly Epoch[]): Panel[] {
  const peak = Math.max(...history.map((e) => e.learningRate ?? 0));
  if (peak === 0) return [];
  const unit = 10 ** Math.floor(Math.log10(peak));
  const values = history.map(({ learningRate: rate }) => (rate === undefined ? rate : rate / unit));
  return [
    {
      title: 'Learning rate',
      name: unit === 1 ? 'rate' : `rate (in units of ${formatNumber(unit)})`,
      curves: [{ name: '', colour: ink.text, values }],
      format: formatNumber,
    },
  ];
}

function describe(best: Epoch): string {
  const { validationLoss: loss, validationAccuracy: accuracy } = best;
  const facts = [
    loss === undefined ? '' : `loss ${formatNumber(loss)}`,
    accuracy === undefined ? '' : `accuracy ${formatPercent(accuracy)}`,
  ];
  const known = facts.filter(Boolean).join(', ');
  return `Kept: epoch ${best.epoch}${known && ` (validation ${known})`}`;
}

function curvePanel(
  { title, name, curves, format }: Panel,
  width: number,
  epochs: readonly number[],
  best: number | undefined,
): string {
  const { height } = size;
  const drawable = curves
    .map((c) => ({ ...c, points: pointsOf(epochs, c.values) }))
    .filter((c) => c.points.length > 0);
  const values = drawable.flatMap((c) => c.points.map(([, v]) => v));
  const domain = name === 'accuracy' ? [Math.min(0.9, ...values), 1] : [0, Math.max(1e-6, ...values)];
  const y = scaleLinear(domain, [height, 0]).nice(5);
  const [low, high] = y.domain() as [number, number];
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const x = scaleLinear(first === last ? [first - 1, last] : [first, last], [0, width]);
  const yTicks = linearTicks(low, high, 5, (v) => format(v));
  const xTicks = linearTicks(...(x.domain() as [number, number]), 7).filter((t) => !t.label.includes('.'));
  const ends = spread(drawable.map((c) => y(c.points.at(-1)![1])));
  return [
    text(0, -7, title, { size: 12, weight: 600 }),
    ...yTicks.map((t) =>
      line(0, (1 - t.position) * height, width, (1 - t.position) * height, { stroke: ink.grid }),
    ),
    best === undefined
      ? ''
      : line(x(best), 0, x(best), height, { stroke: ink.muted, 'stroke-dasharray': '1.5 2.5' }),
    ...drawable.map((c) =>
      curveSvg(
        c,
        c.points.map(([e, v]) => [x(e), y(v)]),
      ),
    ),
    ...drawable.map((c, i) => text(width + 7, ends[i]! + 3.7, c.name, { fill: ink.text })),
    ...drawable.map((c, i) =>
      line(width + 3, y(c.points.at(-1)![1]), width + 6, ends[i]!, { stroke: c.colour }),
    ),
    line(0, height, width, height),
    bottomAxis(xTicks, width, height, 'epoch'),
    leftAxis(yTicks, height, { text: fitText(name, height, 12), x: -42 }),
  ].join('');
}

function curveSvg(curve: Curve, points: readonly (readonly [number, number])[]): string {
  const style = {
    stroke: curve.colour,
    'stroke-width': 2,
    'stroke-linejoin': 'round',
    'stroke-dasharray': curve.dash,
  };
  const path = points
    .map(([px, py]) => `${Math.round(px * 100) / 100},${Math.round(py * 100) / 100}`)
    .join(' ');
  const [px, py] = points.at(-1)!;
  const end = element('circle', { cx: px, cy: py, r: 3, fill: curve.colour });
  return element('polyline', { points: path, fill: 'none', ...style }) + end;
}

function pointsOf(epochs: readonly number[], values: readonly (number | undefined)[]): [number, number][] {
  return epochs.flatMap((e, i) => (Number.isFinite(values[i]) ? [[e, values[i]!] as [number, number]] : []));
}

/** Two label heights pushed at least a line apart. */
function spread(heights: readonly number[]): number[] {
  const [a, b] = heights;
  if (a === undefined || b === undefined || Math.abs(a - b) >= 13) return [...heights];
  const centre = Math.min(size.height - 6, (a + b) / 2);
  return a <= b ? [centre - 6.5, centre + 6.5] : [centre + 6.5, centre - 6.5];
}
