// Clips whose answer is known: a tone, a chirp or clicks planted in noise, and where in time and frequency it lies.
import { hash32, random } from '../../src/corpus/random.ts';
import type { Matrix } from '../../src/features/matrix.ts';

export const SAMPLE_RATE = 8000;
export const CLIP_SAMPLES = 8000;
/** The analysis window of all features here, a Hann window of 32 ms (samples). */
export const WINDOW = 256;
/** Root mean square of the noise. */
const NOISE = 0.1;
/** Rise and fall of tones and chirps (s). */
const RAMP = 0.01;

/** What is planted: its frequency moves along a line, from begin to end. */
export interface Kind {
  readonly label: string;
  /** s */
  readonly duration: number;
  /** Hz at its begin and at its end. */
  readonly frequency: readonly [number, number];
  /** Hz to either side of the line in which its energy lies. */
  readonly spread: number;
  /** Hz: the band in which it is as strong as the noise, over its duration. */
  readonly bandwidth: number;
  /** Of clicks, which follow one another: s from one to the next. */
  readonly every?: number;
}

/** The tone's band is the third octave about it, the others' what they sweep or fill. */
export const KINDS: readonly Kind[] = [
  { label: 'tone', duration: 0.3, frequency: [2500, 2500], spread: 10, bandwidth: 579 },
  { label: 'chirp', duration: 0.2, frequency: [600, 1400], spread: 20, bandwidth: 800 },
  { label: 'clicks', duration: 0.1, frequency: [2000, 2000], spread: 750, bandwidth: 1500, every: 0.02 },
];
/**
 * The kinds, and noise alone, so that each kind must be told by what is there: of three kinds, one of which is always
 * there, the third may be told by the others' absence, which has no place.
 */
export const CLASSES = [...KINDS.map(({ label }) => label), 'noise'];

/** A clip, its class, and when what was planted begins (s). */
export interface PlantedClip {
  readonly samples: Float32Array;
  readonly label: number;
  readonly start: number;
}

/** The `index`-th clip of a stream: white noise, and but for one class an event at a time of its own. */
export function plantedClip(stream: number, index: number): PlantedClip {
  const next = random(hash32(stream, index));
  // Box and Muller
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const label = index % CLASSES.length;
  if (label === KINDS.length) {
    return { samples: Float32Array.from({ length: CLIP_SAMPLES }, () => NOISE * normal()), label, start: 0 };
  }
  const margin = WINDOW / SAMPLE_RATE;
  const spare = CLIP_SAMPLES / SAMPLE_RATE - 2 * margin - KINDS[label].duration;
  const start = margin + next() * spare;
  const event = eventOf(KINDS[label], start, 2 * Math.PI * next());
  return { samples: Float32Array.from(event, (s) => s + NOISE * normal()), label, start };
}

/** What is planted, by itself, with the energy that the noise has in its band over its duration. */
export function eventOf(kind: Kind, start: number, phase: number): Float64Array {
  const event = waveform(kind, start, phase);
  const noiseEnergy = (NOISE ** 2 * kind.duration * SAMPLE_RATE * kind.bandwidth) / (SAMPLE_RATE / 2);
  const gain = Math.sqrt(noiseEnergy / event.reduce((sum, s) => sum + s * s, 0));
  return event.map((s) => gain * s);
}

/** cos(φ + 2π ∫ f dt) under an envelope: raised cosines at both ends, or clicks, Gaussians ±2 σ wide in frequency. */
function waveform({ duration, frequency: [f0, f1], spread, every }: Kind, start: number, phase: number) {
  const sigma = 1 / (Math.PI * spread);
  return Float64Array.from({ length: CLIP_SAMPLES }, (_, n) => {
    const t = n / SAMPLE_RATE - start;
    if (t < 0 || t > duration) return 0;
    const envelope = every
      ? Math.exp(-(((t % every) - every / 2) ** 2) / (2 * sigma ** 2))
      : Math.sin((Math.PI / 2) * Math.min(1, t / RAMP, (duration - t) / RAMP)) ** 2;
    return envelope * Math.cos(phase + 2 * Math.PI * (f0 * t + ((f1 - f0) * t * t) / (2 * duration)));
  });
}

/** Seconds and hertz by which a region is widened to every side. */
export interface Dilation {
  readonly time: number;
  readonly frequency: number;
}

/** One window: its length, and half of the main lobe of its transform, two bins. */
export const ONE_WINDOW: Dilation = { time: WINDOW / SAMPLE_RATE, frequency: (2 * SAMPLE_RATE) / WINDOW };

/** 1 at the cells of [frequencies, times] that a planted event lies in, widened, and 0 at all others. */
export function regionOf(
  { label, start }: Pick<PlantedClip, 'label' | 'start'>,
  { frequencies, times }: { readonly frequencies: Float64Array; readonly times: Float64Array },
  { time, frequency }: Dilation,
): Matrix {
  const { duration, frequency: line, spread } = KINDS[label];
  const [rows, columns] = [frequencies.length, times.length];
  const data = new Float64Array(rows * columns);
  for (let t = 0; t < columns; t++) {
    const [from, to] = [Math.max(0, times[t] - time - start), Math.min(duration, times[t] + time - start)];
    if (from > to) continue;
    const ends = [from, to].map((at) => line[0] + ((line[1] - line[0]) * at) / duration);
    const [low, high] = [Math.min(...ends) - spread - frequency, Math.max(...ends) + spread + frequency];
    for (let k = 0; k < rows; k++) {
      if (frequencies[k] >= low && frequencies[k] <= high) data[k * columns + t] = 1;
    }
  }
  return { rows, columns, data };
}

/** Share of the plane of time and frequency that an event takes, without being widened. */
export function plantedShare({ duration, spread }: Kind): number {
  return (duration * 2 * spread) / ((CLIP_SAMPLES / SAMPLE_RATE) * (SAMPLE_RATE / 2));
}
