// Measures what tells whether a recording is fit for use: level, offset, clipping, length.
import type { Audio } from './audio.ts';

/** A recording in numbers. */
export interface Measured {
  /** How many there are. */
  samples: number;
  /** Hz. */
  sampleRate: number;
  /** The largest |s|. */
  peak: number;
  /** √(Σ s² / n). */
  rms: number;
  /** The mean, Σ s / n: 0 but for a direct current. */
  dc: number;
  /** Samples in runs of at least {@link CLIPPED_RUN} equal ones at the largest or smallest value. */
  clipped: number;
  /** True where the header did not say the length, see {@link Audio}. */
  streamed?: true;
}

/** A wave whose peak is cut off stays at the same value; a whole one hardly ever does for so long. */
export const CLIPPED_RUN = 3;
/** Below this peak equal samples come from few bits, not from clipping. */
const LOUD = 0.1;

/** Measures a recording. */
export function measure({ samples, sampleRate, streamed }: Audio): Measured {
  let [least, most, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (const s of samples) {
    if (s < least) least = s;
    if (s > most) most = s;
    sum += s;
    squares += s * s;
  }
  const n = samples.length;
  let [clipped, run] = [0, 0];
  for (let i = 0; i <= n; i++) {
    const s = samples[i];
    const isExtreme = (s === most && most >= LOUD) || (s === least && least <= -LOUD);
    if (i < n && isExtreme && (run === 0 || s === samples[i - 1])) run++;
    else {
      if (run >= CLIPPED_RUN) clipped += run;
      run = i < n && isExtreme ? 1 : 0;
    }
  }
  const peak = Math.max(-least, most, 0);
  const measured = { samples: n, sampleRate, peak, rms: Math.sqrt(squares / n), dc: sum / n, clipped };
  return streamed ? { ...measured, streamed } : measured;
}
