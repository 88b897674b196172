// Collects decoded blocks of several channels as one mono recording: the mean of the channels.
import { AudioError } from '../errors.ts';
import { type Audio, makeAudio } from './audio.ts';
import { type AudioLimits, assertLength, MAX_SAMPLES } from './limits.ts';

/** Recordings up to this many samples are copied to their own size in the end; also the first memory taken. */
const COPIED = 2 ** 20;

/** A mono recording that grows block by block, up to the limit. */
export class MonoBuffer {
  readonly #name: string;
  readonly #sampleRate: number;
  readonly #options: AudioLimits;
  readonly #expected: number;
  #samples: Float32Array;
  #length = 0;

  /** @param expected samples to come, as far as a header tells; memory is taken only as they do come */
  constructor(name: string, sampleRate: number, options: AudioLimits, expected = 0) {
    if (!(sampleRate > 0)) {
      throw new AudioError({
        what: `${name}: invalid sample rate`,
        expected: 'more than 0 Hz',
        got: `${sampleRate}`,
      });
    }
    assertLength(expected, sampleRate, name, options);
    this.#name = name;
    this.#sampleRate = sampleRate;
    this.#options = options;
    this.#expected = expected;
    this.#samples = new Float32Array(Math.min(expected, COPIED));
  }

  /** Samples so far. */
  get length(): number {
    return this.#length;
  }

  /** Adds `count` samples of each channel, times `scale`. @throws AudioError beyond the limit */
  add(channels: readonly ArrayLike<number>[], count: number, scale = 1): void {
    const length = this.#length + count;
    assertLength(length, this.#sampleRate, this.#name, this.#options);
    if (length > this.#samples.length) {
      const half = Math.ceil(1.5 * this.#samples.length);
      const { maxSamples = MAX_SAMPLES } = this.#options;
      const most = this.#expected >= length ? this.#expected : maxSamples;
      const grown = new Float32Array(Math.max(length, Math.min(half, most)));
      grown.set(this.#samples.subarray(0, this.#length));
      this.#samples = grown;
    }
    const factor = scale / channels.length;
    const [first, second] = channels;
    const out = this.#samples.subarray(this.#length, length);
    if (first && channels.length === 1) for (let i = 0; i < count; i++) out[i] = first[i] * factor;
    else if (first && second && channels.length === 2) {
      for (let i = 0; i < count; i++) out[i] = (first[i] + second[i]) * factor;
    } else {
      for (let i = 0; i < count; i++) {
        let sum = 0;
        for (const channel of channels) sum += channel[i];
        out[i] = sum * factor;
      }
    }
    this.#length = length;
  }

  /** The recording from sample `from` up to `to`. @throws AudioError where nothing is left, or a sample is no number */
  finish(from = 0, to = this.#length): Audio {
    const [start, end] = [Math.min(from, this.#length), Math.min(to, this.#length)];
    // A copy gives back what was taken too much; of long recordings there is no room for one.
    const samples =
      end - start < COPIED ? this.#samples.slice(start, end) : this.#samples.subarray(start, end);
    return makeAudio(samples, this.#sampleRate, this.#name);
  }
}
