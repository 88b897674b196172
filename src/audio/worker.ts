// Decodes in a worker of the browser, which is ended when it takes too long; in the calling thread where there can be none.
import type { Audio } from './audio.ts';
import { DecodeQueue, type DecodeThread, type ThreadOptions } from './decode-queue.ts';
import { type Answer, perform } from './decode-task.ts';
import type { AudioLimits } from './limits.ts';

let address: string | URL | undefined;
const queue = new DecodeQueue(start);

/**
 * Says where `decode-worker.js` is served, for bundlers that do not take a worker along by themselves; before the first
 * recording is decoded.
 *
 * @param url of the page's own server: `earmark/decode-worker` as a bundler made one script of it
 */
export function decodeWorkerAt(url: string | URL): void {
  address = url;
}

/**
 * Decodes as `decodeAudio` does. Where no worker can be had, as the security policy forbids it or its script is not
 * there, this is done in the calling thread, where nothing can end it.
 *
 * @throws AudioError as {@link decodeAudio} does, or where it takes too long or too much memory
 */
export function decodeInWorker(
  bytes: Uint8Array,
  name: string,
  options: AudioLimits & ThreadOptions,
): Promise<Audio> {
  return queue.decode(bytes, name, options);
}

const here: DecodeThread = {
  ask: async (task, tell) => tell((await perform(task))[0]),
  end() {},
};

function start(onLost: () => void): Promise<DecodeThread> {
  return new Promise((resolve) => {
    const worker = tryWorker();
    if (!worker) return resolve(here);
    let tell = (_: Answer) => {};
    const thread: DecodeThread = {
      ask(task, onAnswer) {
        tell = onAnswer;
        worker.postMessage(task);
      },
      end: () => worker.terminate(),
    };
    let isReady = false;
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      if (isReady) return tell(data);
      isReady = true;
      resolve(thread);
    });
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (!isReady) return resolve(here);
      onLost();
      tell({ failed: `fails with ${event.message}` });
    });
  });
}

/** A worker, unless the browser refuses at once. */
function tryWorker(): Worker | undefined {
  try {
    if (address) return new Worker(address, { type: 'module' });
    // Bundlers know a worker by these words.
    return new Worker(new URL('./decode-worker.js', import.meta.url), { type: 'module' });
  } catch {
    return undefined;
  }
}
