// The Fourier transform of real signals, of any length, in float64.
import FFT from 'fft.js';

/**
 * Transforms a frame x[0…n) to X[k] = Σₜ x[t] e^(−2πi kt/n), k = 0…⌊n/2⌋, interleaved (re, im). The result is
 * only valid until the next call.
 */
export type RealTransform = (frame: ArrayLike<number>) => ArrayLike<number>;

const transforms = new Map<number, RealTransform>();

/** The transform of length n; its tables are made once. Powers of two by fft.js, others by Bluestein's algorithm. */
export function realTransform(n: number): RealTransform {
  const transform = transforms.get(n) ?? (Number.isInteger(Math.log2(n)) && n > 1 ? radix(n) : bluestein(n));
  transforms.set(n, transform);
  return transform;
}

function radix(n: number): RealTransform {
  const fft = new FFT(n);
  const out: number[] = fft.createComplexArray();
  return (frame) => {
    fft.realTransform(out, frame);
    return out;
  };
}

/**
 * Any length as a convolution: kt = (k² + t² − (k − t)²)/2, so with the chirp w[t] = e^(−πi t²/n)
 *
 *     X[k] = w[k] Σₜ (x[t] w[t]) w*[k − t]
 *
 * computed by transforms of a power of two ≥ 2n − 1. Bluestein, IEEE Trans. Audio Electroacoustics 18 (1970).
 */
function bluestein(n: number): RealTransform {
  const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * n - 1)));
  const fft = new FFT(size);
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  const chirp: number[] = fft.createComplexArray();
  for (let t = 0; t < n; t++) {
    const angle = (Math.PI * ((t * t) % (2 * n))) / n; // t² mod 2n keeps the angle small, and so exact
    cos[t] = Math.cos(angle);
    sin[t] = Math.sin(angle);
    for (const at of [t, (size - t) % size]) {
      chirp[2 * at] = cos[t];
      chirp[2 * at + 1] = sin[t];
    }
  }
  const kernel: number[] = fft.createComplexArray();
  fft.transform(kernel, chirp);
  const buffer: number[] = fft.createComplexArray();
  const spectrum: number[] = fft.createComplexArray();
  return (frame) => {
    buffer.fill(0);
    for (let t = 0; t < n; t++) {
      buffer[2 * t] = frame[t] * cos[t];
      buffer[2 * t + 1] = -frame[t] * sin[t];
    }
    fft.transform(spectrum, buffer);
    for (let k = 0; k < 2 * size; k += 2) {
      const [re, im] = [spectrum[k], spectrum[k + 1]];
      spectrum[k] = re * kernel[k] - im * kernel[k + 1];
      spectrum[k + 1] = re * kernel[k + 1] + im * kernel[k];
    }
    fft.inverseTransform(buffer, spectrum);
    for (let k = 0; k <= n / 2; k++) {
      const [re, im] = [buffer[2 * k], buffer[2 * k + 1]];
      buffer[2 * k] = re * cos[k] + im * sin[k];
      buffer[2 * k + 1] = im * cos[k] - re * sin[k];
    }
    return buffer;
  };
}
