// One recording to decode in another thread: what is sent there, what is done, what comes back.
import { EarmarkError, type ErrorParts } from '../errors.ts';
import type { Audio } from './audio.ts';
import { decodeAudio } from './decode.ts';
import type { AudioLimits } from './limits.ts';

/** To the thread. */
export interface Task {
  bytes: Uint8Array;
  name: string;
  options: AudioLimits;
}

/** From the thread: samples, an error of ours in a form that crosses threads, or what became of the decoder. */
export type Answer = { audio: Audio } | { refused: ErrorParts } | { failed: string };

/** Does a task. @returns its answer, and the memory that can be handed over with it */
export async function perform({ bytes, name, options }: Task): Promise<[Answer, ArrayBuffer[]]> {
  try {
    const audio = await decodeAudio(bytes, name, options);
    return [{ audio }, [audio.samples.buffer as ArrayBuffer]];
  } catch (cause) {
    if (cause instanceof EarmarkError) return [{ refused: { ...cause.parts, cause: undefined } }, []];
    return [{ failed: `fails with ${cause instanceof Error ? cause.message : cause}` }, []];
  }
}
