// What stands between a voice and a recording of it: room, microphone, line, and noise.
import { realTransform } from '../features/fft.ts';
import { inverseTransform } from '../features/istft.ts';

/** Numbers in [0, 1). */
type Draw = () => number;

/** Speed of decay: e^(−6.91) is −60 dB. */
const SIXTY_DECIBELS = Math.log(1000);

/**
 * A room's impulse response: the direct sound, then noise that falls by 60 dB in `decay` seconds.
 * @param wet energy of the reverberation relative to the direct sound
 */
export function roomResponse(decay: number, wet: number, sampleRate: number, draw: Draw): Float64Array {
  const h = new Float64Array(Math.max(2, Math.ceil(0.8 * decay * sampleRate)));
  let energy = 0;
  for (let n = 1; n < h.length; n++) {
    h[n] = (2 * draw() - 1) * Math.exp((-SIXTY_DECIBELS * n) / (decay * sampleRate));
    energy += h[n] ** 2;
  }
  const scale = Math.sqrt(wet / energy);
  for (let n = 1; n < h.length; n++) h[n] *= scale;
  h[0] = 1;
  return h;
}

/** Gains at frequencies, between which decibels are linear in the logarithm of the frequency. */
export interface Curve {
  /** Hz, rising. */
  readonly hertz: readonly number[];
  readonly decibels: readonly number[];
}

/** An equalizer with a random gain for each octave from 125 Hz on. @param most dB either way */
export function equalizerCurve(sampleRate: number, most: number, draw: Draw): Curve {
  const hertz: number[] = [];
  for (let f = 125; f <= sampleRate / 2; f *= 2) hertz.push(f);
  return { hertz, decibels: hertz.map(() => most * (2 * draw() - 1)) };
}

/** A band from 50–300 Hz to 2800 Hz or above, which falls by 24 dB an octave and more beyond. */
export function bandCurve(sampleRate: number, draw: Draw): Curve {
  const low = 50 * 6 ** draw();
  const high = 2800 * Math.max(1, sampleRate / 2 / 2800) ** draw();
  return { hertz: [low / 4, low, high, 2 * high], decibels: [-48, 0, 0, -48] };
}

/** The product of curves as factors at k · step Hz, k = 0…count − 1. */
function gainsOf(curves: readonly Curve[], count: number, step: number): Float64Array {
  const decibels = new Float64Array(count);
  for (const { hertz, decibels: points } of curves) {
    let above = 0;
    for (let k = 0; k < count; k++) {
      while (above < hertz.length && hertz[above] <= k * step) above++;
      if (above === 0) decibels[k] += points[0];
      else if (above === hertz.length) decibels[k] += points[above - 1];
      else {
        const t = Math.log((k * step) / hertz[above - 1]) / Math.log(hertz[above] / hertz[above - 1]);
        decibels[k] += points[above - 1] + t * (points[above] - points[above - 1]);
      }
    }
  }
  return decibels.map((d) => 10 ** (d / 20));
}

/**
 * A signal in a room, through gains by frequency without delay, both by one transform.
 * @returns as many samples as came; what rings on after them is cut off
 */
export function filtered(
  x: Float32Array,
  sampleRate: number,
  room: Float64Array | null,
  curves: readonly Curve[],
): Float32Array {
  if (!room && curves.length === 0) return x;
  const size = 2 ** Math.ceil(Math.log2(x.length + Math.max(room?.length ?? 0, sampleRate / 50)));
  const transform = realTransform(size);
  const padded = (values: Float32Array | Float64Array) => {
    const all = new Float64Array(size);
    all.set(values);
    return Float64Array.from(transform(all)).subarray(0, size + 2);
  };
  const X = padded(x);
  const H = room && padded(room);
  const gains = gainsOf(curves, 1 + (size >> 1), sampleRate / size);
  for (let k = 0; 2 * k <= size; k++) {
    const [re, im] = [X[2 * k] * gains[k], X[2 * k + 1] * gains[k]];
    X[2 * k] = H ? re * H[2 * k] - im * H[2 * k + 1] : re;
    X[2 * k + 1] = H ? re * H[2 * k + 1] + im * H[2 * k] : im;
  }
  return Float32Array.from(inverseTransform(size)(X).subarray(0, x.length));
}

/** Noise whose power falls by 0 (white), 3 (pink) or 6 dB (brown) an octave, of root mean square 1. */
export function noise(length: number, colour: 'white' | 'pink' | 'brown', draw: Draw): Float32Array {
  // Nearly normal (Irwin and Hall), and cheaper than a logarithm and a cosine.
  const normal = () => draw() + draw() + draw() + draw() - 2;
  const out = new Float32Array(length);
  const state = new Float64Array(POLES.length);
  for (let n = 0; n < length; n++) {
    const white = normal();
    if (colour === 'white') out[n] = white;
    else if (colour === 'brown') {
      state[0] = 0.995 * state[0] + white;
      out[n] = state[0];
    } else {
      // A cascade of shelves, a pole and a zero to each two octaves, has a slope of −3 dB.
      let v = white;
      for (let i = 0; i < POLES.length; i++) {
        const now = v + POLES[i] * state[i];
        v = now - ZEROS[i] * state[i];
        state[i] = now;
      }
      out[n] = v;
    }
  }
  const rms = Math.sqrt(out.reduce((sum, v) => sum + v * v, 0) / length) || 1;
  return out.map((v) => v / rms);
}

/** Corner frequencies, as e^(−2πf) with f in cycles a sample: a pole every two octaves, a zero an octave above each. */
const CORNERS = [1 / 2048, 1 / 512, 1 / 128, 1 / 32, 1 / 8];
const POLES = CORNERS.map((f) => Math.exp(-2 * Math.PI * f));
const ZEROS = CORNERS.map((f) => Math.exp(-4 * Math.PI * f));
