// Worker threads for the recordings of a corpus: one task at a time in each, a new thread where one dies.
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
  /** A worker's script; by default that which does {@link Task}s. */
  script?: URL;
}

/** Why a task has no answer. */
export interface Crash {
  crashed: string;
}

/** A task that has ended a thread gets one more: it may have been the machine. */
const ATTEMPTS = 2;
/** Below so many tasks to a thread another does not pay for its start. */
const WORTH_A_THREAD = 16;

// Threads run what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/hear-thread.js' : './hear-thread.js';
const hearing = new URL(built, import.meta.url);

/** Threads that wait for work, for the next call. */
const idle: Worker[] = [];

/**
 * Does tasks in threads, at most one in each at a time, so that memory does not grow with their number.
 *
 * @param onAnswer takes each task's answer, by its index, in the order in which they come
 */
export async function inThreads(
  tasks: readonly Task[],
  onAnswer: (index: number, answer: Answer | Crash) => void,
  { workers = availableParallelism(), patience = 300, maxHeap = 512, script = hearing }: PoolOptions = {},
): Promise<void> {
  let next = 0;
  const work = async () => {
    let worker: Worker | undefined;
    try {
      while (next < tasks.length) {
        const index = next++;
        let answer: Answer | Crash = { crashed: 'no attempt' };
        for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
          worker ??= (script === hearing && idle.pop()) || start(script, maxHeap);
          answer = await ask(worker, tasks[index], patience);
          if (!('crashed' in answer)) break;
          await worker.terminate();
          worker = undefined;
        }
        onAnswer(index, answer);
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
  const count = Math.max(1, Math.min(workers, Math.ceil(tasks.length / WORTH_A_THREAD)));
  const ended = await Promise.allSettled(Array.from({ length: count }, work));
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

function start(script: URL, maxHeap: number): Worker {
  const worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: maxHeap } });
  worker.on('error', () => {}); // what a task is told of; an idle thread that dies is replaced
  return worker;
}

/** One task in one thread: its answer, or how the thread ended. */
function ask(worker: Worker, task: Task, patience: number): Promise<Answer | Crash> {
  worker.ref();
  return new Promise((resolve) => {
    const end = (answer: Answer | Crash) => {
      clearTimeout(timer);
      worker.off('message', end).off('error', onError).off('exit', onExit);
      resolve(answer);
    };
    const onError = (error: Error) => end({ crashed: error.message });
    const onExit = (code: number) => end({ crashed: `exit code ${code}` });
    const timer = setTimeout(() => end({ crashed: `no answer for ${patience} s` }), 1000 * patience);
    worker.on('message', end).on('error', onError).on('exit', onExit);
    if (worker.threadId < 0) onExit(1);
    else worker.postMessage(task);
  });
}
