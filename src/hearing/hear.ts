// The recordings of a corpus, measured or turned into features in worker threads, and remembered.
import {
  AudioError,
  CorpusError,
  type EarmarkError,
  FeatureError,
  FileError,
  TrainingError,
} from '../errors.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { pruneCache } from './cache.ts';
import { inThreads, type PoolOptions } from './pool.ts';
import type { Answer, Heard, Recording, Refusal, Task } from './task.ts';

export interface HearOptions extends PoolOptions {
  /** Folder where answers are kept for the next time; without it none are. */
  cache?: string;
  onProgress?: (done: number) => void;
  /** Told once why nothing can be kept. */
  onNote?: (line: string) => void;
}

const errors: Record<string, new (parts: Refusal['parts']) => EarmarkError> = {
  AudioError,
  CorpusError,
  FeatureError,
  FileError,
  TrainingError,
};

/**
 * Measures recordings, in threads: peak, RMS and offset re full scale, length in samples, rate in Hz, and a hash of the sound,
 * which {@link audit} judges.
 *
 * @param paths of the recordings
 * @returns for each, in order, what was measured, or the AudioError or FileError that says why it cannot be read
 */
export async function measureRecordings(
  paths: readonly string[],
  options: HearOptions = {},
): Promise<(Recording | EarmarkError)[]> {
  if (options.cache !== undefined) await pruneCache(options.cache);
  return answers<Recording>(
    paths.map((path) => ({ path })),
    options,
  );
}

/**
 * Mel spectrograms of recordings, in threads: each at the model's rate, cut or padded to its clip.
 *
 * @param paths of the recordings
 * @param settings of the model's input, as `defaultFeatures` gives them
 * @returns for each, in order, the power [nMels, frames] and where the clip lies, or the AudioError or FileError that says why
 *   it cannot be read or is silent
 */
export async function hearRecordings(
  paths: readonly string[],
  settings: FeatureSettings,
  options: HearOptions = {},
): Promise<(Heard | EarmarkError)[]> {
  const json = JSON.stringify(settings);
  return answers<Heard>(
    paths.map((path) => ({ path, settings: json })),
    options,
  );
}

async function answers<T extends Recording | Heard>(
  tasks: Task[],
  { cache, onProgress, onNote, ...pool }: HearOptions,
): Promise<(T | EarmarkError)[]> {
  const results = new Array<T | EarmarkError>(tasks.length);
  let done = 0;
  let isTold = false;
  await inThreads(
    tasks.map((task) => ({ ...task, cache })),
    (i, answer) => {
      results[i] = 'crashed' in answer ? crashed(tasks[i].path, answer.crashed) : readAnswer<T>(answer);
      if ('cacheFault' in answer && answer.cacheFault && !isTold) {
        isTold = true;
        onNote?.(`features are not kept: ${answer.cacheFault}`);
      }
      onProgress?.(++done);
    },
    pool,
  );
  return results;
}

function readAnswer<T>(answer: Answer): T | EarmarkError {
  if ('value' in answer) return answer.value as T;
  return errorOf(answer.refused);
}

/** The error that a thread told of. */
export function errorOf({ kind, parts }: Refusal): EarmarkError {
  return new (errors[kind] ?? AudioError)(parts);
}

function crashed(path: string, got: string): AudioError {
  const todo = 'Try it alone; if it fails again, leave it out.';
  return new AudioError({ what: `${path}: the thread that read the recording has ended, twice`, got, todo });
}
