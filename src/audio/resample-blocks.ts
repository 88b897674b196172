// Two ways to resample a block: in frequency where the rates' ratio allows it, by interpolated sincs for any other.
import { isSmooth, pairTransform } from './fourier.ts';
import {
  allocated,
  compiled,
  gatherSingle,
  heap,
  int,
  Kernel,
  load,
  loadAsSingles,
  loadTwice,
  mul,
  plus,
  scratch,
  times,
} from './kernel.ts';
import { impulseResponse, REACH } from './resample-filter.ts';

/** Resamples block by block; keeps nothing from one to the next. */
export interface BlockResampler {
  /** Samples of the recording that a block sees before its first. */
  readonly lead: number;
  /** Samples of the recording that a block sees. */
  readonly span: number;
  /** Samples that come out of a block. */
  readonly produced: number;
  /**
   * @param samples of the recording, 0 beyond their ends
   * @param begin where in them the block begins; may be negative
   * @param output takes what is produced, as far as there is room
   * @param done samples that came out before
   * @returns by how many samples of the recording the next block begins later
   */
  run(samples: Float32Array, begin: number, output: Float32Array, done: number): number;
}

/** Largest and about the smallest lengths of transforms in blocks. */
const MAX_TRANSFORM = 2 ** 16;
const MIN_TRANSFORM = 1024;

/** @param from @param to rates in lowest terms */
export function blockResampler(from: number, to: number): BlockResampler {
  const low = Math.min(from, to);
  const times = 2 ** Math.ceil(Math.log2(Math.max(4, MIN_TRANSFORM / low)));
  const inFrequency = times * Math.max(from, to) <= MAX_TRANSFORM && isSmooth(from) && isSmooth(to);
  return inFrequency ? byTransform(from, to, times) : bySinc(from, to);
}

/** Blocks that are transformed at once: each real and imaginary part of two complex signals. */
const TOGETHER = 4;
/** In memory an element is that of four blocks: [0, 2, 1, 3]. */
const ELEMENT = 32;

/** Four blocks of float32, each `advance` bytes after the one before, as float64. */
const fourBlocks = compiled(
  new Kernel((kernel, samples, advance, x, n) => {
    const [one, two, three] = [1, 2, 3].map((i) => kernel.int(plus(samples, times(advance, int(i)))));
    kernel.repeat(n, () => {
      kernel.store(x, gatherSingle(samples, two));
      kernel.store(x, gatherSingle(one, three), 16);
      for (const at of [samples, one, two, three]) kernel.set(at, plus(at, int(4)));
      kernel.set(x, plus(x, int(ELEMENT)));
    });
  }),
);

/** Spectra times gains, with real and imaginary parts changed over. */
const filtered = compiled(
  new Kernel((kernel, X, gains, Y, n) => {
    kernel.repeat(n, () => {
      const gain = kernel.pair(loadTwice(gains));
      kernel.store(Y, mul(load(X, 16), gain));
      kernel.store(Y, mul(load(X), gain), 16);
      kernel.set(gains, plus(gains, int(8)));
      for (const at of [X, Y]) kernel.set(at, plus(at, int(ELEMENT)));
    });
  }),
);

/** Real and imaginary parts, changed over, as four blocks of float32, each `advance` bytes after the one before. */
const fourParts = compiled(
  new Kernel((kernel, y, advance, samples, n) => {
    const [one, two, three] = [1, 2, 3].map((i) => kernel.int(plus(samples, times(advance, int(i)))));
    kernel.repeat(n, () => {
      const [even, odd] = [kernel.pair(loadAsSingles(y, 16)), kernel.pair(loadAsSingles(y))];
      kernel.storeSingle(samples, even, 0);
      kernel.storeSingle(one, odd, 0);
      kernel.storeSingle(two, even, 1);
      kernel.storeSingle(three, odd, 1);
      for (const at of [samples, one, two, three]) kernel.set(at, plus(at, int(4)));
      kernel.set(y, plus(y, int(ELEMENT)));
    });
  }),
);

/**
 * Overlap-save: the spectrum of `times` · from samples, times that of the filter, is the spectrum of `times` · to samples,
 * as there is nothing beyond the lower rate's band.
 */
function byTransform(from: number, to: number, times: number): BlockResampler {
  const low = Math.min(from, to);
  const [length, given, band] = [times * from, times * to, times * low];
  const margin = Math.ceil(REACH / low);
  const step = times - 2 * margin;
  const [advance, produced] = [step * from, step * to];
  const span = length + (TOGETHER - 1) * advance;
  const filter = frequencyResponse(band).map((gain) => gain / length);
  const [positive, negative] = [allocated(filter), allocated(filter.slice(1).reverse())];
  const forward = pairTransform(length);
  const backward = pairTransform(given);
  const beyond = filter.length - 1;
  return {
    lead: margin * from,
    span,
    produced: TOGETHER * produced,
    run(samples, begin, output, _) {
      const [block] = scratch([Math.max(span, TOGETHER * produced) / 2]);
      putBlock(samples, begin, new Float32Array(heap.buffer, 8 * block, span));
      fourBlocks(8 * block, 4 * advance, 8 * forward.input, length);
      // The inverse transform is the transform with real and imaginary parts changed over, before and after.
      const [X, Y] = [forward.run(), backward.input];
      filtered(8 * X, 8 * positive, 8 * Y, filter.length);
      heap.fill(0, Y + 4 * filter.length, Y + 4 * (given - beyond));
      filtered(8 * (X + 4 * (length - beyond)), 8 * negative, 8 * (Y + 4 * (given - beyond)), beyond);
      const y = backward.run() + 4 * margin * to;
      fourParts(8 * y, 4 * produced, 8 * block, produced);
      output.set(new Float32Array(heap.buffer, 8 * block, Math.min(output.length, TOGETHER * produced)));
      return TOGETHER * advance;
    },
  };
}

/** Samples from `begin` on, and zeros where there are none. */
function putBlock(samples: Float32Array, begin: number, block: Float32Array): void {
  const missing = Math.min(block.length, Math.max(0, -begin));
  const seen = samples.subarray(begin + missing, Math.max(0, begin + block.length));
  block.fill(0, 0, missing);
  block.set(seen, missing);
  block.fill(0, missing + seen.length);
}

/** Gains of frequencies k/n of the lower rate, k < n/2: real, as the response is even. */
function frequencyResponse(n: number): number[] {
  const transform = pairTransform(n);
  heap.fill(0, transform.input, transform.input + 4 * n);
  for (let t = -REACH; t <= REACH; t++) heap[transform.input + 4 * ((t + n) % n)] += impulseResponse(t);
  const gains = transform.run();
  return Array.from({ length: Math.ceil(n / 2) }, (_, k) => heap[gains + 4 * k]);
}

/** Phases of the impulse response to a sample of the lower rate; cubic interpolation between them errs by 1e-10. */
const FINE = 512;

/** A sum of sincs for each sample, their values interpolated between tabulated phases. */
function bySinc(from: number, to: number): BlockResampler {
  const scale = Math.min(1, to / from);
  const reach = Math.ceil(REACH / scale);
  const [taps, phases] = [2 * reach, Math.ceil(FINE * scale)];
  // [phases + 3, taps], from phase −1 on
  const table = Float64Array.from({ length: (phases + 3) * taps }, (_, i) => {
    const phase = (Math.floor(i / taps) - 1) / phases;
    return scale * impulseResponse(scale * (phase + reach - 1 - (i % taps)));
  });
  const produced = MIN_TRANSFORM;
  const before = (i: number) => Math.floor((i * from) / to);
  const span = taps + Math.ceil((produced * from) / to);
  const input = new Float32Array(span);
  return {
    lead: reach - 1,
    span,
    produced,
    run(samples, begin, output, done) {
      putBlock(samples, begin, input);
      const first = before(done);
      for (let i = 0; i < produced; i++) {
        const whole = before(done + i);
        const phase = (((done + i) * from - whole * to) / to) * phases;
        const row = Math.floor(phase) * taps;
        let [a, b, c, d] = [0, 0, 0, 0];
        for (let n = 0, at = row, x = whole - first; n < taps; n++, at++, x++) {
          a += input[x] * table[at];
          b += input[x] * table[at + taps];
          c += input[x] * table[at + 2 * taps];
          d += input[x] * table[at + 3 * taps];
        }
        output[i] = cubic(a, b, c, d, phase % 1);
      }
      return before(done + produced) - first;
    },
  };
}

/** Lagrange's cubic through a, b, c, d at −1, 0, 1, 2. */
function cubic(a: number, b: number, c: number, d: number, u: number): number {
  const third = (d - a + 3 * (b - c)) / 6;
  const second = (a + c) / 2 - b;
  return b + u * (c - a / 3 - b / 2 - d / 6 + u * (second + u * third));
}
