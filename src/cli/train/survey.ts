// A corpus as a training run needs it: its recordings checked, and the model's input settled.
import { silentError } from '../../audio/audio.ts';
import { type Clip, type Corpus, labelsOf } from '../../corpus/clip.ts';
import { CorpusError, EarmarkError, FeatureError } from '../../errors.ts';
import type { FeatureKind, FeatureSettings } from '../../features/settings.ts';
import { measureRecordings } from '../../hearing/hear.ts';
import type { Recording } from '../../hearing/task.ts';
import type { Listens } from '../../model/architectures.ts';
import { describeError } from '../describe.ts';
import type { Terminal } from '../frame.ts';

/** A corpus, looked through. */
export interface Surveyed {
  /** Without the recordings that cannot be used. */
  readonly corpus: Corpus;
  /** Where each of its clips stood before. */
  readonly kept: readonly number[];
  /** Length of each clip, s. */
  readonly seconds: readonly number[];
  /** Hz. */
  readonly sampleRates: readonly number[];
  /** Recordings that were left out, one line each. */
  readonly bad: readonly string[];
}

/** What a model's input is made of, as far as the user said. */
export interface InputWishes {
  /** What the network listens to, and what that is made of. */
  readonly listens: Listens;
  /** The network's first if not said. */
  readonly features?: FeatureKind | undefined;
  readonly sampleRate?: number | undefined;
  readonly clipSeconds?: number | undefined;
}

/** Below it there is no speech, nor room for the windows and bands of a model's input, Hz. */
const LOWEST_RATE = 1000;
/** Clips above this rate are resampled to it unless the user says otherwise, Hz. */
const HIGHEST_DEFAULT_RATE = 16_000;
/** What a model of short utterances is given unless the user says otherwise, and the most it may be, s. */
const LONGEST_DEFAULT_CLIP = 5;
const LONGEST_CLIP = 60;
/** Poolings halve the frames three times. */
const FRAMES_MULTIPLE = 8;

/**
 * Reads every recording once, to know its length and rate and that it can be read.
 * @param skipBad whether recordings that cannot be used are left out
 * @param cache folder where what is found is kept
 * @throws CorpusError where some cannot be used and are not to be skipped
 */
export async function survey(
  corpus: Corpus,
  skipBad: boolean,
  { note, progress }: Terminal,
  cache?: string,
): Promise<Surveyed> {
  const found: { index: number; clip: Clip; seconds: number; sampleRate: number }[] = [];
  const bad: string[] = [];
  progress.start(corpus.clips.length, 'checking recordings');
  const measured = await measureRecordings(
    corpus.clips.map((clip) => clip.path),
    { cache, onProgress: progress.update, onNote: note },
  );
  for (const [index, clip] of corpus.clips.entries()) {
    const recording = measured[index];
    const error =
      recording instanceof EarmarkError
        ? recording
        : recording.peak === 0 && silentError(clip.path, recording.samples);
    if (error) {
      bad.push(error.message);
      note(describeError(error));
    } else {
      const { samples, sampleRate } = recording as Recording;
      found.push({ index, clip, seconds: samples / sampleRate, sampleRate });
    }
  }
  progress.stop();
  if (bad.length > 0 && !skipBad) {
    throw new CorpusError({
      what: `${bad.length} of ${corpus.clips.length} recordings of ${corpus.name} cannot be used`,
      todo: 'Mend them, or leave them out with --skip-bad.',
    });
  }
  const usable = { ...corpus, clips: found.map((f) => f.clip) };
  if (labelsOf(usable.clips).length < 2) {
    throw new CorpusError({
      what: `${corpus.name}`,
      expected: 'recordings of two classes or more',
      got: 'fewer',
    });
  }
  return {
    corpus: usable,
    kept: found.map((f) => f.index),
    seconds: found.map((f) => f.seconds),
    sampleRates: found.map((f) => f.sampleRate),
    bad,
  };
}

/**
 * The settings of a model's input, as the network wants them; else at the recordings' own rate (the commonest, up to 16 kHz),
 * and as long as 95 % of the training clips need (up to 5 s), in frames that three poolings halve evenly.
 * @param training indices of the clips that are trained on
 * @throws FeatureError where the network does not listen to that, the rate is too low, or the clips are too short or too long
 */
export function settleFeatures(
  { seconds, sampleRates }: Surveyed,
  training: readonly number[],
  { listens, features, sampleRate, clipSeconds }: InputWishes,
): FeatureSettings {
  const kind = features ?? listens.kinds[0]!;
  if (!listens.kinds.includes(kind)) {
    throw new FeatureError({
      what: 'what the network listens to',
      expected: listens.kinds.join(' or '),
      got: kind,
    });
  }
  const rates = training.map((i) => sampleRates[i]!);
  const rate = sampleRate ?? listens.sampleRate ?? Math.min(commonest(rates), HIGHEST_DEFAULT_RATE);
  if (rate < LOWEST_RATE) {
    const what = 'sample rate of the model';
    throw new FeatureError({ what, expected: `at least ${LOWEST_RATE} Hz`, got: `${rate} Hz` });
  }
  const wanted = clipSeconds ?? listens.clipSeconds;
  if (wanted !== undefined) {
    if (wanted > LONGEST_CLIP) {
      throw new FeatureError({
        what: "the model's clip",
        expected: `at most ${LONGEST_CLIP} s`,
        got: `${wanted} s`,
      });
    }
    return listens.settings(kind, rate, wanted);
  }
  const sorted = training.map((i) => seconds[i]!).sort((a, b) => a - b);
  const most = sorted[Math.min(sorted.length - 1, Math.floor(0.95 * sorted.length))]!;
  const enough = Math.min(most, LONGEST_DEFAULT_CLIP);
  const settings = listens.settings(kind, rate, enough);
  const frames = 1 + Math.floor(settings.clipSamples / settings.hopLength);
  const even = Math.ceil(frames / FRAMES_MULTIPLE) * FRAMES_MULTIPLE;
  return listens.settings(kind, rate, ((even - 1) * settings.hopLength) / rate);
}

/** The rate that most recordings have; of several the lowest. */
function commonest(rates: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const rate of rates) counts.set(rate, (counts.get(rate) ?? 0) + 1);
  const [[rate]] = [...counts].sort(([a, n], [b, m]) => m - n || a - b) as [[number, number]];
  return rate;
}
