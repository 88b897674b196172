// Decodes in a worker thread, which is ended when it takes too long; one thread serves one recording after the other.
import { Worker } from 'node:worker_threads';
import { AudioError, type ErrorParts } from '../errors.ts';
import type { Audio } from './audio.ts';
import type { AudioLimits } from './limits.ts';

/** What decoding in a thread may take. */
export interface ThreadOptions {
  /** Most seconds; 2 and another 10 for each megabyte by default. */
  maxSeconds?: number;
}

/** To the thread. */
export interface Task {
  bytes: Uint8Array;
  name: string;
  options: AudioLimits;
}

/** From the thread. */
export type Answer = { audio: Audio } | { refused: ErrorParts } | { failed: string };

/** Megabytes of JavaScript objects; samples and WebAssembly have limits of their own. */
const MAX_HEAP = 256;

// The thread runs what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/decode-thread.js' : './decode-thread.js';
const script = new URL(built, import.meta.url);

let thread: Promise<Worker> | undefined;
let queue: Promise<unknown> = Promise.resolve();

/**
 * Decodes bytes, which are handed over to the thread and gone afterwards.
 *
 * @throws AudioError as {@link decodeAudio} does, or where it takes too long or too much memory
 */
export function decodeInThread(
  bytes: Uint8Array,
  name: string,
  { maxSamples, maxSeconds = 2 + (10 * bytes.length) / 2 ** 20 }: AudioLimits & ThreadOptions,
): Promise<Audio> {
  const decoded = queue.then(() => run({ bytes, name, options: { maxSamples } }, maxSeconds));
  queue = decoded.catch(() => {});
  return decoded;
}

async function run(task: Task, maxSeconds: number): Promise<Audio> {
  thread ??= start();
  const worker = await thread;
  worker.ref();
  const answer = await new Promise<Answer>((resolve) => {
    const end = (result: Answer) => {
      clearTimeout(timer);
      worker.off('message', end).off('error', crash);
      resolve(result);
    };
    const crash = (error: Error) => end({ failed: `fails with ${error.message}` });
    const timer = setTimeout(() => {
      thread = undefined;
      worker.terminate();
      end({ failed: `takes longer than ${maxSeconds.toFixed(1)} s` });
    }, 1000 * maxSeconds);
    worker.on('message', end).on('error', crash);
    worker.postMessage(task, [task.bytes.buffer as ArrayBuffer]);
  });
  worker.unref();
  if ('audio' in answer) return answer.audio;
  if ('refused' in answer) throw new AudioError(answer.refused);
  throw new AudioError({
    what: `${task.name}: the recording cannot be decoded`,
    got: `a decoder that ${answer.failed}`,
  });
}

/** A thread that is ready; a process may end while it waits. */
function start(): Promise<Worker> {
  const worker = new Worker(script, {
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP },
    stderr: true, // the decoders in WebAssembly report to the console what is an AudioError here
  });
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve(worker));
    worker.on('error', (cause) => {
      thread = undefined;
      reject(cause);
    });
  });
}
