// Recordings on disk as a fit's examples: kept at the model's rate, and assembled into batches by worker threads.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { checkAugmentation } from '../augmentation/augmented.ts';
import type { Examples } from '../augmentation/examples.ts';
import type { Augmentation } from '../augmentation/settings.ts';
import { AudioError, type EarmarkError, TrainingError } from '../errors.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { errorOf } from './hear.ts';
import type { Kept } from './kept.ts';
import type { Refusal } from './task.ts';

/** What a thread is told once. */
export interface ThreadSettings {
  readonly settings: FeatureSettings;
  readonly augmentation: Augmentation;
  /** Of the cache. */
  readonly folder: string;
  /** Bytes of recordings that a thread holds. */
  readonly memory: number;
}

interface RecordingKey {
  readonly path: string;
  readonly key: string;
}

/** To a thread: a recording to keep, or recordings to make inputs of. */
export type BatchJob = { readonly id: number } & (
  | { readonly keep: string }
  | {
      readonly keep?: undefined;
      readonly recordings: readonly RecordingKey[];
      readonly seeds?: readonly number[] | undefined;
      /** The samples that the inputs are made of, and not the inputs. */
      readonly samples?: boolean;
    }
);

/** From a thread. */
export type BatchAnswer = { readonly id: number } & (
  | { readonly key: string; readonly fit: Kept['fit']; readonly fault: string | undefined }
  | { readonly inputs: Float32Array }
  | { readonly refused: Refusal }
);

/** A recording, kept. */
export interface KeptRecording extends RecordingKey {
  readonly fit: Kept['fit'];
}

/** Bytes of samples that all threads together hold. */
const MEMORY = 256e6;
/** A thread that is silent for so long has failed, s. */
const PATIENCE = 300;

// Threads run what was built, also for tests and tools that run the sources: Node reads no TypeScript there.
const built = import.meta.url.endsWith('.ts') ? '../../dist/batch-thread.js' : './batch-thread.js';
const script = new URL(built, import.meta.url);

interface Waiting {
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Worker threads that keep recordings and assemble batches; to be closed. */
export class BatchThreads {
  private readonly threads: { worker: Worker; waiting: Map<number, Waiting> }[];
  private next = 0;

  /**
   * @param folder where recordings are kept
   * @throws TrainingError where the model's input does not have what is to be varied
   */
  constructor(
    settings: FeatureSettings,
    augmentation: Augmentation,
    folder: string,
    count = availableParallelism(),
  ) {
    checkAugmentation(augmentation, settings);
    const workerData: ThreadSettings = { settings, augmentation, folder, memory: MEMORY / count };
    this.threads = Array.from({ length: count }, () => {
      const worker = new Worker(script, { workerData });
      const waiting = new Map<number, Waiting>();
      const fail = (got: string) => {
        for (const [id, { reject, timer }] of waiting) {
          clearTimeout(timer);
          waiting.delete(id);
          reject(new TrainingError({ what: 'a thread that assembles batches has ended', got }));
        }
      };
      worker.on('error', (error: Error) => fail(error.message));
      worker.on('exit', (code) => fail(`exit code ${code}`));
      worker.on('message', (answer: BatchAnswer) => {
        const found = waiting.get(answer.id);
        if (!found) return;
        clearTimeout(found.timer);
        waiting.delete(answer.id);
        found.resolve(answer);
      });
      worker.unref();
      return { worker, waiting };
    });
  }

  /**
   * Keeps recordings, all of them at the model's rate.
   * @returns for each its key, or what is wrong with it
   */
  async keep(
    paths: readonly string[],
    { onProgress, onNote }: { onProgress?: (done: number) => void; onNote?: (line: string) => void } = {},
  ): Promise<(KeptRecording | EarmarkError)[]> {
    const results = new Array<KeptRecording | EarmarkError>(paths.length);
    let [next, done, isTold] = [0, 0, false];
    const work = async () => {
      while (next < paths.length) {
        const i = next++;
        const answer = await this.ask({ keep: paths[i] });
        if ('refused' in answer) results[i] = errorOf(answer.refused);
        else if ('key' in answer) {
          const { key, fit, fault } = answer;
          results[i] = { path: paths[i], key, fit };
          if (fault !== undefined && !isTold) {
            isTold = true;
            onNote?.(`recordings are not kept, so that each epoch reads them again: ${fault}`);
          }
        }
        onProgress?.(++done);
      }
    };
    // Two each, so that a thread has the next when it is done with one.
    await Promise.all([...this.threads, ...this.threads].map(work));
    return results;
  }

  /** Kept recordings as examples of a fit. */
  examples(recordings: readonly RecordingKey[], labels: readonly number[]): Examples {
    return {
      labels,
      inputs: (chosen, seeds) => this.batch({ recordings: chosen.map((i) => recordings[i]), seeds }),
    };
  }

  /** The samples of kept recordings as the model hears them, fitted to its clip [N · clipSamples]. */
  samples(recordings: readonly RecordingKey[]): Promise<Float32Array> {
    return this.batch({ recordings, samples: true });
  }

  private async batch(job: Omit<Extract<BatchJob, { keep?: undefined }>, 'id'>): Promise<Float32Array> {
    const answer = await this.ask(job);
    if ('refused' in answer) throw errorOf(answer.refused);
    if ('inputs' in answer) return answer.inputs;
    throw new AudioError('no inputs');
  }

  /** Gives a job to the thread that has least to do. */
  private ask(job: DistributiveOmit<BatchJob, 'id'>): Promise<BatchAnswer> {
    const id = this.next++;
    const thread = this.threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        thread.worker.terminate(); // which tells all that wait for it
      }, 1000 * PATIENCE);
      thread.waiting.set(id, { resolve, reject, timer });
      thread.worker.postMessage({ id, ...job });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
