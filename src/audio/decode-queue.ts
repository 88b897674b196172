// Hands recordings to a thread that decodes, one after the other, and ends the thread when one takes too long.
import { AudioError } from '../errors.ts';
import type { Audio } from './audio.ts';
import type { Answer, Task } from './decode-task.ts';
import type { AudioLimits } from './limits.ts';

/** What decoding in a thread may take. */
export interface ThreadOptions {
  /** Most seconds; 2 and another 10 for each megabyte by default. */
  maxSeconds?: number;
}

/** A thread that decodes, whatever runs it. */
export interface DecodeThread {
  /** Sends a task; `tell` is called with its answer, or with what became of the thread. */
  ask(task: Task, tell: (answer: Answer) => void): void;
  end(): void;
}

/** One thread, started when it is needed, and again after it was ended. */
export class DecodeQueue {
  readonly #start: (onLost: () => void) => Promise<DecodeThread>;
  #thread: Promise<DecodeThread> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @param start gives a thread that is ready; it calls `onLost` where that ends by itself */
  constructor(start: (onLost: () => void) => Promise<DecodeThread>) {
    this.#start = start;
  }

  /**
   * Decodes bytes once those before them are done.
   *
   * @throws AudioError as {@link decodeAudio} does, or where it takes too long or too much memory
   */
  decode(
    bytes: Uint8Array,
    name: string,
    { maxSamples, maxSeconds = 2 + (10 * bytes.length) / 2 ** 20 }: AudioLimits & ThreadOptions,
  ): Promise<Audio> {
    const decoded = this.#last.then(() => this.#run({ bytes, name, options: { maxSamples } }, maxSeconds));
    this.#last = decoded.catch(() => {});
    return decoded;
  }

  async #run(task: Task, maxSeconds: number): Promise<Audio> {
    const lose = () => {
      this.#thread = undefined;
    };
    this.#thread ??= this.#start(lose);
    const thread = await this.#thread;
    const answer = await new Promise<Answer>((resolve) => {
      const tooLong = `takes longer than ${maxSeconds.toFixed(1)} s`;
      const timer = setTimeout(() => resolve({ failed: tooLong }), 1000 * maxSeconds);
      thread.ask(task, (given) => {
        clearTimeout(timer);
        resolve(given);
      });
    });
    if ('audio' in answer) return answer.audio;
    if ('refused' in answer) throw new AudioError(answer.refused);
    lose();
    thread.end();
    throw new AudioError({
      what: `${task.name}: the recording cannot be decoded`,
      got: `a decoder that ${answer.failed}`,
    });
  }
}
