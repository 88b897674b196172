// Puts what a model said of many windows on one time line: relevance by overlap-add, probabilities as means.
import { type Matrix, zeros } from '../features/matrix.ts';
import type { SlidingWindow } from './windows.ts';

/** The frames of a clip: the centre of the first, from one to the next, in samples; and how many. */
export interface ClipFrames {
  readonly first: number;
  readonly hop: number;
  readonly count: number;
}

/** Columns of a time line; column c begins at sample start + c · step. */
export interface TimeColumns {
  readonly start: number;
  /** Samples of a column: a frame's hop or a multiple of it. */
  readonly step: number;
  readonly count: number;
}

/** So many columns are kept of a recording of any length: longer ones put several frames into each. */
export const MOST_COLUMNS = 8192;

/** What {@link overlapAdd} fills. */
export interface RelevanceLine {
  readonly columns: TimeColumns;
  /** [rows, columns] */
  readonly relevance: Matrix;
  /** Adds the relevance [rows, frames] of a window, one of those that the line was made for. */
  add(window: SlidingWindow, relevance: { readonly data: Float32Array | Float64Array }): void;
  /** Σ R and Σ |R| of what was added, and Σ |R| of the frames that lie on a clip's padding, which no time is. */
  readonly totals: { relevance: number; amount: number; padding: number };
}

/**
 * A time line of relevance: the frame of window w at time t adds R_w(t) / n(t), where n(t) windows have a frame at t. So at
 * any time the weights sum to one; where n = K throughout, the line holds Σ_w R_w / K; of one window it is that
 * window's own relevance. Frames that do not meet a column are divided between two by the time that they share.
 *
 * @param windows those that will be explained
 * @param most columns to keep
 */
export function overlapAdd(
  windows: readonly SlidingWindow[],
  frames: ClipFrames,
  rows: number,
  most: number = MOST_COLUMNS,
): RelevanceLine {
  const heard = windows.map((window) => heardFrames(window, frames));
  const begins = Float64Array.from(heard, ({ begin }) => begin).sort();
  const ends = Float64Array.from(heard, ({ end }) => end).sort();
  const start = begins[0] ?? 0;
  const step = frames.hop * Math.max(1, Math.ceil(((ends.at(-1) ?? 0) - start) / frames.hop / most));
  const columns = { start, step, count: Math.ceil(((ends.at(-1) ?? 0) - start) / step) };
  const relevance = zeros(rows, columns.count);
  const totals = { relevance: 0, amount: 0, padding: 0 };

  const add = (window: SlidingWindow, { data }: { readonly data: Float32Array | Float64Array }) => {
    const { from, to } = heardFrames(window, frames);
    for (const [i, r] of data.entries()) {
      const f = i % frames.count;
      totals.amount += Math.abs(r);
      if (f < from || f >= to) totals.padding += Math.abs(r);
    }
    for (let f = from; f < to; f++) {
      const centre = window.clipStart + frames.first + f * frames.hop;
      const weight = 1 / (atMost(begins, centre) - atMost(ends, centre));
      const at = (centre - frames.hop / 2 - start) / step;
      const column = Math.min(Math.floor(at), columns.count - 1);
      // The part of the frame that lies in the next column.
      const after =
        column + 1 < columns.count ? Math.max(0, ((at - column) * step + frames.hop - step) / frames.hop) : 0;
      for (let row = 0; row < rows; row++) {
        const r = data[row * frames.count + f];
        totals.relevance += r;
        relevance.data[row * columns.count + column] += weight * (1 - after) * r;
        if (after > 0) relevance.data[row * columns.count + column + 1] += weight * after * r;
      }
    }
  };
  return { columns, relevance, totals, add };
}

/** Which frames of a window's clip lie on the window and not on padding, and the time that they take in samples. */
function heardFrames({ start, end, clipStart }: SlidingWindow, { first, hop, count }: ClipFrames) {
  const origin = clipStart + first;
  const from = Math.max(0, Math.ceil((start - hop / 2 - origin) / hop));
  const to = Math.min(count, 1 + Math.floor((end + hop / 2 - origin) / hop));
  return { from, to, begin: origin + (from - 0.5) * hop, end: origin + (to - 0.5) * hop };
}

/** How many of the values, which rise, are at most x. */
function atMost(values: Float64Array, x: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Probabilities along a time line [classes, columns]: at the middle of each column the mean of the windows that hold it;
 * NaN where none does.
 */
export function classTrack(
  windows: readonly {
    readonly start: number;
    readonly end: number;
    readonly probabilities: ArrayLike<number>;
  }[],
  classes: number,
  { start, step, count }: TimeColumns,
): Matrix {
  const track = zeros(classes, count);
  const holding = new Float64Array(count);
  const last = windows.reduce((end, window) => Math.max(end, window.end), 0);
  const columnAt = (sample: number) => Math.min(count, Math.max(0, Math.ceil((sample - start) / step - 0.5)));
  for (const { start, end, probabilities } of windows) {
    // The end of all belongs to the last.
    for (let c = columnAt(start); c < (end === last ? count : columnAt(end)); c++) {
      holding[c]++;
      for (let k = 0; k < classes; k++) track.data[k * count + c] += probabilities[k];
    }
  }
  for (let i = 0; i < track.data.length; i++) track.data[i] /= holding[i % count];
  return track;
}
