// Several channels as one, by their mean; and blocks of a recording as a whole.
import { AudioError } from '../errors.ts';
import { type Audio, makeAudio } from './audio.ts';
import { type AudioLimits, assertLength, MAX_SAMPLES } from './limits.ts';

/** A part of a recording, as decoders give it; parts follow each other without gaps. */
export interface AudioBlock extends Audio {
  /** Samples of the whole recording, told with the first block where a header tells. */
  readonly length?: number;
}

/** Blocks of a recording, in order; of decoders in WebAssembly, which have to start, later. */
export type AudioBlocks = Iterable<AudioBlock> | AsyncIterable<AudioBlock>;

/** Recordings up to this many samples are copied to their own size in the end; also the first memory taken. */
const COPIED = 2 ** 20;

/** `count` samples: the mean of the channels, times `scale`. */
export function mixed(channels: readonly ArrayLike<number>[], count: number, scale = 1): Float32Array {
  const out = new Float32Array(count);
  const factor = scale / channels.length;
  const [first, second] = channels;
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
  return out;
}

/** A recording that grows block by block, up to the limit. */
export class WholeAudio {
  readonly #name: string;
  readonly #options: AudioLimits;
  #samples: Float32Array = new Float32Array(0);
  #length = 0;
  #expected = 0;
  #sampleRate = 0;
  #streamed: true | undefined;

  constructor(name: string, options: AudioLimits) {
    this.#name = name;
    this.#options = options;
  }

  /** @throws AudioError beyond the limit, also where a header tells that the recording will be */
  add({
    samples,
    sampleRate,
    length: expected = this.#expected,
    streamed = this.#streamed,
  }: AudioBlock): void {
    this.#sampleRate = sampleRate;
    this.#expected = expected;
    this.#streamed = streamed;
    const length = this.#length + samples.length;
    assertLength(Math.max(length, expected), sampleRate, this.#name, this.#options);
    if (this.#length === 0 && length === expected) this.#samples = samples;
    else if (length > this.#samples.length) {
      // A header is believed as far as samples come.
      const wanted = this.#length === 0 ? COPIED : Math.ceil(1.5 * this.#samples.length);
      const { maxSamples = MAX_SAMPLES } = this.#options;
      const most = expected >= length ? expected : maxSamples;
      const grown = new Float32Array(Math.max(length, Math.min(wanted, most)));
      grown.set(this.#samples.subarray(0, this.#length));
      this.#samples = grown;
    }
    if (samples !== this.#samples) this.#samples.set(samples, this.#length);
    this.#length = length;
  }

  /** @throws AudioError where nothing was added, or a sample is no number */
  finish(): Audio {
    if (this.#length === 0) throw new AudioError(`${this.#name}: the recording holds no samples`);
    // A copy gives back what was taken too much; of long recordings there is no room for one.
    const length = this.#length;
    const isCopied = length < Math.min(COPIED, this.#samples.length);
    const samples = isCopied ? this.#samples.slice(0, length) : this.#samples.subarray(0, length);
    const audio = makeAudio(samples, this.#sampleRate, this.#name);
    return this.#streamed ? { ...audio, streamed: true } : audio;
  }
}

/** @throws AudioError as {@link WholeAudio} does */
export async function wholeOf(blocks: AudioBlocks, name: string, options: AudioLimits): Promise<Audio> {
  const whole = new WholeAudio(name, options);
  for await (const block of blocks) whole.add(block);
  return whole.finish();
}
