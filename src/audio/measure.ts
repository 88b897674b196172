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
  const n = samples.length;
  let [least, most, sum, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < n; i++) {
    const s = samples[i];
    if (s < least) least = s;
    if (s > most) most = s;
    sum += s;
    squares += s * s;
  }
  const low = least <= -LOUD ? least : Number.NaN;
  const high = most >= LOUD ? most : Number.NaN;
  let clipped = 0;
  for (let i = 0, end = 0; i < n; i = end) {
    const s = samples[i];
    end = i + 1;
    if (s !== low && s !== high) continue;
    while (end < n && samples[end] === s) end++;
    if (end - i >= CLIPPED_RUN) clipped += end - i;
  }
  const peak = Math.max(-least, most, 0);
  const measured = { samples: n, sampleRate, peak, rms: Math.sqrt(squares / n), dc: sum / n, clipped };
  return streamed ? { ...measured, streamed } : measured;
}
