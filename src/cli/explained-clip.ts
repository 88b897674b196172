// An explained clip as what is written of it: facts as JSON, a picture, and arrays.
import { basename } from 'node:path';
import { sharesOf } from '../analysis/shares.ts';
import { binFrequencies, frameTimes, paddedFrames } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { NpyArray } from '../files/npy.ts';
import { encodeNpz } from '../files/npz.ts';
import type { Ledger } from '../relevance/ledger.ts';
import { type Grid, sum } from '../report/clip.ts';
import { describePrediction, explanationFigure } from '../report/explanation.ts';
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
  readonly method: string;
  readonly start: string;
  /** [bins, frames] */
  readonly relevance: Grid;
  readonly ledger?: Ledger;
}

/** What `NAME.json` holds. */
export function factsOf(explained: ExplainedClip) {
  const { clip, settings, labels, predicted, target, relevance, ledger, ...rest } = explained;
  return {
    file: clip.file,
    model: rest.model,
    labels,
    trueLabel: rest.trueLabel,
    predicted: labels[predicted],
    probability: rest.probabilities[predicted],
    target: { class: target, label: labels[target] },
    method: rest.method,
    start: rest.start,
    logits: rest.logits,
    probabilities: rest.probabilities,
    relevanceSum: sum(relevance),
    shares: quietShares(explained),
    clip: fitFacts(clip, settings),
    features: settings,
    ledger,
  };
}

/** The input in decibels or coefficients, its relevance, and both together. */
export function pictureOf(explained: ExplainedClip) {
  const { clip, settings, labels, predicted, target, relevance } = explained;
  const words = describePrediction({
    file: basename(clip.file),
    trueLabel: explained.trueLabel,
    predictedLabel: labels[predicted],
    probability: explained.probabilities[predicted],
    method: explained.method,
    targetLabel: labels[target],
    logit: explained.logits[target],
    relevanceSum: sum(relevance),
  });
  return explanationFigure({
    ...words,
    ...shownFeatures(clip.features, settings),
    times: frameTimes(settings),
    frequencies: binFrequencies(settings),
    relevance,
  });
}

/** Log-mel input is shown in the decibels that it stands for: 1 is 0 dB, 0 is −topDb and all below. */
export function shownFeatures(features: Matrix, { kind, topDb }: FeatureSettings) {
  if (kind === 'mfcc') return { features, featureLabel: 'MFCC (of scaled log-mel levels)' };
  const decibels = { ...features, data: features.data.map((v) => topDb * (v - 1)) };
  return { features: decibels, featureLabel: 'log-mel level (dB re max)' };
}

/** What `NAME.npz` holds: features and relevance [bins, frames], times [frames] in s, frequencies [bins] in Hz. */
export function arraysOf({ clip: { features }, settings, relevance }: ExplainedClip): Uint8Array {
  const matrix = ({ rows, columns, data }: Grid): NpyArray => ({
    dtype: 'float32',
    shape: [rows, columns],
    data: Float32Array.from(data),
  });
  const axis = (data: Float64Array): NpyArray => ({ dtype: 'float64', shape: [data.length], data });
  const frequencies = binFrequencies(settings);
  return encodeNpz({
    features: matrix(features),
    relevance: matrix(relevance),
    times: axis(frameTimes(settings)),
    ...(frequencies && { frequencies: axis(frequencies) }),
  });
}

/** Shares of Σ|R| on what cannot be heard. */
function quietShares({ clip, settings, relevance }: ExplainedClip) {
  const heard = { features: clip.features, paddedFrames: paddedFrames(settings, clip.fit) };
  const { padding, silence } = sharesOf(relevance, heard, settings.kind, null);
  return { padding, silence };
}
