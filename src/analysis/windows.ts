// Windows that slide over a long recording: where they lie, what of each a model's clip holds, which hold no sound.
import { FeatureError } from '../errors.ts';
import { fitClip } from '../features/clip.ts';
import type { FeatureSettings } from '../features/settings.ts';

export interface WindowOptions {
  /** Length of a window (s). */
  readonly window: number;
  /** From the start of one to the start of the next (s). */
  readonly hop: number;
}

/** A part of a recording; all in samples. */
export interface SlidingWindow {
  readonly start: number;
  readonly end: number;
  /** Where in the recording the model's clip begins: before `start` where zeros come first, after it where the window is cut. */
  readonly clipStart: number;
  /** Whether it is more than {@link QUIET} dB below the loudest window, so that there is nothing to explain. */
  readonly silent: boolean;
}

/** As librosa.effects.split: what is so many dB below the loudest (in root mean square) counts as silence. */
export const QUIET = 60;
const MOST_WINDOWS = 100_000;

/**
 * Windows from the start of a recording, a hop apart; where they do not end with it, one more does. A recording that is
 * no longer than a window is one itself. Each is fitted to the model's clip as a recording would be.
 *
 * @param samples mono, at `settings.sampleRate`
 * @throws FeatureError where a window or a hop is less than a sample, the hop leaves gaps, or there are too many windows
 */
export function slidingWindows(
  samples: Float32Array,
  { sampleRate, clipSamples, align }: Pick<FeatureSettings, 'sampleRate' | 'clipSamples' | 'align'>,
  { window, hop }: WindowOptions,
): SlidingWindow[] {
  const length = Math.min(checkedSamples('window', window, sampleRate), samples.length);
  const step = checkedSamples('hop', hop, sampleRate);
  if (hop > window) {
    const [expected, got] = [`at most the window, ${window} s`, `${hop} s`];
    throw new FeatureError({
      what: 'hop',
      expected,
      got,
      todo: 'What lies between two windows is not heard.',
    });
  }
  const spare = samples.length - length;
  const count = 1 + Math.ceil(spare / step);
  if (count > MOST_WINDOWS) {
    const [expected, got] = [`at most ${MOST_WINDOWS} windows`, `${count}`];
    throw new FeatureError({ what: 'windows of a recording', expected, got, todo: 'Take a longer hop.' });
  }
  const starts = Array.from({ length: count }, (_, w) => Math.min(w * step, spare));
  const powers = starts.map((start) => meanPower(samples.subarray(start, start + length)));
  const loudest = powers.reduce((a, b) => Math.max(a, b), 0);
  return starts.map((start, w) => ({
    start,
    end: start + length,
    clipStart: start - fitClip(samples.subarray(start, start + length), clipSamples, align).start,
    silent: powers[w] === 0 || powers[w] < loudest * 10 ** (-QUIET / 10),
  }));
}

function checkedSamples(name: string, seconds: number, sampleRate: number): number {
  const samples = Math.round(seconds * sampleRate);
  if (samples >= 1 && Number.isFinite(samples)) return samples;
  const expected = `a number of seconds, at least ${1 / sampleRate} (a sample)`;
  throw new FeatureError({ what: name, expected, got: `${seconds}` });
}

function meanPower(samples: Float32Array): number {
  return samples.reduce((sum, s) => sum + s * s, 0) / samples.length;
}
