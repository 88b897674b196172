// The picture of a long recording: which classes when, its spectrogram, and the relevance below, in lines of time.
import { EarmarkError } from '../errors.ts';
import { emptyCell } from './cells.ts';
import { checkedAxes, type Grid, largest, levels, scaler } from './clip.ts';
import { hex, probabilityColour, relevanceColour, spectrogramColour, textOn } from './colours.ts';
import { relevanceBar } from './explanation.ts';
import { barSvg, bottomAxis, type ColourBar, frame, leftAxis } from './panels.ts';
import { rasterUri } from './raster.ts';
import { below, type Figure, fitText, group, image, rect, sheet, text, textWidth } from './svg.ts';
import { frequencyTicks, linearTicks, timeTicks } from './ticks.ts';

export interface TimelinePicture {
  title: string;
  /** Parts of the line below the title, joined by dots and wrapped. */
  subtitle?: readonly string[];
  /** [classes] */
  labels: readonly string[];
  /** Probabilities [classes, columns]; NaN where there is nothing to hear. */
  track: Grid;
  /** [rows, columns]; row 0 is the lowest frequency. */
  features: Grid;
  /** Of the shape of the features. */
  relevance: Grid;
  /** Centre of each column (s). */
  times: ArrayLike<number>;
  /** Centre of each row (Hz), rising. */
  frequencies: ArrayLike<number>;
  featureLabel: string;
  /** Time that one line of the picture has room for (s). */
  lineSeconds: number;
}

/** How the numbers of a picture were laid out; they themselves are too many for JSON. */
export interface TimelineData {
  title: string;
  subtitle: readonly string[];
  lines: number;
  /** Classes that have a row. */
  classes: string[];
  /** Amount of relevance that gets the full colour. */
  limit: number;
}

const size = {
  width: 1120,
  left: 76,
  band: 18,
  track: 11,
  map: 104,
  gap: 12,
  bottom: 36,
  right: 92,
  top: 20,
};
const MOST_LINES = 8;
const MOST_CLASSES = 14;

/**
 * Lines of time, each with a band of the most probable class, a row for each class, the spectrogram and the relevance. Of
 * many classes those are drawn that are most probable at some time.
 *
 * @throws EarmarkError where shapes differ or a value is not finite
 */
export function timelineFigure(picture: TimelinePicture): Figure<TimelineData> {
  const { features, relevance, track, times, frequencies, labels, title, subtitle = [] } = picture;
  checkedAxes({ features, times, frequencies }, [relevance]);
  if (track.rows !== labels.length || track.columns !== features.columns) {
    const expected = `[${labels.length}, ${features.columns}]`;
    throw new EarmarkError({
      what: 'class track of a figure',
      expected,
      got: `[${track.rows}, ${track.columns}]`,
    });
  }
  const { columns } = features;
  const seconds = columns > 1 ? ((times[columns - 1]! - times[0]!) * columns) / (columns - 1) : 0;
  const wanted = Math.min(MOST_LINES, Math.max(1, Math.ceil(seconds / picture.lineSeconds - 1e-9)));
  const perLine = Math.ceil(columns / wanted);
  const together = Math.ceil(perLine / size.width);
  const pooled = {
    features: columnsTogether(features, together, Math.max),
    relevance: columnsTogether(relevance, together, (a, b) => a + b),
    track: columnsTogether(track, together, (a) => a),
  };
  const shown = shownClasses(track);
  const limit = fullColour(pooled.relevance);
  const level = levels(pooled.features);
  const scaled = scaler(pooled.relevance, limit);
  const width = Math.ceil(perLine / together);
  const lines = Math.ceil(pooled.features.columns / width);
  const heights = [shown.length * size.track, size.map, size.map];
  const bars: ColourBar[] = [
    { label: 'probability', ticks: linearTicks(0, 1, 2), columns: [probabilityColour] },
    {
      label: picture.featureLabel,
      ticks: linearTicks(level.low, level.high, 4),
      columns: [spectrogramColour],
    },
    relevanceBar([pooled.relevance], limit),
  ];
  const bodies = Array.from({ length: lines }, (_, l) => {
    const from = l * width;
    const count = Math.min(width, pooled.features.columns - from);
    const wide = (size.width * count) / width;
    const at = Array.from({ length: count }, (_, c) => {
      const first = (from + c) * together;
      return (times[first]! + times[Math.min(first + together, columns) - 1]!) / 2;
    });
    const names = shown.toReversed().map((k) => fitText(labels[k]!, size.left - 30, 11));
    const rows = [
      {
        colour: (r: number, c: number) => probability(pooled.track, shown[shown.length - 1 - r]!, from + c),
        rows: shown.length,
        axis: names.map((label, i) => ({ position: (i + 0.5) / names.length, label })),
      },
      {
        colour: (r: number, c: number) => spectrogramColour(level.at(r, from + c)),
        rows: features.rows,
        axis: frequencyTicks(frequencies, size.map),
      },
      {
        colour: (r: number, c: number) => relevanceColour(scaled(r, from + c)),
        rows: features.rows,
        axis: frequencyTicks(frequencies, size.map),
      },
    ];
    const tops = rows.map((_, i) => size.band + 5 + offset(heights, i));
    const drawn = rows.map(({ colour, rows: n, axis }, i) =>
      group(
        0,
        tops[i]!,
        image(
          0,
          0,
          wide,
          heights[i]!,
          rasterUri(n, count, (r, c) => colour(n - 1 - r, c)),
        ),
        frame(wide, heights[i]!),
        leftAxis(axis, heights[i]!, { text: i === 0 ? '' : 'frequency (Hz)', x: -40 }),
        l === 0 ? group(size.width + 8, 0, barSvg(bars[i]!, heights[i]!)) : '',
      ),
    );
    const height = tops[2]! + size.map;
    const ticks = timeTicks(at, wide);
    const svg = group(
      size.left,
      l === 0 ? size.top : 0,
      ...(l === 0 ? [text(0, -7, headings(shown.length, labels.length), { size: 12, weight: 600 })] : []),
      bandSvg(pooled.track, labels, from, count, wide),
      ...drawn,
      bottomAxis(ticks, wide, height, l === lines - 1 ? 'time (s)' : ''),
    );
    return {
      svg,
      width: size.left + size.width + size.right,
      height: (l === 0 ? size.top : 0) + height + (l === lines - 1 ? size.bottom : 20),
    };
  });
  const data = { title, subtitle, lines, classes: shown.map((k) => labels[k]!), limit };
  return { ...sheet(picture, below(bodies, 14)), data };
}

const offset = (heights: readonly number[], i: number) =>
  heights.slice(0, i).reduce((y, h) => y + h + size.gap, 0);

const headings = (shown: number, all: number) =>
  `Most probable class, ${shown < all ? `the ${shown} most probable of ${all} classes` : 'all classes'}, spectrogram, relevance`;

/** The largest amount but for one cell in 2,000, so that a click does not pale all else. */
function fullColour({ data }: Grid): number {
  const amounts = Float64Array.from(data, Math.abs)
    .filter((v) => v > 0)
    .sort();
  return (
    amounts[Math.floor(amounts.length * (1 - 1 / 2000))] ?? largest({ rows: 1, columns: data.length, data })
  );
}

function probability({ data, columns }: Grid, k: number, c: number) {
  const p = data[k * columns + c]!;
  return Number.isNaN(p) ? emptyCell : probabilityColour(p);
}

/** Classes that have a row, in their order. */
function shownClasses({ rows, columns, data }: Grid): number[] {
  const most = new Float64Array(rows);
  for (const [i, p] of data.entries()) {
    const k = Math.floor(i / columns);
    if (p > most[k]!) most[k] = p;
  }
  const ranked = [...most.keys()].sort((a, b) => most[b]! - most[a]!);
  return ranked.slice(0, MOST_CLASSES).sort((a, b) => a - b);
}

/** The most probable class over time: a box for as long as it stays, with its name where there is room. */
function bandSvg(track: Grid, labels: readonly string[], from: number, count: number, width: number): string {
  const { rows, columns, data } = track;
  const best = (c: number) => {
    let top = -1;
    for (let k = 0; k < rows; k++) {
      const p = data[k * columns + c]!;
      if (!Number.isNaN(p) && (top < 0 || p > data[top * columns + c]!)) top = k;
    }
    return top;
  };
  const runs: { top: number; begin: number; end: number; sum: number }[] = [];
  for (let c = 0; c < count; c++) {
    const top = best(from + c);
    const p = top < 0 ? 0 : data[top * columns + from + c]!;
    const run = runs.at(-1);
    if (run?.top === top) Object.assign(run, { end: c + 1, sum: run.sum + p });
    else runs.push({ top, begin: c, end: c + 1, sum: p });
  }
  const step = width / count;
  return runs
    .map(({ top, begin, end, sum }) => {
      const [x, wide] = [begin * step, (end - begin) * step];
      const colour = top < 0 ? emptyCell : probabilityColour((0.55 * sum) / (end - begin));
      const name = top < 0 ? 'silence' : labels[top]!;
      const fits = textWidth(name, 11.5) < wide - 3;
      const box = rect(x, 0, wide, size.band, { fill: hex(colour), stroke: '#ffffff', 'stroke-width': 1 });
      if (!fits) return box;
      return box + text(x + wide / 2, 13, name, { anchor: 'middle', fill: textOn(colour) });
    })
    .join('');
}

function columnsTogether(grid: Grid, together: number, join: (a: number, b: number) => number): Grid {
  if (together === 1) return grid;
  const columns = Math.ceil(grid.columns / together);
  const data = new Float64Array(grid.rows * columns);
  for (const [i, v] of grid.data.entries()) {
    const c = i % grid.columns;
    const at = Math.floor(i / grid.columns) * columns + Math.floor(c / together);
    data[at] = c % together === 0 ? v : join(data[at]!, v);
  }
  return { rows: grid.rows, columns, data };
}
