// Changes the sample rate, of whole recordings or as they come.
import { AudioError } from '../errors.ts';
import { type Audio, makeAudio } from './audio.ts';
import { type BlockResampler, blockResampler } from './resample-blocks.ts';

const MAX_RATIO = 256;

/** Takes a recording in blocks of any length. What all calls give, put together, is what {@link resample} gives. */
export interface Resampler {
  /** Takes the next samples. @returns those that are ready */
  push(block: Float32Array): Float32Array;
  /** Ends the recording. @returns the rest; what is pushed afterwards is another recording */
  end(): Float32Array;
}

/**
 * Resamples to ⌈n · targetRate / sampleRate⌉ samples: sample i of the result is the recording at i / targetRate
 * seconds, without delay; beyond its ends the recording counts as 0. Flat to 91 % of the lower rate's band, as librosa's
 * default is; aliases are below float32's rounding. Equal rates give the same recording.
 *
 * @param targetRate Hz
 * @throws AudioError where the rate is not a positive integer, or more than 256 times higher or lower
 */
export async function resample(audio: Audio, targetRate: number): Promise<Audio> {
  const { samples, sampleRate } = audio;
  if (targetRate === sampleRate) return audio;
  checkRates(sampleRate, targetRate);
  const { lead, produced, run } = blocksOf(sampleRate, targetRate);
  const whole = new Float32Array(Math.ceil((samples.length * targetRate) / sampleRate));
  for (let done = 0, begin = -lead; done < whole.length; done += produced) {
    begin += run(samples, begin, whole.subarray(done), done);
  }
  return makeAudio(whole, targetRate);
}

const resamplers = new Map<string, BlockResampler>();

function blocksOf(from: number, to: number): BlockResampler {
  const divisor = gcd(from, to);
  const key = `${from / divisor}/${to / divisor}`;
  const blocks = resamplers.get(key) ?? blockResampler(from / divisor, to / divisor);
  resamplers.set(key, blocks);
  return blocks;
}

/**
 * Resamples a recording that comes in blocks, in memory that does not grow with it.
 *
 * @param from Hz @param to Hz
 * @throws AudioError as {@link resample}
 */
export function createResampler(from: number, to: number): Resampler {
  checkRates(from, to);
  if (from === to) return { push: (block) => block, end: () => new Float32Array(0) };
  const blocks = blocksOf(from, to);
  const input = new Float32Array(blocks.span);
  let [held, taken, given] = [blocks.lead, 0, 0];
  /** Takes samples, and gives at most so many. */
  const feed = (block: Float32Array, most: number): Float32Array => {
    const ready = Math.min(most, Math.ceil(((held + block.length) * to) / from));
    const out = new Float32Array(ready + blocks.produced);
    let [read, written] = [0, 0];
    while (written < most) {
      const count = Math.min(block.length - read, input.length - held);
      input.set(block.subarray(read, read + count), held);
      read += count;
      held += count;
      if (held < input.length) break;
      const used = blocks.run(input, 0, out.subarray(written), given + written);
      input.copyWithin(0, used);
      held -= used;
      written += blocks.produced;
    }
    given += Math.min(written, most);
    return out.slice(0, Math.min(written, most));
  };
  return {
    push(block) {
      taken += block.length;
      return feed(block, Number.POSITIVE_INFINITY);
    },
    end() {
      const rest = Math.ceil((taken * to) / from) - given;
      const blocksLeft = Math.ceil(rest / blocks.produced);
      const silence = new Float32Array(blocksLeft * (blocks.span + 1));
      const out = feed(silence, rest);
      input.fill(0);
      [held, taken, given] = [blocks.lead, 0, 0];
      return out;
    },
  };
}

function checkRates(from: number, to: number): void {
  const ratio = to / from;
  if (!Number.isInteger(to) || !Number.isInteger(from) || !(ratio <= MAX_RATIO && ratio >= 1 / MAX_RATIO)) {
    throw new AudioError({
      what: `cannot resample from ${from} Hz`,
      expected: `a whole rate, at most ${MAX_RATIO} times higher or lower`,
      got: `${to} Hz`,
    });
  }
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
