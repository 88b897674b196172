// What a recording is once decoded: mono samples at a sample rate.
import { AudioError } from '../errors.ts';

/** A mono recording. */
export interface Audio {
  /** Nominally in [−1, 1]; float files may exceed it. */
  samples: Float32Array;
  /** Hz. */
  sampleRate: number;
  /** True where a WAV file's header does not say how long it is, so that all up to the file's end was taken. */
  streamed?: true;
}

/**
 * Makes an {@link Audio}, checked.
 *
 * @param name how errors call the recording
 * @throws AudioError where there is no sample, a sample is NaN or infinite, or the sample rate is not positive
 */
export function makeAudio(samples: Float32Array, sampleRate: number, name = 'audio'): Audio {
  assertRate(sampleRate, name);
  if (samples.length === 0) throw new AudioError(`${name}: the recording holds no samples`);
  if (!areFinite(samples)) {
    const bad = samples.findIndex((s) => !Number.isFinite(s));
    const what = `${name}: sample ${bad} of ${samples.length} is not a number`;
    throw new AudioError({ what, expected: 'finite samples', got: `${samples[bad]}` });
  }
  return { samples, sampleRate };
}

/** Whether no value is infinite or NaN. */
export function areFinite(values: Float32Array | Float64Array): boolean {
  // 0 · ∞ and 0 · NaN are NaN. Of four sums none waits for another.
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}

/** Refuses sample rates that are none. @throws AudioError */
export function assertRate(sampleRate: number, name: string): void {
  if (sampleRate > 0 && Number.isFinite(sampleRate)) return;
  const [expected, got] = ['more than 0 Hz', `${sampleRate}`];
  throw new AudioError({ what: `${name}: invalid sample rate`, expected, got });
}

/** Refuses a recording whose every sample is zero. @throws AudioError */
export function assertAudible(audio: Audio, name = 'audio'): void {
  const { samples } = audio;
  let silent = 0;
  while (silent < samples.length && samples[silent] === 0) silent++;
  if (silent === samples.length) throw silentError(name, samples.length);
}

/** What is said of a recording whose every sample is zero. */
export function silentError(name: string, samples: number): AudioError {
  const what = `${name}: the recording is silent (all ${samples} samples are 0)`;
  return new AudioError({ what, todo: 'Leave it out, or record it again.' });
}
