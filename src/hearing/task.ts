// One recording of a corpus, measured or turned into features: what a worker thread does, and what it remembers.
import { createHash, hash } from 'node:crypto';
import { assertAudible } from '../audio/audio.ts';
import { type Measured, measure } from '../audio/measure.ts';
import { readAudio } from '../audio/read.ts';
import { resample } from '../audio/resample.ts';
import { EarmarkError, type ErrorParts } from '../errors.ts';
import { type FittedClip, fitClip } from '../features/clip.ts';
import { clipPower } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { normalized } from '../features/scaling.ts';
import { type FeatureSettings, relevantSettings } from '../features/settings.ts';
import { Cache, hashOfFile } from './cache.ts';

/** A recording, measured. */
export interface Recording extends Measured {
  /** SHA-256 of sample rate and samples: the same sound, in whatever file. */
  content: string;
}

/** A recording as a model hears it, up to scaling. */
export interface Heard {
  /** Mel spectrogram [nMels, frames], raised to `settings.power`. */
  power: Matrix;
  fit: Pick<FittedClip, 'start' | 'padBefore' | 'padAfter' | 'cut'>;
}

/** To a worker. */
export interface Task {
  path: string;
  /** JSON of the feature settings; without them the recording is measured. */
  settings?: string;
  /** Folder of what is remembered. */
  cache?: string;
}

/** Memory that is used again and again, since new memory costs as much as decoding. */
export interface Room {
  samples: Float32Array;
  power: Float64Array;
}

/** From a worker. */
export type Answer = ({ value: Recording | Heard } | { refused: Refusal }) & {
  /** Why nothing could be remembered. */
  cacheFault?: string;
};

/** An error of ours, in a form that crosses threads. */
export interface Refusal {
  kind: string;
  parts: ErrorParts;
}

export function refusalOf(error: EarmarkError): Refusal {
  return { kind: error.name, parts: { ...error.parts, cause: undefined } };
}

/** What is remembered is of this version of what computes it; raise it where decoding or features come out otherwise. */
export const COMPUTATION = 3;

/** Settings by their JSON, since the tables of a mel spectrogram are made once for each object. */
const known = new Map<string, KnownSettings>();

interface KnownSettings {
  settings: FeatureSettings;
  /** JSON of those that an answer depends on. */
  relevant: string;
}

const MEASURED = { settings: undefined, relevant: '"measured 2"' };

/**
 * Does a task; what is wrong with the recording is an answer, too.
 *
 * @param room for what comes of it, where tasks are done one after the other; the answer's spectrogram may lie there
 */
export async function perform({ path, settings: json, cache: folder }: Task, room?: Room): Promise<Answer> {
  const { settings, relevant } = json === undefined ? MEASURED : settingsOf(json);
  const cache = folder === undefined ? undefined : new Cache(folder);
  try {
    const key = cache && keyOf(hashOfFile(path), relevant);
    const remembered = key && cache?.get(key);
    if (remembered) return { value: remembered as Recording | Heard };
    const value = settings ? await hear(path, settings, room) : await measured(path);
    const cacheFault = key && cache?.put(key, value);
    return { value, ...(cacheFault && { cacheFault }) };
  } catch (cause) {
    if (!(cause instanceof EarmarkError)) throw cause;
    return { refused: refusalOf(cause) };
  }
}

async function measured(path: string): Promise<Recording> {
  const audio = await readAudio(path);
  const { samples, sampleRate } = audio;
  const content = createHash('sha256').update(`${sampleRate}:`);
  content.update(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  return { ...measure(audio), content: content.digest('hex') };
}

async function hear(path: string, settings: FeatureSettings, room?: Room): Promise<Heard> {
  const audio = await readAudio(path, { room: room?.samples });
  assertAudible(audio, path);
  const { sampleRate, normalize, clipSamples, align } = settings;
  const { samples } = await resample(audio, sampleRate);
  const { samples: clip, ...fit } = fitClip(normalized(samples, normalize), clipSamples, align);
  return { power: clipPower(clip, settings, room?.power), fit };
}

function settingsOf(json: string): KnownSettings {
  const found = known.get(json);
  if (found) return found;
  const settings = JSON.parse(json) as FeatureSettings;
  const made = { settings, relevant: JSON.stringify(relevantSettings(settings)) };
  known.set(json, made);
  return made;
}

/** What an answer depends on: the file's bytes, the settings, and how it is computed. */
function keyOf(file: string, relevant: string): string {
  return hash('sha256', `[${COMPUTATION},"${file}",${relevant}]`);
}
