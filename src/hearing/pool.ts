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

/** A task that has ended a thread gets one more: it may have been the machine. */
const ATTEMPTS = 2;
/** Most tasks to a message: messages cost as much as short recordings do. */
const TOGETHER = 16;
/** Below so many tasks to a thread another does not pay for its start. */
const WORTH_A_THREAD = 16;

// Threads run what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/hear-thread.js' : './hear-thread.js';
const hearing = new URL(built, import.meta.url);

/** Threads that wait for work, for the next call. */
const idle: Worker[] = [];

/**
 * Does tasks in threads, at most {@link TOGETHER} in each at a time, so that memory does not grow with their number.
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
    let worker: Worker | undefined;
    const attempt = async (some: readonly Task[]) => {
      worker ??= (script === hearing && idle.pop()) || start(script, maxHeap);
      const answers = await ask(worker, some, patience);
      if ('crashed' in answers) {
        await worker.terminate();
        worker = undefined;
      }
      return answers;
    };
    /** Where a thread ends, its tasks are done one by one. */
    const answersOf = async (some: readonly Task[]): Promise<readonly (Answer | Crash)[]> => {
      let answers = await attempt(some);
      for (let i = 1; i < ATTEMPTS && some.length === 1 && 'crashed' in answers; i++)
        answers = await attempt(some);
      if (!('crashed' in answers)) return answers;
      if (some.length === 1) return [answers];
      const each: (Answer | Crash)[] = [];
      for (const task of some) each.push(...(await answersOf([task])));
      return each;
    };
    try {
      while (next < tasks.length) {
        const first = next;
        next += together;
        const answers = await answersOf(tasks.slice(first, next));
        for (const [i, answer] of answers.entries()) onAnswer(first + i, answer);
      }
    } catch (error) {
      next = tasks.length;
      throw error;
    } finally {
      worker?.unref();
      if (worker && script === hearing) idle.push(worker);
      else await worker?.terminate();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: count }, work));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function start(script: URL, maxHeap: number): Worker {
  const worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: maxHeap } });
  worker.on('error', () => {}); // what a task is told of; an idle thread that dies is replaced
  return worker;
}

/** Tasks in one thread: their answers, or how the thread ended. */
function ask(worker: Worker, tasks: readonly Task[], patience: number): Promise<readonly Answer[] | Crash> {
  worker.ref();
  return new Promise((resolve) => {
    const end = (answer: readonly Answer[] | Crash) => {
      clearTimeout(timer);
      worker.off('message', end).off('error', onError).off('exit', onExit);
      resolve(answer);
    };
    const onError = (error: Error) => end({ crashed: error.message });
    const onExit = (code: number) => end({ crashed: `exit code ${code}` });
    const timer = setTimeout(
      () => end({ crashed: `no answer for ${patience} s` }),
      1000 * patience * tasks.length,
    );
    worker.on('message', end).on('error', onError).on('exit', onExit);
    if (worker.threadId < 0) onExit(1);
    else worker.postMessage(tasks);
  });
}
