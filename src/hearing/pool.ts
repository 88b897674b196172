// Worker threads for the recordings of a corpus: a few tasks at a time in each, a new thread where one dies.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Answer, Task } from './task.ts';

export interface PoolOptions {
  /** Most threads at a time: as many as there are cores. */
  workers?: number;
  /** Seconds that a task may take (300). */
  patience?: number;
  /** Megabytes of JavaScript objects in a thread (512); samples are not counted. */
  maxHeap?: number;
  /** A worker's script, which answers a list of {@link Task}s by a list; by default that of this package. */
  script?: URL;
}

/** Why a task has no answer. */
export interface Crash {
  crashed: string;
}

/** A task with which a thread has ended gets so many more, alone: it may have been the machine, or another task. */
const ATTEMPTS = 2;
/** Most tasks to a message: messages cost as much as short recordings do. */
const TOGETHER = 16;
/** Messages that a thread has at a time: while one is answered, the next is there. */
const AHEAD = 2;
/** Below so many tasks to a thread another does not pay for its start. */
const WORTH_A_THREAD = 16;

// Threads run what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/hear-thread.js' : './hear-thread.js';
const hearing = new URL(built, import.meta.url);

/** Threads that wait for work, for the next call. */
const idle: Thread[] = [];

function fromIdle(): Thread | undefined {
  const thread = idle.pop();
  return thread?.hasEnded ? fromIdle() : thread;
}

/**
 * Does tasks in threads, at most {@link AHEAD} · {@link TOGETHER} in each at a time, so that memory does not grow with their
 * number.
 *
 * @param onAnswer takes each task's answer, by its index, in the order in which they come
 */
export async function inThreads(
  tasks: readonly Task[],
  onAnswer: (index: number, answer: Answer | Crash) => void,
  { workers = availableParallelism(), patience = 300, maxHeap = 512, script = hearing }: PoolOptions = {},
): Promise<void> {
  let next = 0;
  const count = Math.max(1, Math.min(workers, Math.ceil(tasks.length / WORTH_A_THREAD)));
  const together = Math.max(1, Math.min(TOGETHER, Math.floor(tasks.length / (8 * count))));
  const work = async () => {
    let thread: Thread | undefined;
    const ask = async (some: readonly Task[], seconds: number) => {
      if (thread?.hasEnded) thread = undefined;
      thread ??= (script === hearing && fromIdle()) || new Thread(script, maxHeap);
      return thread.ask(some, seconds);
    };
    const suspects: number[] = [];
    const lane = async () => {
      while (next < tasks.length) {
        const first = next;
        const some = tasks.slice(first, first + together);
        next += together;
        const answers = await ask(some, some.length * patience);
        for (const i of some.keys()) {
          if ('crashed' in answers) suspects.push(first + i);
          else onAnswer(first + i, answers[i]);
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: AHEAD }, lane));
      for (const i of suspects) {
        let answers = await ask([tasks[i]], patience);
        for (let n = 1; n < ATTEMPTS && 'crashed' in answers; n++) answers = await ask([tasks[i]], patience);
        onAnswer(i, 'crashed' in answers ? answers : answers[0]);
      }
    } catch (error) {
      next = tasks.length;
      throw error;
    } finally {
      if (thread && !thread.hasEnded && script === hearing) idle.push(thread.rest());
      else await thread?.end('it is not needed any more');
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: count }, work));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** A list of tasks that a thread was given. */
interface Asked {
  /** How long it may take once it is first. */
  seconds: number;
  resolve: (answers: readonly Answer[] | Crash) => void;
}

/** A worker, which answers lists of tasks one after the other. */
class Thread {
  hasEnded = false;
  readonly #worker: Worker;
  #asked: Asked[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(script: URL, maxHeap: number) {
    this.#worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: maxHeap } });
    this.#worker
      .on('message', (answers: readonly Answer[]) => {
        this.#asked.shift()?.resolve(answers);
        this.#watch();
      })
      .on('error', (error) => this.end(error.message))
      .on('exit', (code) => this.end(`exit code ${code}`));
  }

  /** @returns the answers, or how the thread ended */
  ask(tasks: readonly Task[], seconds: number): Promise<readonly Answer[] | Crash> {
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#asked.push({ seconds, resolve });
      if (this.#asked.length === 1) this.#watch();
      this.#worker.postMessage(tasks);
    });
  }

  /** Does not keep the process from ending. */
  rest(): this {
    this.#worker.unref();
    return this;
  }

  async end(crashed: string): Promise<void> {
    this.hasEnded = true;
    const asked = this.#asked;
    this.#asked = [];
    this.#watch();
    for (const { resolve } of asked) resolve({ crashed });
    await this.#worker.terminate();
  }

  /** Ends the thread where the first list takes too long. */
  #watch(): void {
    clearTimeout(this.#timer);
    const [first] = this.#asked;
    if (!first) return;
    const { seconds } = first;
    this.#timer = setTimeout(() => this.end(`no answer for ${seconds} s`), 1000 * seconds);
  }
}
