// The Fourier transform of real signals, of any length, in float64.
import FFT from 'fft.js';
import { doubles, fourierTransform } from '../audio/fourier.ts';

/**
 * Transforms a frame x[0…n) to X[k] = Σₜ x[t] e^(−2πi kt/n), k = 0…⌊n/2⌋, interleaved (re, im). The result is
 * only valid until the next call.
 */
export type RealTransform = (frame: ArrayLike<number>) => number[];

const transforms = new Map<number, RealTransform>();

/** The transform of length n; its tables are made once. Powers of two by fft.js, fastest from an Array of numbers. */
export function realTransform(n: number): RealTransform {
  const transform = transforms.get(n) ?? make(n);
  transforms.set(n, transform);
  return transform;
}

function make(n: number): RealTransform {
  if (n > 1 && Number.isInteger(Math.log2(n))) return powerOfTwo(n);
  return n % 2 === 0 ? halves(n) : odd(n);
}

function powerOfTwo(n: number): RealTransform {
  const fft = new FFT(n);
  const out = doubles(2 * n);
  const copy = doubles(n);
  return (frame) => {
    let x = frame;
    if (!Array.isArray(frame)) {
      for (let t = 0; t < n; t++) copy[t] = frame[t];
      x = copy;
    }
    fft.realTransform(out, x);
    return out;
  };
}

/**
 * Even and odd samples as the real and imaginary part of a signal of half the length: where Z is its transform,
 * X[k] = (Z[k] + Z*[n/2 − k])/2 − i e^(−2πi k/n) (Z[k] − Z*[n/2 − k])/2.
 */
function halves(n: number): RealTransform {
  const half = n / 2;
  const transform = fourierTransform(half);
  const [z, out] = [doubles(n), doubles(n + 2)];
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / n));
  return (frame) => {
    for (let t = 0; t < n; t++) z[t] = frame[t];
    const Z = transform(z);
    for (let k = 0; k <= half; k++) {
      const [a, b] = [2 * (k % half), 2 * ((half - k) % half)];
      const [evenRe, evenIm] = [(Z[a] + Z[b]) / 2, (Z[a + 1] - Z[b + 1]) / 2];
      const [oddRe, oddIm] = [(Z[a + 1] + Z[b + 1]) / 2, (Z[b] - Z[a]) / 2];
      out[2 * k] = evenRe + oddRe * cos[k] + oddIm * sin[k];
      out[2 * k + 1] = evenIm + oddIm * cos[k] - oddRe * sin[k];
    }
    return out;
  };
}

function odd(n: number): RealTransform {
  const transform = fourierTransform(n);
  const z = doubles(2 * n);
  return (frame) => {
    for (let t = 0; t < n; t++) z[2 * t] = frame[t];
    return transform(z);
  };
}
