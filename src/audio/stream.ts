// Reads a recording of any length block by block, in a thread that is ended when it stops making progress.
import { closeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { AudioError, FileError } from '../errors.ts';
import { fileSource, openRecording } from './disk-source.ts';
import { formatOf, HEAD, withoutTag } from './formats.ts';
import type { StreamAnswer, StreamedBlock } from './stream-task.ts';
import { startWorker } from './thread.ts';

export interface StreamOptions {
  /** Length of a block (s); 1 by default, at most 600. */
  blockSeconds?: number;
  /** Most seconds for a block; 2 by default. */
  maxSeconds?: number;
}

/** A recording that is being read: its mono samples in blocks, to be taken once. */
export interface AudioStream extends AsyncIterable<Float32Array> {
  /** Of the file, Hz; of Opus 48 kHz. */
  readonly sampleRate: number;
  /** Samples in all, where the header tells; as little to be trusted as headers are. */
  readonly length: number | undefined;
  /** WAV, FLAC, Ogg or MP3. */
  readonly format: string;
  /** The part of the file that was read for the blocks so far, 0 to 1. */
  readonly progress: number;
  /** Ends the reading before the last block. */
  close(): Promise<void>;
}

/**
 * Streams a WAV, FLAC, MP3, Ogg Vorbis, Ogg Opus or Ogg FLAC file of any length: together the blocks are the samples that
 * `readAudio` would give, to the bit. The decoder is a block ahead; no more is kept. Leaving a loop over it closes it.
 *
 * @throws FileError, AudioError as `readAudio` does, but for the length; damage further on is thrown between blocks
 */
export async function streamAudio(
  path: string,
  { blockSeconds = 1, maxSeconds = 2 }: StreamOptions = {},
): Promise<AudioStream> {
  if (!(blockSeconds > 0 && blockSeconds <= 600)) {
    throw new AudioError({ what: 'blockSeconds', expected: 'above 0, at most 600', got: `${blockSeconds}` });
  }
  const file = openRecording(path);
  let worker: Worker | undefined;
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await worker?.terminate();
    closeSync(file);
  };
  try {
    const format = formatOf(withoutTag(fileSource(file, path)).read(0, HEAD), path).name;
    worker = await startWorker();
    const ask = asker(worker, path, maxSeconds);
    worker.postMessage({ file, name: path, blockSeconds });
    const first = await ask();
    if (!first) throw new AudioError(`${path}: the recording holds no samples`);
    let { progress } = first;
    async function* blocks(): AsyncGenerator<Float32Array> {
      try {
        for (let block: StreamedBlock | undefined = first; block; ) {
          // Asked for before the one at hand is used; a refusal waits for its turn.
          const next = ask();
          next.catch(() => {});
          progress = block.progress;
          yield block.samples;
          block = await next;
        }
      } finally {
        await close();
      }
    }
    const all = blocks();
    return {
      sampleRate: first.sampleRate,
      length: first.length,
      format,
      get progress() {
        return progress;
      },
      close,
      [Symbol.asyncIterator]: () => all,
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** Asks a thread for the next block; undefined at the end. */
function asker(worker: Worker, name: string, maxSeconds: number): () => Promise<StreamedBlock | undefined> {
  let tell = (_: StreamAnswer) => {};
  worker.on('message', (answer: StreamAnswer) => tell(answer));
  worker.on('error', (cause) => tell({ failed: `fails with ${cause.message}` }));
  return async () => {
    const answer = await new Promise<StreamAnswer>((resolve) => {
      const failed = `takes longer than ${maxSeconds.toFixed(1)} s for a block`;
      // An answer may have come while this thread was busy: it is taken before the time is said to be over.
      const timer = setTimeout(() => setImmediate(() => resolve({ failed })), 1000 * maxSeconds);
      tell = (given) => {
        clearTimeout(timer);
        resolve(given);
      };
      worker.postMessage('next');
    });
    if ('block' in answer) return answer.block;
    if ('ended' in answer) return undefined;
    if ('refused' in answer) throw new (answer.byDisk ? FileError : AudioError)(answer.refused);
    await worker.terminate();
    throw new AudioError({
      what: `${name}: the recording cannot be decoded`,
      got: `a decoder that ${answer.failed}`,
    });
  };
}
