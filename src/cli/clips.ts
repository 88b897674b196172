// Recordings on the command line as what a model hears: read, checked, resampled, fitted to the model's clip.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Audio, assertAudible } from '../audio/audio.ts';
import { readAudio } from '../audio/read.ts';
import { resample } from '../audio/resample.ts';
import { isOtherSound, isRecording, listFolder } from '../corpus/disk.ts';
import { AudioError, CorpusError, EarmarkError } from '../errors.ts';
import { type FittedClip, fitClip } from '../features/clip.ts';
import { modelInput } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { normalized } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { describeError } from './describe.ts';
import type { Terminal } from './frame.ts';

/** So many cut recordings are named one by one; what is more is counted. */
const CUTS_TOLD = 5;

/** A recording, ready for a model. */
export interface HeardClip {
  readonly file: string;
  /** Of the file itself, Hz. */
  readonly sampleRate: number;
  /** Of the whole recording, s. */
  readonly seconds: number;
  /** What of it is heard. */
  readonly fit: FittedClip;
  /** The model's input [bins, frames]. */
  readonly features: Matrix;
}

/** Reads a recording that holds some sound. @throws FileError, AudioError */
export async function readAudible(file: string): Promise<Audio> {
  const audio = await readAudio(file);
  assertAudible(audio, file);
  return audio;
}

/** Reads a recording and prepares it for a model. @throws FileError, AudioError */
async function hearClip(file: string, settings: FeatureSettings): Promise<HeardClip> {
  const audio = await readAudible(file);
  const { samples } = await resample(audio, settings.sampleRate);
  return {
    file,
    sampleRate: audio.sampleRate,
    seconds: audio.samples.length / audio.sampleRate,
    fit: fitClip(normalized(samples, settings.normalize), settings.clipSamples, settings.align),
    features: modelInput(samples, settings),
  };
}

/** What was done to a recording to make it a clip of the model's length, in seconds; a part of JSON results. */
export function fitFacts({ fit, sampleRate, seconds }: HeardClip, settings: FeatureSettings) {
  const inSeconds = (samples: number) => Number((samples / settings.sampleRate).toPrecision(7));
  return {
    sampleRate,
    seconds,
    clipSeconds: inSeconds(settings.clipSamples),
    resampledTo: sampleRate === settings.sampleRate ? null : settings.sampleRate,
    cut: fit.cut,
    /** Where the clip begins in the recording; negative where padding comes first. */
    clipStart: inSeconds(-fit.start) + 0,
    padBefore: inSeconds(fit.padBefore),
    padAfter: inSeconds(fit.padAfter),
  };
}

/** Every recording that is named, and those in named folders and below. @throws FileError, CorpusError */
async function filesOf(path: string, { note }: Pick<Terminal, 'note'>): Promise<string[]> {
  const isFolder = await stat(path).then(
    (s) => s.isDirectory(),
    () => false, // reading it says what is wrong
  );
  if (!isFolder) return [path];
  const below = await filesBelow(path);
  const files = below.filter(isRecording);
  const others = below.filter(isOtherSound);
  const left =
    others.length > 0 ? `${others.length} in formats that cannot be read, such as ${others[0]}` : '';
  if (files.length > 0) {
    if (left) note(`${path}: left out: ${left}`);
    return files;
  }
  throw new CorpusError({
    what: path,
    expected: 'recordings in the folder or below it',
    got: left || 'none',
    todo: left && 'Convert them to FLAC or WAV.',
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  const { folders, files } = await listFolder(folder);
  const below = await Promise.all(folders.map((name) => filesBelow(join(folder, name))));
  return [...files.map((name) => join(folder, name)), ...below.flat()];
}

/**
 * Goes through the recordings that are named, as clips. What is wrong with one is reported, and the others go on.
 * @param each what to do with a clip
 * @returns what it gave, and how many recordings could not be used
 */
export async function forEachClip<T>(
  paths: readonly string[],
  settings: FeatureSettings,
  terminal: Terminal,
  each: (clip: HeardClip) => Promise<T>,
): Promise<{ results: T[]; failed: number }> {
  const { note, progress } = terminal;
  let cut = 0;
  const hear = (file: string, i: number, count: number) => {
    if (i === 0) progress.start(count, 'clips');
    else progress.update(i);
    return hearClip(file, settings);
  };
  const given = await forEachRecording(paths, terminal, hear, (clip) => {
    if (clip.fit.cut && ++cut <= CUTS_TOLD) note(cutNote(clip, settings));
    return each(clip);
  });
  progress.stop();
  if (cut > CUTS_TOLD) note(`${cut - CUTS_TOLD} more recordings were cut to their ${partOf(settings)}`);
  return given;
}

/**
 * Goes through the recordings that are named. What is wrong with one is reported, and the others go on.
 * @param hear reads the i-th of so many files; what it throws is reported
 * @param each what to do with what was read; what it throws ends all
 * @returns what it gave, and how many recordings could not be used
 */
export async function forEachRecording<H, T>(
  paths: readonly string[],
  terminal: Pick<Terminal, 'note'>,
  hear: (file: string, i: number, count: number) => Promise<H>,
  each: (heard: H) => Promise<T>,
): Promise<{ results: T[]; failed: number }> {
  let failed = 0;
  const reporting = async <R>(act: () => Promise<R>): Promise<R[]> => {
    try {
      return [await act()];
    } catch (error) {
      if (!(error instanceof EarmarkError)) throw error;
      failed++;
      terminal.note(describeError(error));
      return [];
    }
  };
  const files: string[] = [];
  for (const path of paths) files.push(...(await reporting(() => filesOf(path, terminal))).flat());
  const results: T[] = [];
  for (const [i, file] of files.entries()) {
    const heardOf = () => named(file, hear(file, i, files.length));
    for (const heard of await reporting(heardOf)) results.push(await each(heard));
  }
  return { results, failed };
}

/** What is wrong with a recording, with the file's name where the error does not have it. */
async function named<T>(file: string, hearing: Promise<T>): Promise<T> {
  return hearing.catch((error) => {
    if (!(error instanceof AudioError) || error.message.includes(file)) throw error;
    throw new AudioError({ ...error.parts, what: `${file}: ${error.parts.what}`, cause: error });
  });
}

/** Which part of a long recording a model hears. */
const partOf = ({ align }: FeatureSettings) => (align === 'start' ? 'beginning' : 'loudest window');

function cutNote(clip: HeardClip, settings: FeatureSettings): string {
  const { clipSeconds, clipStart } = fitFacts(clip, settings);
  const [from, to] = [clipStart, clipStart + clipSeconds].map((s) => s.toFixed(2));
  return `${clip.file}: ${clip.seconds.toFixed(2)} s long, longer than the model's ${clipSeconds} s; its ${partOf(settings)} is used (${from} s to ${to} s)`;
}
