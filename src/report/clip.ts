// What every picture of a clip starts from: matching matrices and axes, checked, and the numbers as JSON.
import { EarmarkError } from '../errors.ts';
import type { PanelAxes } from './panels.ts';

/** Values of cells, row-major: element (r, c) is `data[r * columns + c]`. A feature matrix is one. */
export interface Grid {
  rows: number;
  columns: number;
  data: Float32Array | Float64Array;
}

/** What the figures of a clip have in common. */
export interface ClipPicture {
  /** [rows, frames]; row 0 is the lowest frequency and is drawn at the bottom. */
  features: Grid;
  /** Centre of each frame (s). */
  times: ArrayLike<number>;
  /** Centre of each row (Hz), rising; null where rows are coefficients. */
  frequencies: ArrayLike<number> | null;
  /** What a feature value is, with its unit, such as "log-mel level (dB re max)". */
  featureLabel: string;
  /** Name of the rows where they are no frequencies; "MFCC coefficient" unless given. */
  rowLabel?: string;
  title: string;
  /** Parts of the line below the title, joined by dots and wrapped. */
  subtitle?: readonly string[];
  /** Amount of relevance that gets the full colour; unless given, the largest in the figure. */
  limit?: number;
}

/** The numbers behind a picture of a clip: matrices as rows of numbers with 7 significant digits. */
export interface ClipData {
  title: string;
  subtitle: readonly string[];
  times: number[];
  frequencies: number[] | null;
  featureLabel: string;
  features: number[][];
  relevances: { title: string; silence?: number | null; padding?: number | null; values: number[][] }[];
  /** Amount of relevance drawn in full colour. */
  limit: number;
}

/** Feature values as levels from 0 to 1. */
export interface Levels {
  low: number;
  high: number;
  /** 0 at the lowest feature value to 1 at the highest. */
  at: (row: number, column: number) => number;
}

export function levels({ data, columns }: Grid): Levels {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of data) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (low === high) high = low + 1;
  return { low, high, at: (r, c) => (data[r * columns + c]! - low) / (high - low) };
}

/** Largest amount, of either sign. */
export function largest({ data }: Grid): number {
  let amount = 0;
  for (const v of data) amount = Math.max(amount, Math.abs(v));
  return amount;
}

export function sum({ data }: Grid): number {
  let total = 0;
  for (const v of data) total += v;
  return total;
}

/** Relevance as a part of the limit, −1 to +1. */
export function scaler({ data, columns }: Grid, limit: number): (row: number, column: number) => number {
  return (r, c) => (limit === 0 ? 0 : data[r * columns + c]! / limit);
}

/** Axes of the panels; refuses matrices of different shapes and values that are not finite. */
export function checkedAxes(
  picture: Pick<ClipPicture, 'features' | 'times' | 'frequencies' | 'limit' | 'rowLabel'>,
  relevances: readonly Grid[],
): PanelAxes {
  const { features, times, frequencies } = picture;
  const { rows, columns } = features;
  const got = (m: Grid) => `[${m.rows}, ${m.columns}] with ${m.data.length} values`;
  for (const [name, m] of [
    ['features', features],
    ...relevances.map((r) => ['relevance', r] as const),
  ] as const) {
    const what = `${name} of a figure`;
    if (m.rows !== rows || m.columns !== columns || m.data.length !== rows * columns || m.data.length === 0) {
      throw new EarmarkError({ what, expected: `[${rows}, ${columns}] and not empty`, got: got(m) });
    }
    const bad = m.data.find((v) => !Number.isFinite(v));
    if (bad !== undefined) throw new EarmarkError({ what, expected: 'finite values', got: String(bad) });
  }
  if (picture.limit !== undefined && !(picture.limit > 0)) {
    throw new EarmarkError({
      what: 'limit of a figure',
      expected: 'a number above 0',
      got: String(picture.limit),
    });
  }
  if (times.length !== columns || (frequencies && frequencies.length !== rows)) {
    const expected = `${columns} times and ${rows} frequencies`;
    throw new EarmarkError({
      what: 'axes of a figure',
      expected,
      got: `${times.length} and ${frequencies?.length ?? 'none'}`,
    });
  }
  return {
    rows,
    columns,
    times,
    frequencies,
    rowLabel: frequencies ? 'frequency (Hz)' : (picture.rowLabel ?? 'MFCC coefficient'),
  };
}

export function clipData(
  { title, subtitle = [], times, frequencies, featureLabel, features }: ClipPicture,
  relevances: readonly {
    title: string;
    relevance: Grid;
    silence?: number | null;
    padding?: number | null;
  }[],
  limit: number,
): ClipData {
  return {
    title,
    subtitle,
    times: Array.from(times, digits),
    frequencies: frequencies && Array.from(frequencies, digits),
    featureLabel,
    features: rowsOf(features),
    relevances: relevances.map(({ relevance, ...rest }) => ({ ...rest, values: rowsOf(relevance) })),
    limit,
  };
}

/** A map with its axes as JSON. */
export interface MapData {
  times: number[];
  frequencies: number[] | null;
  featureLabel: string;
  features: number[][];
  relevance: number[][];
}

export function mapData({
  times,
  frequencies,
  featureLabel,
  features,
  relevance,
}: Pick<ClipPicture, 'times' | 'frequencies' | 'featureLabel' | 'features'> & { relevance: Grid }): MapData {
  return {
    times: Array.from(times, digits),
    frequencies: frequencies && Array.from(frequencies, digits),
    featureLabel,
    features: rowsOf(features),
    relevance: rowsOf(relevance),
  };
}

const digits = (v: number) => Number(v.toPrecision(7));

function rowsOf({ rows, columns, data }: Grid): number[][] {
  return Array.from({ length: rows }, (_, r) =>
    Array.from(data.subarray(r * columns, (r + 1) * columns), digits),
  );
}
