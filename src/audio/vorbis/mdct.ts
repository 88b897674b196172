// Vorbis's transform: the inverse MDCT by a complex Fourier transform of a quarter of its length, and the window.
import FFT from 'fft.js';

/** n/2 coefficients → n samples: y[i] = Σ X[j] cos(π/2n (2i + 1 + n/2)(2j + 1)), n a power of two ≥ 64. */
export function inverseMdct(n: number): (spectrum: Float32Array) => Float32Array {
  const m = n / 2;
  const half = m / 2;
  const fft = new FFT(half);
  const [input, output] = [fft.createComplexArray(), fft.createComplexArray()];
  const twiddle = Float64Array.from({ length: m }, (_, i) => {
    const angle = (Math.PI * ((i >> 1) + 1 / 8)) / m;
    return i % 2 === 0 ? Math.cos(angle) : -Math.sin(angle);
  });
  const u = new Float64Array(m);
  return (spectrum) => {
    // DCT-IV: u[k] = Σ X[j] cos(π/m (j + ½)(k + ½)).
    for (let i = 0; i < half; i++) {
      const [re, im, c, s] = [spectrum[2 * i], spectrum[m - 1 - 2 * i], twiddle[2 * i], twiddle[2 * i + 1]];
      input[2 * i] = re * c - im * s;
      input[2 * i + 1] = re * s + im * c;
    }
    fft.transform(output, input);
    for (let k = 0; k < half; k++) {
      const [re, im, c, s] = [output[2 * k], output[2 * k + 1], twiddle[2 * k], twiddle[2 * k + 1]];
      u[2 * k] = re * c - im * s;
      u[m - 1 - 2 * k] = -(re * s + im * c);
    }
    // y[i] = u[i + m/2], and u goes on with u[2m − 1 − k] = −u[k] and u[2m + k] = −u[k].
    const y = new Float32Array(n);
    for (let i = 0; i < half; i++) {
      y[i] = u[i + half];
      y[n - 1 - i] = -u[half - 1 - i];
    }
    for (let i = half; i < m + half; i++) y[i] = -u[m + half - 1 - i];
    return y;
  };
}

/** The rising half of a block's window (4.3.1): sin(π/2 sin²(π (i + ½) / n)), i < n/2. */
export function slope(n: number): Float32Array {
  return Float32Array.from({ length: n / 2 }, (_, i) =>
    Math.sin((Math.PI / 2) * Math.sin((Math.PI * (i + 0.5)) / n) ** 2),
  );
}
