// Windows that slide over a long recording: where they lie, what of each a model's clip holds, which hold no sound.
import { FeatureError } from '../errors.ts';
import { fitClip } from '../features/clip.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { Tail } from './tail.ts';

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
/** Three days in quarters of a second. */
const MOST_WINDOWS = 1_000_000;

/**
 * Windows from the start of a recording, a hop apart; where they do not end with it, one more does. A recording that is
 * no longer than a window is one itself. Each is fitted to the model's clip as a recording would be.
 *
 * @param samples mono, at `settings.sampleRate`
 * @throws FeatureError where a window or a hop is less than a sample, the hop leaves gaps, or there are too many windows
 */
export function slidingWindows(
  samples: Float32Array,
  settings: WindowSettings,
  options: WindowOptions,
): SlidingWindow[] {
  const survey = new WindowSurvey(settings, options);
  survey.push(samples);
  return survey.end();
}

type WindowSettings = Pick<FeatureSettings, 'sampleRate' | 'clipSamples' | 'align'>;

/** {@link slidingWindows} of a recording that comes in blocks, of which no more than a window is kept. */
export class WindowSurvey {
  readonly #settings: WindowSettings;
  readonly #length: number;
  readonly #step: number;
  readonly #tail = new Tail();
  readonly #windows: Omit<SlidingWindow, 'silent'>[] = [];
  readonly #powers: number[] = [];

  /** @throws FeatureError as {@link slidingWindows} */
  constructor(settings: WindowSettings, { window, hop }: WindowOptions) {
    this.#settings = settings;
    this.#length = checkedSamples('window', window, settings.sampleRate);
    this.#step = checkedSamples('hop', hop, settings.sampleRate);
    if (hop > window) {
      const [expected, got] = [`at most the window, ${window} s`, `${hop} s`];
      throw new FeatureError({
        what: 'hop',
        expected,
        got,
        todo: 'What lies between two windows is not heard.',
      });
    }
  }

  /** Takes the next samples. @throws FeatureError where there are too many windows */
  push(block: Float32Array): void {
    this.#tail.push(block);
    for (;;) {
      const start = this.#windows.length * this.#step;
      // What the last window will hold, should the recording end here, is kept, too.
      this.#tail.forget(Math.min(start, this.#tail.end - this.#length));
      if (start + this.#length > this.#tail.end) return;
      this.#add(start);
    }
  }

  /** @returns the windows, the last of which ends with the recording */
  end(): SlidingWindow[] {
    const spare = Math.max(0, this.#tail.end - this.#length);
    const last = this.#windows.at(-1);
    if (!last || last.start < spare) this.#add(spare);
    const loudest = this.#powers.reduce((a, b) => Math.max(a, b), 0);
    return this.#windows.map((window, w) => {
      const power = this.#powers[w];
      return { ...window, silent: power === 0 || power < loudest * 10 ** (-QUIET / 10) };
    });
  }

  #add(start: number): void {
    if (this.#windows.length === MOST_WINDOWS) {
      const [expected, got] = [`at most ${MOST_WINDOWS} windows`, 'more'];
      throw new FeatureError({ what: 'windows of a recording', expected, got, todo: 'Take a longer hop.' });
    }
    const { clipSamples, align } = this.#settings;
    const samples = this.#tail.slice(start, start + this.#length);
    const clipStart = start - fitClip(samples, clipSamples, align).start;
    this.#windows.push({ start, end: start + samples.length, clipStart });
    this.#powers.push(meanPower(samples));
  }
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
