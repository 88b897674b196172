// Powers of a signal's frames, four frames at a time, and filters over them: the inner loop of every spectrogram.
import { pairTransform } from '../audio/fourier.ts';
import {
  add,
  compiled,
  constant,
  gather,
  heap,
  int,
  Kernel,
  load,
  loadInt,
  loadTwice,
  minus,
  mul,
  plus,
  scratch,
  sub,
  times,
} from '../audio/kernel.ts';
import { bandsOf, type Matrix } from './matrix.ts';
import type { Signal } from './pad.ts';

/** Frames that are copied to the kernels' memory at once, where they overlap. */
const BLOCK = 64;
/** In memory an element is that of four frames: [0, 2, 1, 3]. */
const ORDER = [0, 2, 1, 3];
const ELEMENT = 32;

/** Frames 0 and 1, and 2 and 3, under the window, as real and imaginary part of two complex signals. */
const underWindow = compiled(
  new Kernel((kernel, samples, hop, window, x, n) => {
    const [one, two, three] = [1, 2, 3].map((frame) => kernel.int(plus(samples, times(hop, int(frame)))));
    kernel.repeat(n, () => {
      const w = kernel.pair(loadTwice(window));
      kernel.store(x, mul(gather(samples, two), w));
      kernel.store(x, mul(gather(one, three), w), 16);
      for (const at of [samples, one, two, three, window]) kernel.set(at, plus(at, int(8)));
      kernel.set(x, plus(x, int(ELEMENT)));
    });
  }),
);

/** With z = a + ib, the transforms of real a and b: 4 |A[k]|² = |Z[k] + Z*[n − k]|², 4 |B[k]|² = |Z[k] − Z*[n − k]|². */
const powers = compiled(
  new Kernel((kernel, Z, power, n, bins) => {
    const mirrored = kernel.int(plus(Z, times(n, int(ELEMENT))));
    for (const by of [0, 16]) kernel.store(mirrored, load(Z, by), by);
    kernel.repeat(bins, () => {
      const [re, im] = [kernel.pair(load(Z)), kernel.pair(load(Z, 16))];
      const [mirroredRe, mirroredIm] = [kernel.pair(load(mirrored)), kernel.pair(load(mirrored, 16))];
      const [even, odd] = [kernel.pair(add(re, mirroredRe)), kernel.pair(sub(im, mirroredIm))];
      kernel.store(power, add(mul(even, even), mul(odd, odd)));
      const [a, b] = [kernel.pair(sub(re, mirroredRe)), kernel.pair(add(im, mirroredIm))];
      kernel.store(power, add(mul(a, a), mul(b, b)), 16);
      kernel.set(Z, plus(Z, int(ELEMENT)));
      kernel.set(mirrored, minus(mirrored, int(ELEMENT)));
      kernel.set(power, plus(power, int(ELEMENT)));
    });
  }),
);

/** Sums of bands: each begins so many bytes after the first bin, and has so many weights. */
const throughFilters = compiled(
  new Kernel((kernel, power, bands, weights, out, rows) => {
    kernel.repeat(rows, () => {
      const at = kernel.int(plus(power, loadInt(bands)));
      const [a, b] = [kernel.pair(constant(0)), kernel.pair(constant(0))];
      kernel.repeat(loadInt(bands, 4), () => {
        const w = kernel.pair(loadTwice(weights));
        kernel.set(a, add(a, mul(load(at), w)));
        kernel.set(b, add(b, mul(load(at, 16), w)));
        kernel.set(at, plus(at, int(ELEMENT)));
        kernel.set(weights, plus(weights, int(8)));
      });
      kernel.store(out, a);
      kernel.store(out, b, 16);
      kernel.set(out, plus(out, int(ELEMENT)));
      kernel.set(bands, plus(bands, int(8)));
    });
  }),
);

/** A signal and how it is cut into frames. */
export interface Framing {
  signal: Signal;
  /** Frame t begins at sample t · hopLength − lead; what is not there is 0. */
  lead: number;
  /** As long as a frame. */
  window: Float64Array;
  hopLength: number;
  frames: number;
}

/**
 * Puts |X[k, t]|^power, or what filters make of it, into S[·, t].
 *
 * @param S [1 + n/2 or the filters' rows, frames]
 * @param filters [S.rows, 1 + n/2]
 */
export function framePowers(framing: Framing, power: number, S: Matrix, filters?: Matrix): void {
  const { signal, lead, window, hopLength: hop } = framing;
  const n = window.length;
  const bins = 1 + (n >> 1);
  const { rows, columns } = S;
  const bands = filters && bandsOf(filters);
  const transform = pairTransform(n);
  // Frames with a gap between them are copied one by one, without it.
  const [together, step] = hop > n ? [1, n] : [BLOCK, hop];
  const length = n + (BLOCK - 1) * step;
  const sizes = [n, length, 4 * bins, rows, bands?.weights.length ?? 0, 4 * rows];
  const [w, samples, P, table, weights, out] = scratch(sizes);
  // A constant is read faster than what a module exports; nothing below takes more memory.
  const memory = heap;
  for (let i = 0; i < n; i++) memory[w + i] = window[i] / 2;
  if (bands) {
    memory.set(bands.weights, weights);
    const where = new Int32Array(memory.buffer, 8 * table, 2 * rows);
    for (let r = 0; r < rows; r++) {
      where[2 * r] = ELEMENT * bands.begin[r];
      where[2 * r + 1] = bands.end[r] - bands.begin[r];
    }
  }
  const from = filters ? out : P;
  for (let t = 0; t < columns; t += 4) {
    const inBlock = t % BLOCK;
    if (inBlock === 0) {
      memory.fill(0, samples, samples + length);
      const end = Math.min(columns, t + BLOCK);
      for (let u = t, to = samples; u < end; u += together, to += together * step) {
        const begin = u * hop - lead;
        const missing = Math.max(0, -begin);
        memory.set(
          signal.subarray(begin + missing, Math.max(0, begin + n + (together - 1) * step)),
          to + missing,
        );
      }
    }
    const first = samples + inBlock * step;
    const count = Math.min(4, columns - t);
    let heard = 0;
    for (let i = 0; i < count; i++) if (isHeard(memory, first + i * step, w, n)) heard |= 1 << i;
    if (heard === 0) continue;
    underWindow(8 * first, 8 * step, 8 * w, 8 * transform.input, n);
    powers(8 * transform.run(), 8 * P, n, bins);
    if (power !== 2) for (let i = P; i < P + 4 * bins; i++) memory[i] = Math.sqrt(memory[i]) ** power;
    if (filters) throughFilters(8 * P, 8 * table, 8 * weights, 8 * out, rows);
    for (let i = 0; i < count; i++) {
      if (heard & (1 << i)) putColumn(memory, from + ORDER[i], S, t + i);
    }
  }
}

/** Puts every fourth number into a column of S. */
function putColumn(memory: Float64Array, from: number, { data, columns }: Matrix, column: number): void {
  for (let at = from, to = column; to < data.length; at += 4, to += columns) data[to] = memory[at];
}

/** Whether a frame holds anything under the window: silence stays exactly 0, whatever it is transformed with. */
function isHeard(memory: Float64Array, frame: number, window: number, n: number): boolean {
  let i = 0;
  while (i < n && memory[frame + i] * memory[window + i] === 0) i++;
  return i < n;
}
