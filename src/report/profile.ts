// In which bands and when relevance lies: three plots to stand below a clip's maps.
import { scaleLinear } from 'd3-scale';
import type { BandShare, Profile } from '../hertz/profile.ts';
import { hex, relevanceColour } from './colours.ts';
import { bottomAxis, frame, leftAxis, type PlotColumn } from './panels.ts';
import { element, group, line, rect, text, textWidth } from './svg.ts';
import { formatHertz, formatPercent, linearTicks, timeTicks } from './ticks.ts';

const size = { top: 20, height: 112, bottom: 38, between: 64 };
const colours = { positive: hex(relevanceColour(0.9)), negative: hex(relevanceColour(-0.9)) };

/** Shares of |relevance|, what speaks for above 0 and what speaks against below. */
interface Sides {
  positive: readonly number[];
  negative: readonly number[];
}

/**
 * Third octaves, the bands of speech, and time, as parts of all |relevance|.
 *
 * @param place what stands above: three columns, of which the last has time along it, or one to divide by three
 */
export function profileSvg(
  profile: Profile,
  { columns, width }: { columns: readonly PlotColumn[]; width: number },
): { svg: string; width: number; height: number } {
  const [first, second, third] = columns.length === 3 ? columns : thirds(columns[0]!);
  const { thirdOctaves, named, time } = profile;
  const plots = [
    [first!, octavesSvg(thirdOctaves, sharesOf(profile, thirdOctaves), first!.width)],
    [second!, namedSvg(named, sharesOf(profile, named), second!.width)],
    [third!, timeSvg(time.times, scaledSides(profile, time), third!.width)],
  ] as const;
  return {
    svg: plots.map(([{ x }, svg]) => group(x, size.top, svg)).join(''),
    width,
    height: size.top + size.height + size.bottom,
  };
}

function thirds({ x, width }: PlotColumn): PlotColumn[] {
  const part = (width - 2 * size.between) / 3;
  return [0, 1, 2].map((i) => ({ x: x + i * (part + size.between), width: part }));
}

function sharesOf(profile: Profile, bands: readonly BandShare[]): Sides {
  return scaledSides(profile, {
    positive: bands.map((band) => band.positive),
    negative: bands.map((band) => band.negative),
  });
}

/** Shares of each side as parts of both. */
function scaledSides({ positive, negative }: Profile, sides: Sides): Sides {
  const all = positive + negative || 1;
  return {
    positive: sides.positive.map((v) => (v * positive) / all),
    negative: sides.negative.map((v) => (v * negative) / all),
  };
}

/** From the largest share against to the largest for, with room for a tick at least. */
function scaleOf({ positive, negative }: Sides, range: readonly [number, number]) {
  const [low, high] = [-Math.max(0, ...negative), Math.max(0, ...positive)];
  return scaleLinear(low === high ? [-1, 1] : [low, high], range).nice(4);
}

const percent = (v: number) => formatPercent(Math.abs(v)).replace(' %', '').replace('< ', '<');

function verticalAxis(y: ReturnType<typeof scaleOf>): string {
  const [low, high] = y.domain() as [number, number];
  return leftAxis(linearTicks(low, high, 4, percent), size.height, { text: '% of |relevance|', x: -36 });
}

function octavesSvg(bands: readonly BandShare[], sides: Sides, width: number): string {
  const y = scaleOf(sides, [size.height, 0]);
  const step = width / bands.length;
  const bar = (v: number, i: number, fill: string) =>
    v === 0
      ? ''
      : rect(i * step + 0.5, Math.min(y(0), y(v)), Math.max(1, step - 1), Math.abs(y(v) - y(0)), { fill });
  const octaves = bands.flatMap(({ name }, i) => {
    const isOctave = Math.abs(Math.log2(Number(name) / 1000) % 1) < 0.02 || i === 0;
    return isOctave
      ? [{ position: (i + 0.5) / bands.length, label: i === 0 ? name : formatHertz(Number(name)) }]
      : [];
  });
  return [
    heading('By third octave'),
    ...sides.positive.map((v, i) => bar(v, i, colours.positive)),
    ...sides.negative.map((v, i) => bar(-v, i, colours.negative)),
    line(0, y(0), width, y(0)),
    frame(width, size.height),
    verticalAxis(y),
    bottomAxis(octaves, width, size.height, 'frequency (Hz)'),
  ].join('');
}

/** Horizontal bars beside their names, from low to high frequency upwards. */
function namedSvg(bands: readonly BandShare[], sides: Sides, width: number): string {
  const most = (values: readonly number[]) => Math.max(0, ...values);
  const [low, high] = [-most(sides.negative), most(sides.positive)];
  const names = Math.max(...bands.map(({ name }) => textWidth(name, 11.5)));
  const value = 36;
  const x = scaleLinear(low === high ? [0, 1] : [low, high], [names + (low < 0 ? value : 8), width - value]);
  const step = size.height / bands.length;
  const thick = Math.min(14, 0.6 * step);
  const rows = bands.map(({ name }, i) => {
    const middle = size.height - (i + 0.5) * step;
    const [plus, minus] = [sides.positive[i]!, sides.negative[i]!];
    const bar = (from: number, to: number, fill: string) =>
      rect(x(from), middle - thick / 2, x(to) - x(from), thick, { fill });
    return [
      text(0, middle + 3.7, name),
      bar(0, plus, colours.positive),
      bar(-minus, 0, colours.negative),
      text(x(plus) + 4, middle + 3.7, formatPercent(plus)),
      minus > 0 ? text(x(-minus) - 4, middle + 3.7, formatPercent(minus), { anchor: 'end' }) : '',
    ].join('');
  });
  return [heading('By band (% of |relevance|)'), ...rows, line(x(0), 0, x(0), size.height)].join('');
}

function timeSvg(times: readonly number[], sides: Sides, width: number): string {
  const y = scaleOf(sides, [size.height, 0]);
  const step = width / times.length;
  const round = (v: number) => Math.round(100 * v) / 100;
  const area = (values: readonly number[], fill: string) => {
    const steps = values.map(
      (v, i) => `${round(i * step)},${round(y(v))} ${round((i + 1) * step)},${round(y(v))}`,
    );
    return element('polygon', {
      points: `0,${round(y(0))} ${steps.join(' ')} ${width},${round(y(0))}`,
      fill,
    });
  };
  return [
    heading('Over time'),
    area(sides.positive, colours.positive),
    area(
      sides.negative.map((v) => -v),
      colours.negative,
    ),
    line(0, y(0), width, y(0)),
    frame(width, size.height),
    verticalAxis(y),
    bottomAxis(timeTicks(times, width), width, size.height, 'time (s)'),
  ].join('');
}

const heading = (content: string) => text(0, -7, content, { size: 12, weight: 600 });
