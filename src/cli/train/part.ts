// The parts of a corpus as a run needs them: recordings kept at the model's rate, and examples made of them.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Examples } from '../../augmentation/examples.ts';
import type { Augmentation } from '../../augmentation/settings.ts';
import type { Clip } from '../../corpus/clip.ts';
import { EarmarkError } from '../../errors.ts';
import type { FeatureSettings } from '../../features/settings.ts';
import { BatchThreads, type KeptRecording } from '../../hearing/batches.ts';
import { pruneCache } from '../../hearing/cache.ts';
import type { Terminal } from '../frame.ts';
import { makeKeptFolder } from './kept-folder.ts';
import type { Surveyed } from './survey.ts';

/** Clips on one side of a split, ready to be trained or tested on. */
export interface Part {
  readonly clips: readonly Clip[];
  readonly recordings: readonly KeptRecording[];
  readonly examples: Examples;
  /** The samples of the chosen clips as the model hears them [N · clipSamples]. */
  samples(chosen: readonly number[]): Promise<Float32Array>;
}

/** Hears parts of a corpus. */
export interface Hearing {
  /** @throws AudioError, FileError where a recording cannot be heard */
  part(indices: readonly number[], label: string): Promise<Part>;
}

/**
 * Gives a corpus' parts as long as `act` lasts.
 *
 * @param labels the classes, in the order of the model's logits
 * @param cache folder where recordings are kept for other runs; without it they are kept only as long
 */
export async function withParts<T>(
  { corpus }: Surveyed,
  labels: readonly string[],
  settings: FeatureSettings,
  augmentation: Augmentation,
  { note, progress }: Terminal,
  cache: string | undefined,
  act: (hearing: Hearing) => Promise<T>,
): Promise<T> {
  const folder = cache ?? (await makeKeptFolder());
  const tidy = async () => {
    if (cache === undefined) await rm(folder, { recursive: true, force: true });
  };
  if (cache !== undefined) await pruneCache(cache);
  const threads = new BatchThreads(settings, augmentation, folder);
  const part: Hearing['part'] = async (indices, label) => {
    const clips = indices.map((i) => corpus.clips[i]!);
    progress.start(clips.length, label);
    const kept = await threads.keep(
      clips.map((clip) => clip.path),
      { onProgress: progress.update, onNote: note },
    );
    progress.stop();
    const recordings = kept.map((result) => {
      if (result instanceof EarmarkError) throw result;
      return result;
    });
    const classes = clips.map((clip) => labels.indexOf(clip.label));
    return {
      clips,
      recordings,
      examples: threads.examples(recordings, classes),
      samples: (chosen) => threads.samples(chosen.map((i) => recordings[i]!)),
    };
  };
  try {
    return await act({ part });
  } finally {
    await threads.close();
    await tidy();
  }
}

/** What tells whether recordings are the same as before, in the same order and with the same labels. */
export function digestOf({ clips, recordings }: Part): string {
  const hash = createHash('sha256');
  for (const [i, { key }] of recordings.entries()) hash.update(`${key} ${clips[i]!.label}\n`);
  return hash.digest('hex').slice(0, 16);
}
