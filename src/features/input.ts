// Turns a recording into a model's input: fitted clip, (mel) spectrogram, scaling, cosine transform; and its axes.
import { type FittedClip, fitClip } from './clip.ts';
import { type Matrix, multiply } from './matrix.ts';
import { melFilters, melFrequencies } from './mel.ts';
import { cepstrumMatrix } from './mfcc.ts';
import { normalized, scaled, standardized } from './scaling.ts';
import type { FeatureSettings } from './settings.ts';
import { spectrogram } from './stft.ts';

interface Tables {
  /** Mel filters [nMels, 1 + nFft/2]. */
  filters: Matrix;
  /** Liftered cosine transform [nMfcc, nMels]. */
  cepstrum: Matrix;
}

const tables = new WeakMap<FeatureSettings, Tables>();

/** What depends on the settings of a mel spectrogram or MFCCs alone, made once for each settings object. */
export function tablesOf(settings: FeatureSettings): Tables {
  const { sampleRate, nFft, nMels, dctNorm } = settings;
  const made = tables.get(settings) ?? {
    filters: melFilters(sampleRate, nFft, settings),
    cepstrum: cepstrumMatrix(nMels, { ...settings, nMfcc: Math.min(settings.nMfcc, nMels), norm: dctNorm }),
  };
  tables.set(settings, made);
  return made;
}

/**
 * A model's input [bins, frames] for a recording: {@link inputFromMelPower} of {@link melPower}; of a 'waveform' model
 * the fitted and standardized samples [1, samples].
 *
 * @param samples mono, at `settings.sampleRate`, of any length
 */
export function modelInput(samples: Float32Array, settings: FeatureSettings): Matrix {
  if (settings.kind !== 'waveform') return inputFromMelPower(melPower(samples, settings), settings);
  const data = Float64Array.from(fitted(samples, settings));
  return standardized({ rows: 1, columns: data.length, data }, settings);
}

/** The samples that are heard: normalized as the settings say, and fitted to the clip. */
function fitted(samples: Float32Array, { normalize, clipSamples, align }: FeatureSettings): Float32Array {
  return fitClip(normalized(samples, normalize), clipSamples, align).samples;
}

/**
 * Mel spectrogram [nMels, frames] of the recording fitted to the clip, raised to `settings.power`; for 'spectrogram'
 * that of the short-time Fourier transform [1 + nFft/2, frames].
 */
export function melPower(samples: Float32Array, settings: FeatureSettings): Matrix {
  return clipPower(fitted(samples, settings), settings);
}

/** The same of a clip, which is normalized and fitted; in `room` where that is enough. */
export function clipPower(clip: Float32Array, settings: FeatureSettings, room?: Float64Array): Matrix {
  const filters = settings.kind === 'spectrogram' ? undefined : tablesOf(settings).filters;
  return spectrogram(clip, settings, filters, room);
}

/** The same from a spectrogram [1 + nFft/2, frames] raised to `settings.power`. */
export function powerOfSpectrum(S: Matrix, settings: FeatureSettings): Matrix {
  return settings.kind === 'spectrogram' ? S : multiply(tablesOf(settings).filters, S);
}

/**
 * The input for a (mel) spectrogram: scaled, for 'mfcc' its cosine transform over mel, the first nMfcc coefficients,
 * liftered; then standardized. With the scaling 'level' a clip that is all silent is all 0.
 */
export function inputFromMelPower(power: Matrix, settings: FeatureSettings): Matrix {
  const S = scaled(power, settings);
  return standardized(settings.kind === 'mfcc' ? multiply(tablesOf(settings).cepstrum, S) : S, settings);
}

/** Shape of a model's input: [bins, frames]; of a waveform [1, samples]. */
export function inputShape(settings: FeatureSettings): [bins: number, frames: number] {
  const { kind, nMfcc, nMels, nFft, hopLength, center, clipSamples } = settings;
  if (kind === 'waveform') return [1, clipSamples];
  const rows = { mfcc: nMfcc, logmel: nMels, spectrogram: 1 + (nFft >> 1) };
  const length = center ? clipSamples + 2 * (nFft >> 1) : clipSamples;
  return [rows[kind], 1 + Math.floor((length - nFft) / hopLength)];
}

/** The centre of each row in Hz; null for MFCCs and waveforms, whose rows are not frequencies. */
export function binFrequencies(settings: FeatureSettings): Float64Array | null {
  const { kind, nMels, nFft, fmin, htk, sampleRate } = settings;
  if (kind === 'spectrogram') {
    return Float64Array.from({ length: 1 + (nFft >> 1) }, (_, k) => (k * sampleRate) / nFft);
  }
  if (kind !== 'logmel') return null;
  return melFrequencies(nMels + 2, { fmin, fmax: settings.fmax ?? sampleRate / 2, htk }).slice(1, -1);
}

/** The middle of each frame in seconds from the clip's start; of a waveform the time of each sample. */
export function frameTimes(settings: FeatureSettings): Float64Array {
  const { kind, sampleRate, nFft, center } = settings;
  if (kind === 'waveform') {
    return Float64Array.from({ length: settings.clipSamples }, (_, n) => n / sampleRate);
  }
  const { hopLength } = settings;
  const offset = center ? 0 : nFft / 2;
  return Float64Array.from(
    { length: inputShape(settings)[1] },
    (_, t) => (t * hopLength + offset) / sampleRate,
  );
}

/** For each frame, whether its whole window lies where the clip holds no sample of the recording; so for each sample. */
export function paddedFrames(
  settings: FeatureSettings,
  fit: Pick<FittedClip, 'padBefore' | 'padAfter'>,
): boolean[] {
  const { kind, hopLength, nFft, center, clipSamples } = settings;
  if (kind === 'waveform') {
    return Array.from(
      { length: clipSamples },
      (_, n) => n < fit.padBefore || n >= clipSamples - fit.padAfter,
    );
  }
  const winLength = settings.winLength ?? nFft;
  const offset = ((nFft - winLength) >> 1) - (center ? nFft >> 1 : 0);
  return Array.from({ length: inputShape(settings)[1] }, (_, t) => {
    const begin = t * hopLength + offset;
    return begin + winLength <= fit.padBefore || begin >= clipSamples - fit.padAfter;
  });
}
