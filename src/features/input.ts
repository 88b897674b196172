// Turns a recording into a model's input: fitted clip, mel power, scaled log-mel, and its cosine transform.
import { type FittedClip, fitClip } from './clip.ts';
import { largest, type Matrix, mapMatrix, multiply } from './matrix.ts';
import { melFilters, melFrequencies } from './mel.ts';
import { cepstrumMatrix } from './mfcc.ts';
import type { FeatureSettings } from './settings.ts';
import { spectrogram } from './stft.ts';

interface Tables {
  /** Mel filters [nMels, 1 + nFft/2]. */
  filters: Matrix;
  /** Liftered cosine transform [nMfcc, nMels]. */
  cepstrum: Matrix;
}

const tables = new WeakMap<FeatureSettings, Tables>();

/** What depends on the settings alone, made once for each settings object. */
function tablesOf(settings: FeatureSettings): Tables {
  const { sampleRate, nFft, nMels } = settings;
  const made = tables.get(settings) ?? {
    filters: melFilters(sampleRate, nFft, settings),
    cepstrum: cepstrumMatrix(nMels, { ...settings, norm: 'ortho' }),
  };
  tables.set(settings, made);
  return made;
}

/**
 * A model's input [bins, frames] for a recording: {@link inputFromMelPower} of {@link melPower}.
 *
 * @param samples mono, at `settings.sampleRate`, of any length
 */
export function modelInput(samples: Float32Array, settings: FeatureSettings): Matrix {
  return inputFromMelPower(melPower(samples, settings), settings);
}

/** Power mel spectrogram [nMels, frames] of the recording fitted to the clip. */
export function melPower(samples: Float32Array, settings: FeatureSettings): Matrix {
  const clip = fitClip(samples, settings.clipSamples).samples;
  return multiply(tablesOf(settings).filters, spectrogram(clip, { ...settings, power: 2 }));
}

/**
 * The input for a power mel spectrogram P. For 'logmel', with D = topDb,
 *
 *     max(0, 1 + 10 log₁₀(P / max P) / D)
 *
 * so that the clip's loudest value is 1, and what is D dB below it, or silent, is 0: the reference point of LRP.
 * For 'mfcc' the orthonormal cosine transform of that over mel, its first nMfcc coefficients, liftered. A clip that
 * is all silent is all 0.
 */
export function inputFromMelPower(power: Matrix, settings: FeatureSettings): Matrix {
  const loudest = largest(power);
  const level = (p: number) => (p > 0 ? Math.max(0, 1 + (10 * Math.log10(p / loudest)) / settings.topDb) : 0);
  const logmel = mapMatrix(power, level);
  return settings.kind === 'logmel' ? logmel : multiply(tablesOf(settings).cepstrum, logmel);
}

/** Shape of a model's input: [bins, frames]. */
export function inputShape(settings: FeatureSettings): [bins: number, frames: number] {
  const { kind, nMfcc, nMels, nFft, hopLength, center, clipSamples } = settings;
  const length = center ? clipSamples + 2 * (nFft >> 1) : clipSamples;
  return [kind === 'mfcc' ? nMfcc : nMels, 1 + Math.floor((length - nFft) / hopLength)];
}

/** The centre of each mel band in Hz; null for MFCCs, whose rows are not frequencies. */
export function binFrequencies(settings: FeatureSettings): Float64Array | null {
  if (settings.kind === 'mfcc') return null;
  const { nMels, fmin, htk, sampleRate } = settings;
  return melFrequencies(nMels + 2, { fmin, fmax: settings.fmax ?? sampleRate / 2, htk }).slice(1, -1);
}

/** The middle of each frame in seconds from the clip's start. */
export function frameTimes(settings: FeatureSettings): Float64Array {
  const { hopLength, sampleRate, nFft, center } = settings;
  const offset = center ? 0 : nFft / 2;
  return Float64Array.from(
    { length: inputShape(settings)[1] },
    (_, t) => (t * hopLength + offset) / sampleRate,
  );
}

/** For each frame, whether its whole window lies where the clip holds no sample of the recording. */
export function paddedFrames(
  settings: FeatureSettings,
  fit: Pick<FittedClip, 'padBefore' | 'padAfter'>,
): boolean[] {
  const { hopLength, nFft, center, clipSamples } = settings;
  const winLength = settings.winLength ?? nFft;
  const offset = ((nFft - winLength) >> 1) - (center ? nFft >> 1 : 0);
  return Array.from({ length: inputShape(settings)[1] }, (_, t) => {
    const begin = t * hopLength + offset;
    return begin + winLength <= fit.padBefore || begin >= clipSamples - fit.padAfter;
  });
}
