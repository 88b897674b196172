// The thread that decodes recordings for thread.ts.
import { parentPort } from 'node:worker_threads';
import { EarmarkError } from '../errors.ts';
import { decodeAudio } from './decode.ts';
import type { Answer, Task } from './thread.ts';

parentPort?.on('message', async ({ bytes, name, options }: Task) => {
  parentPort?.postMessage(...(await answer(bytes, name, options)));
});
parentPort?.postMessage('ready');

async function answer(...task: Parameters<typeof decodeAudio>): Promise<[Answer, ArrayBuffer[]]> {
  try {
    const audio = await decodeAudio(...task);
    return [{ audio }, [audio.samples.buffer as ArrayBuffer]];
  } catch (cause) {
    if (cause instanceof EarmarkError) return [{ refused: { ...cause.parts, cause: undefined } }, []];
    return [{ failed: `fails with ${cause instanceof Error ? cause.message : cause}` }, []];
  }
}
