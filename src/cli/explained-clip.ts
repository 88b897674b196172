// An explained clip as what is written of it: facts as JSON, a picture, and arrays.
import { basename } from 'node:path';
import { sharesOf } from '../analysis/shares.ts';
import { binFrequencies, frameTimes, paddedFrames } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { isStandardized, zeroIsSilence } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { NpyArray } from '../files/npy.ts';
import { encodeNpz } from '../files/npz.ts';
import type { Profile } from '../hertz/profile.ts';
import type { Spectrum } from '../hertz/spectrum.ts';
import type { Ledger } from '../relevance/ledger.ts';
import { type Grid, sum } from '../report/clip.ts';
import { describePrediction, explanationFigure } from '../report/explanation.ts';
import { spectrumMap } from '../report/spectrum.ts';
import { formatPercent } from '../report/ticks.ts';
import { waveformFigure } from '../report/waveform.ts';
import { fitFacts, type HeardClip } from './clips.ts';

/** All that is known of one explanation. */
export interface ExplainedClip {
  readonly clip: HeardClip;
  readonly settings: FeatureSettings;
  /** Path of the model. */
  readonly model: string;
  readonly labels: readonly string[];
  /** null where it is not known. */
  readonly trueLabel: string | null;
  /** [classes] */
  readonly logits: number[];
  /** [classes] */
  readonly probabilities: number[];
  /** Class with the largest logit. */
  readonly predicted: number;
  /** Class that is explained. */
  readonly target: number;
  /** Class that it is explained against, where one was asked for. */
  readonly against?: number;
  readonly method: string;
  readonly start: string;
  /** [bins, frames] */
  readonly relevance: Grid;
  readonly ledger?: Ledger;
  /** In which domain pictures and arrays show it; MFCCs are shown in both. */
  readonly domain: Domain;
  /** In hertz and seconds. */
  readonly spectrum: Spectrum;
  readonly profile: Profile;
}

export const DOMAINS = ['features', 'spectrum'] as const;
export type Domain = (typeof DOMAINS)[number];

/** What `NAME.json` holds. */
export function factsOf(explained: ExplainedClip) {
  const { clip, settings, labels, predicted, target, against, relevance, ledger, ...rest } = explained;
  return {
    file: clip.file,
    model: rest.model,
    labels,
    trueLabel: rest.trueLabel,
    predicted: labels[predicted],
    probability: rest.probabilities[predicted],
    target: { class: target, label: labels[target] },
    against: against === undefined ? undefined : { class: against, label: labels[against] },
    method: rest.method,
    start: rest.start,
    logits: rest.logits,
    probabilities: rest.probabilities,
    relevanceSum: sum(relevance),
    shares: quietShares(explained),
    clip: fitFacts(clip, settings),
    features: settings,
    hertz: { relevanceSum: sum(explained.spectrum.relevance), steps: explained.spectrum.steps },
    profile: explained.profile,
    ledger,
  };
}

/** The input as decibels, coefficients or samples, its relevance, and both together; or all that in hertz and seconds. */
export function pictureOf(explained: ExplainedClip) {
  const { clip, settings, labels, predicted, target, against, relevance, domain, profile } = explained;
  const words = describePrediction({
    file: basename(clip.file),
    trueLabel: explained.trueLabel,
    predictedLabel: labels[predicted],
    probability: explained.probabilities[predicted],
    method: explained.method,
    targetLabel: labels[target],
    logit: explained.logits[target],
    relevanceSum: sum(relevance),
    ...(against !== undefined && { against: { label: labels[against], logit: explained.logits[against] } }),
  });
  const shown = shownFeatures(clip.features, settings);
  const times = frameTimes(settings);
  const booked = bookedWords(explained.spectrum, relevance);
  const subtitle = [...words.subtitle, ...booked];
  if (settings.kind === 'mfcc') {
    const spectrum = spectrumMap(explained.spectrum);
    return explanationFigure({
      ...words,
      subtitle,
      ...shown,
      times,
      frequencies: null,
      relevance,
      spectrum,
      profile,
    });
  }
  if (domain === 'spectrum') {
    const map = spectrumMap(explained.spectrum);
    return explanationFigure({ ...words, subtitle, ...map, inHertz: true, profile });
  }
  if (settings.kind === 'waveform') {
    const { features, featureLabel } = shown;
    return waveformFigure({
      ...words,
      samples: features.data,
      featureLabel,
      times,
      relevance: relevance.data,
      profile,
    });
  }
  return explanationFigure({
    ...words,
    ...shown,
    times,
    frequencies: binFrequencies(settings),
    relevance,
    profile,
  });
}

/** An input as pictures show it: levels in the decibels that they stand for (1 is 0 dB, 0 is −topDb and all below). */
export function shownFeatures(features: Matrix, settings: FeatureSettings) {
  const { topDb } = settings;
  if (!zeroIsSilence(settings) || topDb === null) return { features, featureLabel: featureLabel(settings) };
  const decibels = { ...features, data: features.data.map((v) => topDb * (v - 1)) };
  return { features: decibels, featureLabel: featureLabel(settings) };
}

/** What the values of an input are, with their unit. */
function featureLabel(settings: FeatureSettings): string {
  const { kind, scaling, ref, power } = settings;
  const standardized = isStandardized(settings);
  const after = standardized ? ', standardized' : '';
  if (kind === 'waveform') return `amplitude${after}`;
  if (kind === 'mfcc') return `MFCC${scaling === 'level' ? ' (of scaled log-mel levels)' : ''}${after}`;
  const quantity = power === 2 ? 'power' : power === 1 ? 'magnitude' : `magnitude^${power}`;
  const values = {
    level: kind === 'logmel' ? 'log-mel level (dB re max)' : 'level (dB re max)',
    power_to_db: `${kind === 'logmel' ? 'mel ' : ''}${quantity} (dB re ${ref})`,
    log: `ln ${kind === 'logmel' ? 'mel ' : ''}${quantity}${ref === 1 ? '' : ` re ${ref}`}`,
    none: `${kind === 'logmel' ? 'mel ' : ''}${quantity}`,
  };
  return `${standardized && scaling === 'level' ? 'level' : values[scaling]}${after}`;
}

/**
 * What `NAME.npz` holds: features and relevance [bins, frames], times [frames] in s, frequencies [bins] in Hz; of a
 * waveform samples, relevance and times [samples]. Of MFCCs, and where asked for, spectrum_relevance [bins, frames] with
 * spectrum_frequencies in Hz and spectrum_times in s.
 */
export function arraysOf({ clip, settings, relevance, domain, spectrum }: ExplainedClip): Uint8Array {
  const { features } = clip;
  const float32 = (shape: number[], data: Grid['data']): NpyArray => ({
    dtype: 'float32',
    shape,
    data: Float32Array.from(data),
  });
  const matrix = ({ rows, columns, data }: Grid) => float32([rows, columns], data);
  const axis = (data: Float64Array): NpyArray => ({ dtype: 'float64', shape: [data.length], data });
  const inHertz: Record<string, NpyArray> =
    domain === 'spectrum' || settings.kind === 'mfcc'
      ? {
          spectrum_relevance: matrix(spectrum.relevance),
          spectrum_frequencies: axis(spectrum.frequencies),
          spectrum_times: axis(spectrum.times),
        }
      : {};
  if (settings.kind === 'waveform') {
    return encodeNpz({
      samples: float32([features.columns], features.data),
      relevance: float32([relevance.columns], relevance.data),
      times: axis(frameTimes(settings)),
      ...inHertz,
    });
  }
  const frequencies = binFrequencies(settings);
  return encodeNpz({
    features: matrix(features),
    relevance: matrix(relevance),
    times: axis(frameTimes(settings)),
    ...(frequencies && { frequencies: axis(frequencies) }),
    ...inHertz,
  });
}

/** What of the relevance is in no bin, in parts of Σ |R| of the input; what rounds to nothing is not told. */
function bookedWords({ steps }: Spectrum, relevance: Grid): string[] {
  const amount = sum({ ...relevance, data: Float64Array.from(relevance.data, Math.abs) });
  const parts = (['bias', 'stabilizer', 'silence'] as const).flatMap((book) => {
    const share = steps.reduce((total, step) => total + step[book], 0) / amount;
    const sign = share < 0 ? '−' : '';
    return Math.abs(share) >= 0.001 ? [`${book} ${sign}${formatPercent(Math.abs(share))}`] : [];
  });
  return parts.length > 0 ? [`in no bin: ${parts.join(', ')}`] : [];
}

/** Shares of Σ|R| on what cannot be heard. */
function quietShares({ clip, settings, relevance }: ExplainedClip) {
  const heard = { features: clip.features, paddedFrames: paddedFrames(settings, clip.fit) };
  const { padding, silence } = sharesOf(relevance, heard, zeroIsSilence(settings), null);
  return { padding, silence };
}
