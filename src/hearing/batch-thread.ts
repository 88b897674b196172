// A worker thread that keeps recordings, and assembles the batches of a fit from them.
import { parentPort, workerData } from 'node:worker_threads';
import { exampleInput, joined } from '../augmentation/examples.ts';
import { CorpusError, EarmarkError } from '../errors.ts';
import { fitClip } from '../features/clip.ts';
import type { BatchAnswer, BatchJob, ThreadSettings } from './batches.ts';
import { Cache } from './cache.ts';
import { type Kept, keep } from './kept.ts';
import { refusalOf } from './task.ts';

const { settings, augmentation, folder, memory } = workerData as ThreadSettings;
const cache = new Cache(folder);
/** Recordings by key, those used last at the end, up to `memory` bytes. */
const held = new Map<string, Kept>();
let bytes = 0;
/** What is kept is normalized already. */
const heardAs = { ...settings, normalize: null };

parentPort?.on('message', async (job: BatchJob) => {
  try {
    const answer = job.keep === undefined ? await batch(job) : await kept(job.keep);
    parentPort?.postMessage(
      { id: job.id, ...answer },
      'inputs' in answer ? [answer.inputs.buffer as ArrayBuffer] : [],
    );
  } catch (error) {
    if (!(error instanceof EarmarkError)) throw error;
    parentPort?.postMessage({ id: job.id, refused: refusalOf(error) } satisfies BatchAnswer);
  }
});

async function kept(path: string) {
  const { key, kept, fault } = await keep(path, settings, cache);
  return { key, fit: kept.fit, fault };
}

async function batch({ recordings, seeds, samples: asSamples }: Extract<BatchJob, { keep?: undefined }>) {
  const inputs: Float32Array[] = [];
  for (const [i, { path, key }] of recordings.entries()) {
    const { samples, window } = await recall(path, key);
    const seed = seeds?.[i];
    const part = seed === undefined ? samples.subarray(...window) : samples;
    inputs.push(
      asSamples
        ? fitClip(part, settings.clipSamples, settings.align).samples
        : exampleInput(part, heardAs, augmentation, seed),
    );
  }
  return { inputs: joined(inputs) };
}

/** @throws CorpusError where the recording has changed since it was first heard */
async function recall(path: string, key: string): Promise<Kept> {
  let found = held.get(key) ?? (cache.get(key) as Kept | undefined);
  if (!found) {
    // Dropped from a full cache, or never kept: it is heard again.
    const again = await keep(path, settings, cache);
    if (again.key !== key) {
      throw new CorpusError({
        what: `${path} has changed while it was trained on`,
        todo: 'Train again, with recordings that stay as they are.',
      });
    }
    found = again.kept;
  }
  if (!held.delete(key)) bytes += found.samples.byteLength;
  held.set(key, found);
  for (const [oldest, { samples }] of held) {
    if (bytes <= memory) break;
    held.delete(oldest);
    bytes -= samples.byteLength;
  }
  return found;
}
