// Two ways to resample a block: in frequency where the rates' ratio allows it, by interpolated sincs for any other.
import { doubles, fourierTransform, isSmooth } from './fourier.ts';
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
   * @param input [span]
   * @param done samples that came out before
   * @returns by how many samples of the recording the next block begins later
   */
  run(input: Float32Array, output: Float32Array, done: number): number;
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

/**
 * Overlap-save: the spectrum of `times` · from samples, times that of the filter, is the spectrum of `times` · to samples,
 * as there is nothing beyond the lower rate's band. Two blocks at once, as real and imaginary part.
 */
function byTransform(from: number, to: number, times: number): BlockResampler {
  const low = Math.min(from, to);
  const [length, band] = [times * from, times * low];
  const margin = Math.ceil(REACH / low);
  const step = times - 2 * margin;
  const [advance, produced] = [step * from, step * to];
  const filter = frequencyResponse(band).map((gain) => gain / length);
  const forward = fourierTransform(length);
  const backward = fourierTransform(times * to);
  const [x, Y] = [doubles(2 * length), doubles(2 * times * to)];
  return {
    lead: margin * from,
    span: length + advance,
    produced: 2 * produced,
    run(input, output, _) {
      for (let i = 0; i < length; i++) {
        x[2 * i] = input[i];
        x[2 * i + 1] = input[i + advance];
      }
      const X = forward(x);
      // The inverse transform is the transform with real and imaginary parts changed over, before and after.
      for (let k = 0; 2 * k < band; k++) {
        Y[2 * k] = X[2 * k + 1] * filter[k];
        Y[2 * k + 1] = X[2 * k] * filter[k];
        if (k === 0) continue;
        const [a, b] = [2 * (length - k), 2 * (times * to - k)];
        Y[b] = X[a + 1] * filter[k];
        Y[b + 1] = X[a] * filter[k];
      }
      const y = backward(Y);
      for (let i = 0, at = 2 * margin * to; i < produced; i++, at += 2) {
        output[i] = y[at + 1];
        output[i + produced] = y[at];
      }
      return 2 * advance;
    },
  };
}

/** Gains of frequencies k/n of the lower rate, k < n/2: real, as the response is even. */
function frequencyResponse(n: number): number[] {
  const response = doubles(2 * n);
  for (let t = -REACH; t <= REACH; t++) response[2 * ((t + n) % n)] += impulseResponse(t);
  const gains = fourierTransform(n)(response);
  return Array.from({ length: Math.ceil(n / 2) }, (_, k) => gains[2 * k]);
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
  return {
    lead: reach - 1,
    span: taps + Math.ceil((produced * from) / to),
    produced,
    run(input, output, done) {
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
