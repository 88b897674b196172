// The picture of an explained waveform: its samples, coloured by their relevance, the relevance along them, and its bands.
import { scaleLinear } from 'd3-scale';
import { EarmarkError } from '../errors.ts';
import type { Profile } from '../hertz/profile.ts';
import { checkedAxes, type Grid } from './clip.ts';
import { hex, ink, overlayColour, relevanceColour } from './colours.ts';
import { bottomAxis, frame, leftAxis } from './panels.ts';
import { profileSvg } from './profile.ts';
import { below, element, type Figure, group, line, sheet, text } from './svg.ts';
import { formatNumber, linearTicks, timeTicks } from './ticks.ts';

export interface WaveformPicture {
  /** [samples] */
  samples: Grid['data'];
  /** Of each sample; [samples]. */
  relevance: Grid['data'];
  /** Of each sample (s). */
  times: ArrayLike<number>;
  /** What a sample is, with its unit, such as "amplitude". */
  featureLabel: string;
  title: string;
  /** Parts of the line below the title, joined by dots and wrapped. */
  subtitle?: readonly string[];
  /** In which bands and when relevance lies. */
  profile?: Profile;
}

/** The numbers behind the picture, with 7 significant digits. */
export interface WaveformData {
  title: string;
  subtitle: readonly string[];
  featureLabel: string;
  times: number[];
  samples: number[];
  relevance: number[];
  profile?: Profile;
}

const size = { width: 760, height: 150, left: 58, right: 16, top: 20, between: 34, bottom: 38 };

/** The samples under one column of pixels. */
interface Column {
  lowest: number;
  highest: number;
  /** Σ max(R, 0) */
  positive: number;
  /** Σ min(R, 0) */
  negative: number;
}

/**
 * Two panels over time: the samples, each column of the picture from their lowest to their highest, in the colour of the
 * sum of their relevance; and the relevance, summed over each column, what speaks for above what speaks against.
 *
 * @throws EarmarkError where lengths differ or a value is not finite
 */
export function waveformFigure(picture: WaveformPicture): Figure<WaveformData> {
  const { samples, relevance, times, featureLabel, title, subtitle = [], profile } = picture;
  const row = (data: Grid['data']): Grid => ({ rows: 1, columns: data.length, data });
  if (samples.length !== relevance.length) {
    const [expected, got] = [`${samples.length} values`, `${relevance.length}`];
    throw new EarmarkError({ what: 'relevance of a waveform', expected, got });
  }
  checkedAxes({ features: row(samples), times, frequencies: null }, [row(relevance)]);
  const columns = columnsOf(samples, relevance, Math.min(size.width, samples.length));
  const ticks = timeTicks(times, size.width);
  const between = (times[times.length - 1]! - times[0]!) / (times.length - 1);
  const step = (between * times.length) / columns.length;
  const about = `Relevance for (up) and against (down) the class${step > 0 ? `, in steps of ${formatNumber(1000 * step)} ms` : ''}`;
  const body = {
    svg: group(
      size.left,
      size.top,
      group(0, 0, samplesSvg(columns, featureLabel), bottomAxis(ticks, size.width, size.height, null)),
      group(
        0,
        size.height + size.between,
        text(0, -7, about, { size: 12, weight: 600 }),
        relevanceSvg(columns),
        bottomAxis(ticks, size.width, size.height, 'time (s)'),
      ),
    ),
    width: size.left + size.width + size.right,
    height: size.top + 2 * size.height + size.between + size.bottom,
  };
  const columnsBelow = [{ x: size.left, width: size.width }];
  const bodies = profile ? [body, profileSvg(profile, { ...body, columns: columnsBelow })] : [body];
  const digits = (v: number) => Number(v.toPrecision(7));
  const data = {
    title,
    subtitle,
    featureLabel,
    times: Array.from(times, digits),
    samples: Array.from(samples, digits),
    relevance: Array.from(relevance, digits),
    ...(profile && { profile }),
  };
  return { ...sheet(picture, below(bodies, 20)), data };
}

function columnsOf(samples: Grid['data'], relevance: Grid['data'], count: number): Column[] {
  const start = (c: number) => Math.floor((c * samples.length) / count);
  return Array.from({ length: count }, (_, c) => {
    const column: Column = {
      lowest: Number.POSITIVE_INFINITY,
      highest: Number.NEGATIVE_INFINITY,
      positive: 0,
      negative: 0,
    };
    for (let n = start(c); n < start(c + 1); n++) {
      column.lowest = Math.min(column.lowest, samples[n]!);
      column.highest = Math.max(column.highest, samples[n]!);
      column.positive += Math.max(relevance[n]!, 0);
      column.negative += Math.min(relevance[n]!, 0);
    }
    return column;
  });
}

function samplesSvg(columns: readonly Column[], label: string): string {
  const reach = Math.max(...columns.flatMap((c) => [-c.lowest, c.highest])) || 1;
  const most = Math.max(...columns.map((c) => Math.abs(c.positive + c.negative))) || 1;
  const y = scaleLinear([-reach, reach], [size.height, 0]);
  const wide = size.width / columns.length;
  const bars = columns.map((c, i) => {
    const middle = (i + 0.5) * wide;
    // A column of one level is still a pixel high.
    const [top, bottom] = [y(c.highest) - 0.5, y(c.lowest) + 0.5];
    const colour = hex(overlayColour(1, (c.positive + c.negative) / most));
    return line(middle, top, middle, bottom, { stroke: colour, 'stroke-width': Math.max(1, wide) });
  });
  return [
    text(0, -7, 'Samples in the colour of their relevance', { size: 12, weight: 600 }),
    ...bars,
    frame(size.width, size.height),
    leftAxis(linearTicks(-reach, reach, 5), size.height, { text: label, x: -46 }),
  ].join('');
}

function relevanceSvg(columns: readonly Column[]): string {
  const limit = Math.max(...columns.flatMap((c) => [c.positive, -c.negative])) || 1;
  const y = scaleLinear([-limit, limit], [size.height, 0]);
  const wide = size.width / columns.length;
  const area = (values: readonly number[], colour: string) => {
    const steps = values.map(
      (v, i) => `${round(i * wide)},${round(y(v))} ${round((i + 1) * wide)},${round(y(v))}`,
    );
    const points = `0,${round(y(0))} ${steps.join(' ')} ${size.width},${round(y(0))}`;
    return element('polygon', { points, fill: colour });
  };
  return [
    area(
      columns.map((c) => c.positive),
      hex(relevanceColour(0.9)),
    ),
    area(
      columns.map((c) => c.negative),
      hex(relevanceColour(-0.9)),
    ),
    line(0, y(0), size.width, y(0), { stroke: ink.axis }),
    frame(size.width, size.height),
    leftAxis(linearTicks(-limit, limit, 5, formatNumber), size.height, { text: 'relevance', x: -46 }),
  ].join('');
}

const round = (v: number) => Math.round(100 * v) / 100;
