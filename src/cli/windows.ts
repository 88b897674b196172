// Windows of a recording of any length on the command line: where they lie, then their samples, in two passes over the file.
import { Tail } from '../analysis/tail.ts';
import { type SlidingWindow, type WindowOptions, WindowSurvey } from '../analysis/windows.ts';
import { silentError } from '../audio/audio.ts';
import { createResampler } from '../audio/resample.ts';
import { type AudioStream, streamAudio } from '../audio/stream.ts';
import { AudioError } from '../errors.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { Terminal } from './frame.ts';
import type { Progress } from './progress.ts';

/** Windows that are prepared together. */
const BATCH = 32;
/** Steps of the first pass' bar. */
const STEPS = 1000;

/** A recording with its windows. */
export interface WindowedRecording {
  readonly file: string;
  /** Samples at the model's sample rate. */
  readonly length: number;
  readonly windows: readonly SlidingWindow[];
}

/** A window and its samples. */
export interface HeardSamples {
  readonly window: SlidingWindow;
  readonly samples: Float32Array;
}

/** Says what is done with windows that are not as long as the model's clip. */
export function noteFit(
  { clipSamples, sampleRate, align }: FeatureSettings,
  window: number,
  { note }: Pick<Terminal, 'note'>,
): void {
  const samples = Math.round(window * sampleRate);
  if (samples === clipSamples) return;
  const part = align === 'start' ? 'beginning' : 'loudest part';
  const how = samples > clipSamples ? `heard in its ${part} only` : 'filled up with zeros';
  note(`windows of ${window} s for a model of clips of ${clipSamples / sampleRate} s: each is ${how}`);
}

/**
 * The first pass: how long the recording is, and which windows hold sound, as that depends on the loudest of all.
 *
 * @throws FileError, AudioError as `streamAudio` does, or where all is silent; FeatureError as `slidingWindows`
 */
export async function windowRecording(
  file: string,
  settings: FeatureSettings,
  options: WindowOptions,
  progress: Progress,
): Promise<WindowedRecording> {
  const survey = new WindowSurvey(settings, options);
  const stream = await streamAudio(file);
  let length = 0;
  progress.start(STEPS, 'listening, per mille');
  for await (const block of resampled(stream, settings.sampleRate)) {
    survey.push(block);
    length += block.length;
    progress.update(Math.floor(STEPS * stream.progress));
  }
  progress.stop();
  const windows = survey.end();
  if (windows.every(({ silent }) => silent)) throw silentError(file, length);
  return { file, length, windows };
}

/**
 * The second pass: the windows with sound, some at a time.
 *
 * @param onBlock is given the whole recording, block by block
 * @throws FileError, AudioError as `streamAudio` does, or where the file has become shorter
 */
export async function* heardWindows(
  { file, windows }: WindowedRecording,
  { sampleRate }: Pick<FeatureSettings, 'sampleRate'>,
  onBlock: (block: Float32Array) => void = () => {},
): AsyncGenerator<HeardSamples[]> {
  const audible = windows.filter(({ silent }) => !silent);
  const tail = new Tail();
  let next = 0;
  let part: HeardSamples[] = [];
  for await (const block of resampled(await streamAudio(file), sampleRate)) {
    onBlock(block);
    tail.push(block);
    for (; next < audible.length && audible[next].end <= tail.end; next++) {
      const window = audible[next];
      part.push({ window, samples: tail.slice(window.start, window.end) });
      if (part.length < BATCH) continue;
      yield part;
      part = [];
    }
    tail.forget(audible[next]?.start ?? tail.end);
  }
  if (part.length > 0) yield part;
  if (next < audible.length) {
    throw new AudioError({ what: `${file}: the recording became shorter while it was read` });
  }
}

async function* resampled(stream: AudioStream, sampleRate: number): AsyncGenerator<Float32Array> {
  try {
    const resampler = createResampler(stream.sampleRate, sampleRate);
    for await (const block of stream) yield resampler.push(block);
    yield resampler.end();
  } finally {
    await stream.close();
  }
}
