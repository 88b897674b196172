// The Fourier transform of complex signals of any length, in float64.
import FFT from 'fft.js';

/**
 * Transforms x[0…n) to X[k] = Σₜ x[t] e^(−2πi kt/n), both interleaved (re, im). The result is only valid until the
 * next call of any transform of that length.
 */
export type FourierTransform = (x: number[]) => number[];

/** Zeros that V8 keeps as unboxed doubles, which fft.js is fastest with: it takes an array of 0 alone for one of integers. */
export const doubles = (length: number): number[] => new Array<number>(length).fill(0.5).fill(0);

const transforms = new Map<number, FourierTransform>();

/** The transform of length n; its tables are made once. */
export function fourierTransform(n: number): FourierTransform {
  const transform = transforms.get(n) ?? (isSmooth(n) ? mixedRadix(n) : bluestein(n));
  transforms.set(n, transform);
  return transform;
}

/** Larger primes are transformed faster by Bluestein's algorithm. */
const LARGEST_PRIME = 31;

/** Whether a length has small prime factors only, so that its transform is fast. */
export function isSmooth(n: number): boolean {
  return oddFactors(n).every((factor) => factor <= LARGEST_PRIME);
}

function oddFactors(n: number): number[] {
  const factors: number[] = [];
  let rest = n / powerOfTwoIn(n);
  for (let factor = 3; factor * factor <= rest; factor += 2) {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  }
  return rest > 1 ? [...factors, rest] : factors;
}

function powerOfTwoIn(n: number): number {
  let power = 1;
  while (n % (2 * power) === 0) power *= 2;
  return power;
}

/** One step of a mixed-radix transform. */
type Pass = (x: number[], y: number[]) => void;

/**
 * Stockham's algorithm, which keeps the order: with n = r m s, a pass of radix r takes x, [r, m, s], to y, [m, r, s],
 *
 *     y[p, k, q] = w^(pk) Σⱼ x[j, p, q] e^(−2πi jk/r),   w = e^(−2πi/(r m)),
 *
 * and s to r s. The power of two in n comes first, by fft.js.
 */
function mixedRadix(n: number): FourierTransform {
  const radix = powerOfTwoIn(n);
  const passes: Pass[] = radix > 1 ? [powerOfTwoPass(radix, n / radix)] : [];
  let s = radix;
  for (const factor of oddFactors(n)) {
    passes.push(oddPass(factor, n / (s * factor), s));
    s *= factor;
  }
  const buffers = [doubles(2 * n), doubles(2 * n)];
  return (x) => {
    let from = x;
    for (const [i, pass] of passes.entries()) {
      const to = buffers[i % 2];
      pass(from, to);
      from = to;
    }
    return from;
  };
}

/** w^(pk), p < m, 0 < k < r, interleaved. */
function twiddles(r: number, m: number): Float64Array {
  const w = new Float64Array(2 * m * (r - 1));
  for (let p = 0, at = 0; p < m; p++) {
    for (let k = 1; k < r; k++) {
      const angle = (2 * Math.PI * ((p * k) % (r * m))) / (r * m);
      w[at++] = Math.cos(angle);
      w[at++] = -Math.sin(angle);
    }
  }
  return w;
}

function powerOfTwoPass(r: number, m: number): Pass {
  const fft = new FFT(r);
  if (m === 1) return (x, y) => fft.transform(y, x);
  const w = twiddles(r, m);
  const [column, spectrum]: number[][] = [fft.createComplexArray(), fft.createComplexArray()];
  return (x, y) => {
    for (let p = 0, t = 0; p < m; p++) {
      for (let j = 0, i = 2 * p; j < 2 * r; j += 2, i += 2 * m) {
        column[j] = x[i];
        column[j + 1] = x[i + 1];
      }
      fft.transform(spectrum, column);
      const o = 2 * r * p;
      y[o] = spectrum[0];
      y[o + 1] = spectrum[1];
      for (let k = 2; k < 2 * r; k += 2, t += 2) {
        y[o + k] = spectrum[k] * w[t] - spectrum[k + 1] * w[t + 1];
        y[o + k + 1] = spectrum[k] * w[t + 1] + spectrum[k + 1] * w[t];
      }
    }
  };
}

/** An odd radix r, by halves: elements j and r − j are added and subtracted, and meet cosines and sines. */
function oddPass(r: number, m: number, s: number): Pass {
  if (r === 3) return threePass(m, s);
  const w = twiddles(r, m);
  const half = r >> 1;
  const [sumRe, sumIm] = [new Float64Array(half), new Float64Array(half)];
  const [offRe, offIm] = [new Float64Array(half), new Float64Array(half)];
  const angles = Array.from({ length: half * half }, (_, i) => {
    const [k, j] = [1 + Math.floor(i / half), 1 + (i % half)];
    return (2 * Math.PI * ((k * j) % r)) / r;
  });
  const cos = Float64Array.from(angles, Math.cos);
  const sin = Float64Array.from(angles, Math.sin);
  const apart = 2 * m * s;
  return (x, y) => {
    for (let p = 0, i = 0, o = 0; p < m; p++, o += 2 * (r - 1) * s) {
      const t = 2 * (r - 1) * p - 2;
      for (const end = i + 2 * s; i < end; i += 2, o += 2) {
        const re = x[i];
        const im = x[i + 1];
        let totalRe = re;
        let totalIm = im;
        for (let j = 0, a = i + apart, b = i + (r - 1) * apart; j < half; j++, a += apart, b -= apart) {
          totalRe += sumRe[j] = x[a] + x[b];
          totalIm += sumIm[j] = x[a + 1] + x[b + 1];
          offRe[j] = x[a] - x[b];
          offIm[j] = x[a + 1] - x[b + 1];
        }
        y[o] = totalRe;
        y[o + 1] = totalIm;
        for (let k = 1, at = 0; k <= half; k++) {
          let evenRe = re;
          let evenIm = im;
          let oddRe = 0;
          let oddIm = 0;
          for (let j = 0; j < half; j++, at++) {
            evenRe += cos[at] * sumRe[j];
            evenIm += cos[at] * sumIm[j];
            oddRe += sin[at] * offIm[j];
            oddIm -= sin[at] * offRe[j];
          }
          put(y, o + 2 * k * s, evenRe + oddRe, evenIm + oddIm, w, t + 2 * k);
          put(y, o + 2 * (r - k) * s, evenRe - oddRe, evenIm - oddIm, w, t + 2 * (r - k));
        }
      }
    }
  };
}

/** The most frequent odd radix, spelt out: three times as fast. */
function threePass(m: number, s: number): Pass {
  const w = twiddles(3, m);
  const apart = 2 * m * s;
  const sin = Math.sqrt(3) / 2;
  return (x, y) => {
    for (let p = 0, i = 0, o = 0; p < m; p++, o += 4 * s) {
      for (const end = i + 2 * s; i < end; i += 2, o += 2) {
        const a = i + apart;
        const b = a + apart;
        const re = x[a] + x[b];
        const im = x[a + 1] + x[b + 1];
        y[o] = x[i] + re;
        y[o + 1] = x[i + 1] + im;
        const evenRe = x[i] - re / 2;
        const evenIm = x[i + 1] - im / 2;
        const oddRe = sin * (x[a + 1] - x[b + 1]);
        const oddIm = sin * (x[b] - x[a]);
        put(y, o + 2 * s, evenRe + oddRe, evenIm + oddIm, w, 4 * p);
        put(y, o + 4 * s, evenRe - oddRe, evenIm - oddIm, w, 4 * p + 2);
      }
    }
  };
}

/** y[o] = (re + i im) w[t] */
function put(y: number[], o: number, re: number, im: number, w: Float64Array, t: number): void {
  y[o] = re * w[t] - im * w[t + 1];
  y[o + 1] = re * w[t + 1] + im * w[t];
}

/**
 * Any length as a convolution: kt = (k² + t² − (k − t)²)/2, so with the chirp w[t] = e^(−πi t²/n)
 *
 *     X[k] = w[k] Σₜ (x[t] w[t]) w*[k − t]
 *
 * computed by transforms of a power of two ≥ 2n − 1. Bluestein, IEEE Trans. Audio Electroacoustics 18 (1970).
 */
function bluestein(n: number): FourierTransform {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const fft = new FFT(size);
  const w = new Float64Array(2 * n);
  const chirp: number[] = fft.createComplexArray();
  for (let t = 0; t < n; t++) {
    const angle = (Math.PI * ((t * t) % (2 * n))) / n; // t² mod 2n keeps the angle small, and so exact
    w[2 * t] = Math.cos(angle);
    w[2 * t + 1] = -Math.sin(angle);
    for (const at of [t, (size - t) % size]) {
      chirp[2 * at] = w[2 * t];
      chirp[2 * at + 1] = -w[2 * t + 1];
    }
  }
  const kernel: number[] = fft.createComplexArray();
  fft.transform(kernel, chirp);
  const buffer: number[] = fft.createComplexArray();
  const spectrum: number[] = fft.createComplexArray();
  return (x) => {
    buffer.fill(0, 2 * n);
    for (let t = 0; t < 2 * n; t += 2) put(buffer, t, x[t], x[t + 1], w, t);
    fft.transform(spectrum, buffer);
    for (let k = 0; k < 2 * size; k += 2) {
      const [re, im] = [spectrum[k], spectrum[k + 1]];
      spectrum[k] = re * kernel[k] - im * kernel[k + 1];
      spectrum[k + 1] = re * kernel[k + 1] + im * kernel[k];
    }
    fft.inverseTransform(buffer, spectrum);
    for (let k = 0; k < 2 * n; k += 2) put(buffer, k, buffer[k], buffer[k + 1], w, k);
    return buffer;
  };
}
