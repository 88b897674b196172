// What is kept of a recording for training: its samples at the model's rate, around the window that the model hears.
import { createHash } from 'node:crypto';
import { assertAudible } from '../audio/audio.ts';
import { readAudio } from '../audio/read.ts';
import { resample } from '../audio/resample.ts';
import { type FittedClip, fitClip } from '../features/clip.ts';
import { normalized } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { type Cache, hashOfFile } from './cache.ts';

/** The settings that what is kept depends on. */
export type KeptSettings = Pick<FeatureSettings, 'sampleRate' | 'clipSamples' | 'align' | 'normalize'>;

export interface Kept {
  /** Normalized as the settings say; of a recording longer than the clip only the window and a margin on each side. */
  samples: Float32Array;
  /** The window that is heard: all of the samples where the recording is not longer than the clip. */
  window: readonly [begin: number, end: number];
  fit: Pick<FittedClip, 'start' | 'padBefore' | 'padAfter' | 'cut'>;
}

/** Raise it where decoding or resampling comes out otherwise. */
const COMPUTATION = 3;

/** So much of a clip is kept on either side of the window, for shifts and other speeds. */
const MARGIN = 0.25;

/** What is kept of a recording depends on its bytes and on these settings. @throws FileError */
export function keyOf(path: string, settings: KeptSettings): string {
  const { sampleRate, clipSamples, align, normalize } = settings;
  const from = ['kept', COMPUTATION, hashOfFile(path), sampleRate, clipSamples, align, normalize];
  return createHash('sha256').update(JSON.stringify(from)).digest('hex');
}

/**
 * What is kept of a recording, from the cache if it is there.
 * @returns its key, and why it could not be put into the cache
 * @throws AudioError, FileError
 */
export async function keep(path: string, settings: KeptSettings, cache: Cache) {
  const key = keyOf(path, settings);
  const remembered = cache.get(key) as Kept | undefined;
  if (remembered) return { key, kept: remembered, fault: undefined };
  const kept = await heard(path, settings);
  return { key, kept, fault: cache.put(key, kept) };
}

async function heard(path: string, settings: KeptSettings): Promise<Kept> {
  const audio = await readAudio(path);
  assertAudible(audio, path);
  const { clipSamples, align, normalize, sampleRate } = settings;
  const samples = normalized((await resample(audio, sampleRate)).samples, normalize);
  const { start, padBefore, padAfter, cut } = fitClip(samples, clipSamples, align);
  const fit = { start, padBefore, padAfter, cut };
  if (!cut) return { samples, window: [0, samples.length], fit };
  const margin = Math.round(MARGIN * clipSamples);
  const first = Math.max(0, -start - margin);
  const begin = -start - first;
  return {
    samples: samples.slice(first, -start + clipSamples + margin),
    window: [begin, begin + clipSamples],
    fit,
  };
}
