// The spectrogram of a recording of any length in a given number of columns, a block of frames at a time.
import { type Matrix, zeros } from './matrix.ts';
import { spectrogram } from './stft.ts';

/** Frames computed at once. */
const BLOCK = 128;

export interface LongSpectrogramOptions {
  readonly nFft: number;
  readonly hopLength: number;
  readonly winLength?: number | null;
  readonly window?: string;
  /** Centre of the first frame (samples); beyond its ends the recording counts as 0. */
  readonly first: number;
  /** Frames that make a column. */
  readonly together: number;
  readonly columns: number;
}

/**
 * Mean power [rows, columns] of the frames of each column.
 *
 * @param filters [rows, 1 + nFft/2], such as mel filters; the bins themselves unless given
 */
export function longSpectrogram(
  samples: Float32Array,
  { first, together, columns, ...options }: LongSpectrogramOptions,
  filters?: Matrix,
): Matrix {
  const { nFft, hopLength } = options;
  const out = zeros(filters ? filters.rows : 1 + (nFft >> 1), columns);
  const frames = together * columns;
  for (let at = 0; at < frames; at += BLOCK) {
    const count = Math.min(BLOCK, frames - at);
    const begin = first + at * hopLength - (nFft >> 1);
    const block = new Float32Array(nFft + (count - 1) * hopLength);
    const inside = samples.subarray(Math.max(0, begin), Math.max(0, begin + block.length));
    block.set(inside, Math.min(block.length - inside.length, Math.max(0, -begin)));
    const power = spectrogram(block, { ...options, center: false, power: 2 }, filters);
    for (const [i, p] of power.data.entries()) {
      const column = Math.floor((at + (i % count)) / together);
      out.data[Math.floor(i / count) * columns + column] += p / together;
    }
  }
  return out;
}
