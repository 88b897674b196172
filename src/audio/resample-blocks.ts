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

/** Points of the impulse response to a sample of the lower rate; cubic interpolation between them errs by 1e-10. */
const FINE = 512;
/** The response from −2 points on. */
const response = { points: new Float64Array(0) };

/** The sum of sincs, one by one. */
function bySinc(from: number, to: number): BlockResampler {
  if (response.points.length === 0) {
    response.points = Float64Array.from({ length: REACH * FINE + 5 }, (_, i) => impulseResponse((i - 2) / FINE));
  }
  const { points } = response;
  /** Samples of the lower rate, and of the filter's points, to a sample of the recording. */
  const scale = Math.min(1, to / from);
  const lead = Math.ceil(REACH / scale) + 1;
  const produced = MIN_TRANSFORM;
  const begin = (i: number) => Math.floor((i * from) / to);
  return {
    lead,
    span: 2 * lead + Math.ceil((produced * from) / to) + 1,
    produced,
    run(input, output, done) {
      const first = begin(done);
      for (let i = 0; i < produced; i++) {
        const whole = begin(done + i);
        const fraction = ((done + i) * from - whole * to) / to;
        const center = whole - first + lead;
        let sum = 0;
        for (let n = -lead + 1; n <= lead; n++) {
          const at = Math.abs(fraction - n) * scale * FINE;
          const point = Math.floor(at);
          if (point >= REACH * FINE) continue;
          sum += input[center + n] * cubic(points, point + 1, at - point);
        }
        output[i] = sum * scale;
      }
      return begin(done + produced) - first;
    },
  };
}

/** Lagrange's cubic through points i … i + 3, at i + 1 + u. */
function cubic(points: Float64Array, i: number, u: number): number {
  const [a, b, c, d] = [points[i], points[i + 1], points[i + 2], points[i + 3]];
  const third = (d - a + 3 * (b - c)) / 6;
  const second = (a + c) / 2 - b;
  return b + u * (c - a / 3 - b / 2 - d / 6 + u * (second + u * third));
}
