// Decodes in a worker thread of Node, which is ended when it takes too long.
import { Worker } from 'node:worker_threads';
import type { Audio } from './audio.ts';
import { DecodeQueue, type DecodeThread, type ThreadOptions } from './decode-queue.ts';
import type { Answer } from './decode-task.ts';
import type { AudioLimits } from './limits.ts';

/** Megabytes of JavaScript objects; samples and WebAssembly have limits of their own. */
const MAX_HEAP = 256;

// The thread runs what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/decode-thread.js' : './decode-thread.js';
const script = new URL(built, import.meta.url);

const queue = new DecodeQueue(start);

/**
 * Decodes bytes, which are handed over to the thread and gone afterwards.
 *
 * @throws AudioError as {@link decodeAudio} does, or where it takes too long or too much memory
 */
export function decodeInThread(
  bytes: Uint8Array,
  name: string,
  options: AudioLimits & ThreadOptions,
): Promise<Audio> {
  return queue.decode(bytes, name, options);
}

/** A thread that is ready. */
export function startWorker(): Promise<Worker> {
  const worker = new Worker(script, {
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP },
    stderr: true, // the decoders in WebAssembly report to the console what is an AudioError here
  });
  return new Promise((resolve, reject) => {
    worker.once('message', () => {
      worker.off('error', reject);
      resolve(worker);
    });
    worker.once('error', reject);
  });
}

/** A thread for a queue; a process may end while it waits. */
async function start(onLost: () => void): Promise<DecodeThread> {
  const worker = await startWorker().catch((cause) => {
    onLost();
    throw cause;
  });
  let tell = (_: Answer) => {};
  worker.on('message', (answer: Answer) => tell(answer));
  worker.on('error', (cause) => {
    onLost();
    tell({ failed: `fails with ${cause.message}` });
  });
  return {
    ask(task, onAnswer) {
      worker.ref();
      tell = (answer) => {
        worker.unref();
        onAnswer(answer);
      };
      worker.postMessage(task, [task.bytes.buffer as ArrayBuffer]);
    },
    end: () => void worker.terminate(),
  };
}
