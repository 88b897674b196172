// A run that was finished before: that it is the one asked for, and its metrics.
import { join } from 'node:path';
import { FileError } from '../../errors.ts';
import { readBytes } from '../../files/atomic.ts';
import { checkPlan } from '../../training/checkpoint.ts';
import type { RunMetrics, TrainingRun } from './run.ts';

/**
 * Reads the metrics of a finished run.
 * @param config of the run that is asked for
 * @throws TrainingError where the run is another; FileError where its files cannot be read
 */
export async function finishedRun(path: string, config: TrainingRun['config']): Promise<RunMetrics> {
  const saved = (await readJson(join(path, 'config.json'))) as TrainingRun['config'];
  checkPlan(withoutPlace(saved), withoutPlace(config), `the run in ${path}`);
  return (await readJson(join(path, 'metrics.json'))) as RunMetrics;
}

/** Where the corpus lies does not matter. */
function withoutPlace(config: TrainingRun['config']): TrainingRun['config'] {
  return { ...config, corpus: { ...(config.corpus as object), path: undefined } };
}

/** @throws FileError where the file is missing or is not JSON */
export async function readJson(path: string): Promise<unknown> {
  const text = new TextDecoder().decode(await readBytes(path));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError({ what: `${path}: not JSON`, todo: 'Train anew with --replace.', cause });
  }
}
