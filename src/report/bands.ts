// In which frequency bands the relevance lies: by class, and for right against wrong answers.
import { scaleLinear } from 'd3-scale';
import { type GroupShares, MINIMUM_GROUP } from '../analysis/comparison.ts';
import { EarmarkError } from '../errors.ts';
import { cellsSvg, emptyCell } from './cells.ts';
import { ink, relevanceColour, series } from './colours.ts';
import { leftAxis } from './panels.ts';
import { type Figure, group, line, rect, sheet, text, textWidth } from './svg.ts';
import { formatHertz, formatPercent, linearTicks } from './ticks.ts';

export interface BandsData {
  labels: readonly string[];
  bandEdges: readonly number[];
  /** shares[class][band], each row adding up to 1; null where a class has no recording. */
  shares: readonly (readonly number[] | null)[];
}

/**
 * The share of (positive) relevance in each frequency band for each class.
 *
 * @param bandEdges in Hz, one more than there are bands
 * @throws EarmarkError where a class does not have a share for each band
 */
export function bandsFigure(
  labels: readonly string[],
  bandEdges: readonly number[],
  shares: readonly (readonly number[] | null)[],
  title = 'Share of positive relevance by frequency band',
): Figure<BandsData> {
  const columns = bandNames(bandEdges);
  const wrong = shares.find((row) => row && row.length !== columns.length);
  if (labels.length === 0 || shares.length !== labels.length || wrong) {
    const got = wrong ? `${wrong.length} shares` : `${shares.length} rows`;
    throw new EarmarkError({
      what: 'shares by band',
      expected: `${columns.length} bands of ${labels.length} classes`,
      got,
    });
  }
  const largest = Math.max(1e-9, ...shares.flatMap((row) => row ?? []));
  const table = cellsSvg({
    rows: labels,
    columns,
    rowName: 'class',
    columnName: 'frequency (Hz)',
    cell: (r, c) => {
      const value = shares[r]?.[c];
      if (value === undefined) return { colour: emptyCell, value: '–' };
      return { colour: relevanceColour((0.9 * value) / largest), value: formatPercent(value) };
    },
    cellWidth: Math.max(58, ...columns.map((name) => textWidth(name, 11) + 10)),
    cellHeight: Math.max(14, Math.min(26, 520 / labels.length)),
  });
  return {
    ...sheet({ title, subtitle: ['each row adds up to 100 %'] }, table),
    data: { labels, bandEdges, shares },
  };
}

export interface CorrectWrongData {
  bandEdges: readonly number[];
  correct: GroupShares;
  misclassified: GroupShares | null;
}

/**
 * Shares of |relevance| by band, on silence and on padding: correctly classified against misclassified recordings. With
 * fewer than {@link MINIMUM_GROUP} of the latter (or null for none) only the former are drawn, and the figure says so.
 *
 * @param bandEdges in Hz, one more than there are bands
 * @throws EarmarkError where a group has shares, but not one for each band
 */
export function correctWrongFigure(
  bandEdges: readonly number[],
  correct: GroupShares,
  misclassified: GroupShares | null,
  title = 'Share of |relevance|, correct against misclassified',
): Figure<CorrectWrongData> {
  const bands = bandNames(bandEdges);
  for (const g of [correct, misclassified]) {
    if (!g?.bands || g.bands.length === bands.length) continue;
    throw new EarmarkError({
      what: 'shares by band',
      expected: `${bands.length} bands`,
      got: `${g.bands.length}`,
    });
  }
  const errors = misclassified?.n ?? 0;
  const drawn = (name: string, colour: string, g: GroupShares | null): BarGroup[] =>
    g?.bands ? [{ name: `${name} (n = ${g.n})`, colour, shares: [...g.bands, g.silence, g.padding] }] : [];
  const groups = [
    ...drawn('correct', series.first, correct),
    ...drawn('misclassified', series.second, errors >= MINIMUM_GROUP ? misclassified : null),
  ];
  const few =
    errors === 0 ? 'no recording was misclassified' : `only ${errors} misclassified: too few to sum up`;
  const body = barsSvg([...bands, 'silence', 'padding'], bands.length, groups);
  const subtitle = errors >= MINIMUM_GROUP ? [] : [few];
  return { ...sheet({ title, subtitle }, body), data: { bandEdges, correct, misclassified } };
}

interface BarGroup {
  name: string;
  colour: string;
  shares: readonly (number | null)[];
}

/** Bars side by side in each category; the first `together` categories stand apart from the rest. */
function barsSvg(names: readonly string[], together: number, groups: readonly BarGroup[]) {
  const [left, top, height, bar] = [52, 34, 200, 25];
  const step = Math.max(bar * groups.length + 18, ...names.map((n) => textWidth(n, 11) + 12));
  const at = (i: number) => i * step + (i < together ? 0 : 26);
  const width = at(names.length);
  const highest = Math.max(0.01, ...groups.flatMap((g) => g.shares.map((v) => v ?? 0)));
  const y = scaleLinear([0, highest], [height, 0]).nice(5);
  const ticks = linearTicks(0, y.domain()[1]!, 5, formatPercent);
  const bars = groups.flatMap((g, k) =>
    g.shares.flatMap((value, i) => {
      const x = at(i) + step / 2 + (k - groups.length / 2) * bar;
      const label = text(
        x + bar / 2,
        y(value ?? 0) - 4,
        value === null ? '–' : formatPercent(value).replace(' %', ''),
        {
          anchor: 'middle',
          size: 10,
        },
      );
      return [rect(x + 1, y(value ?? 0), bar - 2, height - y(value ?? 0), { fill: g.colour }), label];
    }),
  );
  const legend = groups.map((g, k) => {
    const x = groups.slice(0, k).reduce((sum, before) => sum + textWidth(before.name, 12) * 1.05 + 34, 0);
    return rect(x, -28, 11, 11, { fill: g.colour }) + text(x + 16, -18, g.name, { size: 12 });
  });
  const svg = group(
    left,
    top,
    ...ticks.map((t) =>
      line(0, (1 - t.position) * height, width, (1 - t.position) * height, { stroke: ink.grid }),
    ),
    ...bars,
    line(0, height, at(together - 1) + step, height),
    line(at(together), height, width, height),
    ...names.map((name, i) => text(at(i) + step / 2, height + 15, name, { anchor: 'middle' })),
    text((at(together - 1) + step) / 2, height + 32, 'frequency (Hz)', { anchor: 'middle', size: 12 }),
    text((at(together) + width) / 2, height + 32, 'where in time', { anchor: 'middle', size: 12 }),
    leftAxis(ticks, height, { text: 'mean share of |relevance|', x: -42 }),
    ...legend,
  );
  return { svg, width: left + width, height: top + height + 38 };
}

function bandNames(edges: readonly number[]): string[] {
  return edges.slice(1).map((high, i) => `${formatHertz(edges[i]!)}–${formatHertz(high)}`);
}
