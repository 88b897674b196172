// Fits recordings to the length of a model's clip: shorter ones in the middle of silence, longer ones cut.

/** A recording fitted to a clip. */
export interface FittedClip {
  samples: Float32Array;
  /** Index in the clip of the recording's sample 0; negative where its beginning is cut off. */
  start: number;
  /** Zeros before the recording, in samples. */
  padBefore: number;
  /** Zeros after the recording, in samples. */
  padAfter: number;
  /** Whether a part of the recording is left out. */
  cut: boolean;
}

/**
 * A shorter recording is centred between zeros; of a longer one the window of highest energy is taken. Aligned at the
 * start, zeros come after a shorter one, and of a longer one the beginning is taken.
 */
export function fitClip(
  samples: Float32Array,
  clipSamples: number,
  align: 'center' | 'start' = 'center',
): FittedClip {
  const spare = clipSamples - samples.length;
  if (spare < 0) {
    const start = align === 'start' ? 0 : loudestWindow(samples, clipSamples);
    const window = samples.slice(start, start + clipSamples);
    return { samples: window, start: 0 - start, padBefore: 0, padAfter: 0, cut: true };
  }
  const padBefore = align === 'start' ? 0 : spare >> 1;
  const clip = new Float32Array(clipSamples);
  clip.set(samples, padBefore);
  return { samples: clip, start: padBefore, padBefore, padAfter: spare - padBefore, cut: false };
}

/** Start of the first window of `length` samples with the largest Σ s²: by a running sum, in float64. */
function loudestWindow(samples: Float32Array, length: number): number {
  let energy = 0;
  for (let i = 0; i < length; i++) energy += samples[i] ** 2;
  let [best, start] = [energy, 0];
  for (let i = length; i < samples.length; i++) {
    energy += samples[i] ** 2 - samples[i - length] ** 2;
    if (energy > best) [best, start] = [energy, i - length + 1];
  }
  return start;
}
