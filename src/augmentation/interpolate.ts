// Other speeds and pitches: samples between samples, and overlapping pieces put together more or less densely.

/** Zero crossings of the interpolating sinc on each side, and its tabulated positions between two samples. */
const CROSSINGS = 12;
const PHASES = 64;

/**
 * Plays a signal faster by `factor`: y[n] = x(n · factor), band-limited by a Hann-windowed sinc (error about −60 dB: for
 * varying examples, not for measuring).
 *
 * @returns round(length / factor) samples
 */
export function changeSpeed(x: Float32Array, factor: number): Float32Array {
  if (factor === 1) return x;
  const cutoff = Math.min(1, 1 / factor);
  const half = Math.ceil(CROSSINGS / cutoff);
  const table = sincTable(cutoff, half);
  const width = 2 * half;
  return Float32Array.from({ length: Math.max(1, Math.round(x.length / factor)) }, (_, n) => {
    const position = n * factor;
    const whole = Math.floor(position);
    const phase = (position - whole) * PHASES;
    const low = Math.floor(phase);
    const rest = phase - low;
    const first = whole - half + 1;
    let sum = 0;
    for (let k = Math.max(0, -first); k < width && first + k < x.length; k++) {
      const weight = (1 - rest) * table[low * width + k] + rest * table[(low + 1) * width + k];
      sum += weight * x[first + k];
    }
    return sum;
  });
}

/** [PHASES + 1, 2 · half]: the kernel c · sinc(c·t) · hann(t / half) at t = half − 1 − k + phase. */
function sincTable(cutoff: number, half: number): Float64Array {
  const table = new Float64Array((PHASES + 1) * 2 * half);
  for (let p = 0; p <= PHASES; p++) {
    for (let k = 0; k < 2 * half; k++) {
      const t = half - 1 - k + p / PHASES;
      const angle = Math.PI * cutoff * t;
      const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
      const hann = Math.abs(t) < half ? 0.5 + 0.5 * Math.cos((Math.PI * t) / half) : 0;
      table[p * 2 * half + k] = cutoff * sinc * hann;
    }
  }
  return table;
}

/** Length of a piece and how far it may be moved to fit the one before, s. */
const PIECE = 0.03;
const REACH = 0.008;

/**
 * Makes a signal longer by `factor` at the same pitch: overlapping Hann-windowed pieces, each taken from where it continues
 * the one before most alike.
 *
 * @see Verhelst and Roelands, An overlap-add technique based on waveform similarity (WSOLA), ICASSP 1993
 */
export function stretch(x: Float32Array, factor: number, sampleRate: number): Float32Array {
  const hop = Math.max(1, Math.round((PIECE * sampleRate) / 2));
  if (factor === 1 || x.length < 4 * hop) return x;
  const reach = Math.round(REACH * sampleRate);
  const length = Math.round(x.length * factor);
  const y = new Float32Array(length + 2 * hop);
  const at = (i: number) => (i >= 0 && i < x.length ? x[i] : 0);
  let natural = 0;
  for (let out = 0; out < length; out += hop) {
    const wanted = Math.round(out / factor);
    const start = out === 0 ? 0 : mostAlike(x, natural, wanted, hop, reach);
    for (let i = 0; i < 2 * hop; i++) {
      // The first piece has nothing before it to fade over from.
      const window = out === 0 && i < hop ? 1 : 0.5 - 0.5 * Math.cos((Math.PI * i) / hop);
      y[out + i] += window * at(start + i);
    }
    natural = start + hop;
  }
  return y.subarray(0, length);
}

/** Every so many samples are compared, which is enough for voices: their power lies below a sixth of 8 kHz. */
const STRIDE = 3;

/** The start near `wanted` whose `hop` samples correlate most with those from `natural` on: coarsely, then around the best. */
function mostAlike(x: Float32Array, natural: number, wanted: number, hop: number, reach: number): number {
  const likeness = (start: number) => {
    const count = Math.min(hop, x.length - Math.max(natural, start));
    let [dot, energy] = [0, 1e-12];
    for (let i = 0; i < count; i += STRIDE) {
      dot += x[natural + i] * x[start + i];
      energy += x[start + i] * x[start + i];
    }
    return dot / Math.sqrt(energy);
  };
  const best = (from: number, to: number, step: number) => {
    let [found, most] = [wanted, Number.NEGATIVE_INFINITY];
    for (let start = Math.max(0, from); start <= to; start += step) {
      const score = likeness(start);
      if (score > most) [found, most] = [start, score];
    }
    return found;
  };
  const near = best(wanted - reach, wanted + reach, STRIDE);
  return best(near - STRIDE + 1, near + STRIDE - 1, 1);
}

/** Moves the pitch by semitones; the tempo stays. */
export function changePitch(x: Float32Array, semitones: number, sampleRate: number): Float32Array {
  const ratio = 2 ** (semitones / 12);
  return changeSpeed(stretch(x, ratio, sampleRate), ratio);
}
