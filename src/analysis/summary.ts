// Many explanations at once: which bands each class is recognised by, and where wrong answers look elsewhere.
import { byText } from '../corpus/clip.ts';
import { EarmarkError } from '../errors.ts';
import { binFrequencies } from '../features/input.ts';
import { zeroIsSilence } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { type Band, frequencyBands } from './bands.ts';
import { type Comparison, compareGroups, type GroupShares, groupShares } from './comparison.ts';
import { type Cells, type ClipExplanation, checkExplanation } from './explained.ts';
import { correlation, type Shares, sharesOf } from './shares.ts';
import { type Spread, spread } from './statistics.ts';

export interface AnalysisSettings {
  /** Of the model's input. */
  readonly features: FeatureSettings;
  /** All classes, in the order of the model's logits. */
  readonly labels: readonly string[];
  /** Of the permutations and resamplings (0). */
  readonly seed?: number;
}

/** What is kept of an explained clip, small enough for any number of clips. */
export interface MeasuredClip {
  readonly path: string;
  readonly label: string;
  readonly speaker: string | null;
  readonly predicted: string;
  readonly probability: number;
  /** Of the relevance for the predicted class. */
  readonly shares: Shares;
  /** Of a misclassified clip: the relevance for the class that would have been right; null where it is not given. */
  readonly ofTrue: ContrastWithTrue | null;
}

export interface ContrastWithTrue {
  readonly shares: Shares;
  /** Of the maps for the predicted and for the true class. */
  readonly correlation: number | null;
}

/** How often and where, as JSON; shares are from 0 to 1. */
export interface Analysis {
  readonly clips: number;
  /** Clips whose relevance is 0 everywhere: they are in no mean. */
  readonly withoutRelevance: number;
  /** null for MFCCs and waveforms whose relevance was not given in hertz. */
  readonly bands: readonly Band[] | null;
  /** Why there are no bands; null where there are. */
  readonly bandsNote: string | null;
  /** One for each class, in the order of the labels. */
  readonly byClass: readonly ClassBands[];
  /** Mean shares over all clips. */
  readonly all: GroupShares;
  readonly comparison: Comparison;
  /** Every misclassified clip, by path. */
  readonly misclassified: readonly MeasuredClip[];
}

/** The bands that speak for a class: over all clips that were predicted to be of it, since that is what was explained. */
export interface ClassBands {
  readonly label: string;
  /** Clips that were predicted to be of the class. */
  readonly clips: number;
  /** Share of positive relevance in each band; null without bands. */
  readonly positive: readonly Spread[] | null;
  /** Share of |relevance| in each band; null without bands. */
  readonly absolute: readonly Spread[] | null;
}

const NO_BANDS =
  'The rows of the input are not frequencies, and its relevance was not given in hertz: there are no shares by band.';

/**
 * What the explanations of a test part have in common. The order of the clips does not matter.
 *
 * @throws EarmarkError for no clips, a prediction that is not among the labels, or matrices of another shape than the
 * model's input
 */
export function analyse(clips: readonly ClipExplanation[], settings: AnalysisSettings): Analysis {
  return summarise(
    clips.map((clip) => measureClip(clip, settings.features)),
    settings,
  );
}

/**
 * The part of {@link analyse} that looks at one clip, so that its matrices need not be kept.
 *
 * @throws EarmarkError where a matrix is not of the model's input shape, or not finite
 */
export function measureClip(clip: ClipExplanation, features: FeatureSettings): MeasuredClip {
  checkExplanation(clip, features);
  const { path, label, speaker, predicted, probability, relevance, relevanceOfTrue } = clip;
  const rowsAreFrequencies = binFrequencies(features) !== null;
  const bands = frequencyBands(features);
  const shares = (relevance: Cells, inHertz: Cells | undefined) => {
    const map = rowsAreFrequencies ? relevance : inHertz;
    return sharesOf(relevance, clip, zeroIsSilence(features), map ? { map, bands } : null);
  };
  const ofTrue =
    label !== predicted && relevanceOfTrue
      ? {
          shares: shares(relevanceOfTrue, clip.inHertz?.relevanceOfTrue),
          correlation: correlation(relevance, relevanceOfTrue),
        }
      : null;
  return {
    path,
    label,
    speaker,
    predicted,
    probability,
    shares: shares(relevance, clip.inHertz?.relevance),
    ofTrue,
  };
}

/** The part of {@link analyse} that looks at all clips. @throws EarmarkError for no clips or an unknown prediction */
export function summarise(
  measured: readonly MeasuredClip[],
  { features, labels, seed = 0 }: AnalysisSettings,
): Analysis {
  if (measured.length === 0) {
    throw new EarmarkError({ what: 'analysis', expected: 'at least one explained clip', got: 'none' });
  }
  const stray = measured.find((clip) => !labels.includes(clip.predicted));
  if (stray) {
    const what = `${stray.path}: predicted class`;
    throw new EarmarkError({ what, expected: `one of ${labels.join(', ')}`, got: stray.predicted });
  }
  const clips = [...measured].sort((a, b) => byText(a.path, b.path));
  const isKnown = binFrequencies(features) !== null || clips.some(({ shares }) => shares.absolute !== null);
  const bands = isKnown ? frequencyBands(features) : null;
  const misclassified = clips.filter((clip) => clip.label !== clip.predicted);
  const correct = clips.filter((clip) => clip.label === clip.predicted);
  return {
    clips: clips.length,
    withoutRelevance: clips.filter((clip) => clip.shares.padding === null).length,
    bands,
    bandsNote: bands ? null : NO_BANDS,
    byClass: labels.map((label) => {
      const own = clips.filter((clip) => clip.predicted === label);
      const perBand = (kind: 'positive' | 'absolute') =>
        bands === null
          ? null
          : bands.map((_, b) => spread(own.flatMap(({ shares }) => shares[kind]?.[b] ?? [])));
      return { label, clips: own.length, positive: perBand('positive'), absolute: perBand('absolute') };
    }),
    all: groupShares(
      clips.map((clip) => clip.shares),
      isKnown,
    ),
    comparison: compareGroups(
      correct.map((clip) => clip.shares),
      misclassified.map((clip) => clip.shares),
      bands,
      seed,
    ),
    misclassified,
  };
}
