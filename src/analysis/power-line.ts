// The spectrogram of a recording that comes in blocks, in a given number of columns.
import { type LongSpectrogramOptions, longSpectrogram } from '../features/long-spectrogram.ts';
import { type Matrix, zeros } from '../features/matrix.ts';
import { Tail } from './tail.ts';

/** Frames computed at once, as far as columns hold no more. */
const FRAMES = 128;
/** Columns come in fours, as frames are transformed: else a frame's partner, and with it its last digit, were another. */
const FOUR = 4;

/** What `longSpectrogram` gives of the whole, with no more of it kept than some columns need. */
export class PowerLine {
  readonly #options: LongSpectrogramOptions;
  readonly #filters: Matrix | undefined;
  readonly #tail = new Tail();
  readonly #power: Matrix;
  #done = 0;

  constructor(options: LongSpectrogramOptions, filters?: Matrix) {
    this.#options = options;
    this.#filters = filters;
    this.#power = zeros(filters?.rows ?? 1 + (options.nFft >> 1), options.columns);
  }

  push(block: Float32Array): void {
    this.#tail.push(block);
    const { columns, together } = this.#options;
    const count = FOUR * Math.max(1, Math.floor(FRAMES / FOUR / together));
    while (
      this.#done + count <= columns &&
      this.#begin(this.#done + count) + this.#options.nFft <= this.#tail.end
    ) {
      this.#compute(count);
    }
  }

  /** @returns mean power [rows, columns] */
  end(): Matrix {
    const { columns } = this.#options;
    if (this.#done < columns) this.#compute(columns - this.#done);
    return this.#power;
  }

  /** Where the first frame of a column begins. */
  #begin(column: number): number {
    const { first, together, hopLength, nFft } = this.#options;
    return first + column * together * hopLength - (nFft >> 1);
  }

  #compute(columns: number): void {
    const begin = Math.max(0, this.#begin(this.#done));
    const first = this.#begin(this.#done) + (this.#options.nFft >> 1) - begin;
    const samples = this.#tail.slice(begin, this.#tail.end);
    const part = longSpectrogram(samples, { ...this.#options, first, columns }, this.#filters);
    for (let row = 0; row < part.rows; row++) {
      const values = part.data.subarray(row * columns, (row + 1) * columns);
      this.#power.data.set(values, row * this.#power.columns + this.#done);
    }
    this.#done += columns;
    this.#tail.forget(this.#begin(this.#done));
  }
}
