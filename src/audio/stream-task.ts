// One recording to decode block by block in another thread: what is sent there, what is done, what comes back.
import { AudioError, EarmarkError, type ErrorParts, FileError } from '../errors.ts';
import { decodeBlocks } from './decode.ts';
import { fileSource } from './disk-source.ts';
import type { AudioBlocks } from './mono.ts';
import type { ByteSource } from './source.ts';

/** To the thread, once; then a word for each block that is wanted. */
export interface StreamTask {
  /** An open file; threads share them. */
  file: number;
  name: string;
  /** Length of a block (s). */
  blockSeconds: number;
}

/** A block of a recording. */
export interface StreamedBlock {
  samples: Float32Array;
  sampleRate: number;
  /** Samples in all, where the header tells. */
  length: number | undefined;
  /** The part of the file that was read for it, 0 to 1. */
  progress: number;
}

/** From the thread: a block, the end, an error of ours in a form that crosses threads, or what became of the decoder. */
export type StreamAnswer =
  | { block: StreamedBlock }
  | { ended: true }
  | { refused: ErrorParts; byDisk: boolean }
  | { failed: string };

/** Decodes a file as far as answers are asked for. */
export async function* answers({ file, name, blockSeconds }: StreamTask): AsyncGenerator<StreamAnswer> {
  try {
    const { size, read } = fileSource(file, name);
    let reached = 0;
    const source: ByteSource = {
      size,
      read(start, length) {
        reached = Math.max(reached, Math.min(size, start + length));
        return read(start, length);
      },
    };
    for await (const block of equalBlocks(decodeBlocks(source, name), blockSeconds, name)) {
      yield { block: { ...block, progress: reached / size } };
    }
    yield { ended: true };
  } catch (cause) {
    if (cause instanceof EarmarkError) {
      yield { refused: { ...cause.parts, cause: undefined }, byDisk: cause instanceof FileError };
    } else yield { failed: `fails with ${cause instanceof Error ? cause.message : cause}` };
  }
}

/**
 * The same samples in blocks of one length, at least a sample; the last may be shorter.
 *
 * @throws AudioError where there is no sample, or one is no number
 */
async function* equalBlocks(
  blocks: AudioBlocks,
  seconds: number,
  name: string,
): AsyncGenerator<Omit<StreamedBlock, 'progress'>> {
  let [rate, done, have]: number[] = [0, 0, 0];
  let length: number | undefined;
  let size = 0;
  let block = new Float32Array(0);
  for await (const { samples, sampleRate, length: told } of blocks) {
    if (size === 0) {
      size = Math.max(1, Math.round(seconds * sampleRate));
      block = new Float32Array(size);
    }
    rate = sampleRate;
    length ??= told;
    const bad = samples.findIndex((s) => !Number.isFinite(s));
    if (bad >= 0) {
      const what = `${name}: sample ${done + have + bad} is not a number`;
      throw new AudioError({ what, expected: 'finite samples', got: `${samples[bad]}` });
    }
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + size - have);
      block.set(part, have);
      at += part.length;
      have += part.length;
      if (have < size) continue;
      done += have;
      have = 0;
      yield { samples: block, sampleRate, length };
      block = new Float32Array(size); // what was given may be gone to another thread
    }
  }
  if (done + have === 0) throw new AudioError(`${name}: the recording holds no samples`);
  if (have > 0) yield { samples: block.slice(0, have), sampleRate: rate, length };
}
