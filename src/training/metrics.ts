// How well a classifier does on clips it was not trained on: overall, by class, by speaker, and what it confuses.
import { TrainingError } from '../errors.ts';
import { type Calibration, calibration } from './calibration.ts';
import { type Interval, wilson } from './interval.ts';

/** One classified clip. */
export interface Classified {
  readonly label: string;
  readonly speaker: string | null;
  readonly predicted: string;
  /** Of each class, in the order of the model's logits. */
  readonly probabilities?: readonly number[];
}

/** Right answers among a number of clips. */
export interface Tally {
  readonly accuracy: number;
  readonly clips: number;
  readonly correct: number;
  /** Of the accuracy, 95 % (Wilson). */
  readonly interval: Interval;
}

/** How well a class is found; `null` where there is nothing to divide by. */
export interface ClassScore {
  readonly clips: number;
  readonly correct: number;
  /** Share of its clips that were taken for it, and its 95 % interval (Wilson). */
  readonly recall: number | null;
  readonly interval: Interval;
  /** Share of the clips taken for it that are of it. */
  readonly precision: number | null;
  /** Their harmonic mean: 2 · right / (clips of it + clips taken for it). */
  readonly f1: number | null;
}

export interface Metrics extends Tally {
  /** Mean recall of the classes that were tested. */
  readonly balancedAccuracy: number;
  /** Mean F1 of the classes that were tested or predicted. */
  readonly macroF1: number;
  /** Where probabilities are known. */
  readonly calibration?: Calibration;
  readonly byClass: Readonly<Record<string, ClassScore>>;
  /** Empty where no speakers are known. */
  readonly bySpeaker: Readonly<Record<string, Tally>>;
  /** counts[true][predicted], in the order of `labels`. */
  readonly confusion: { readonly labels: readonly string[]; readonly counts: readonly (readonly number[])[] };
}

/**
 * Measures a classifier's answers.
 *
 * @param labels every class, in the order of the model's logits
 * @throws TrainingError where a clip is of, or taken for, another class
 */
export function measure(clips: readonly Classified[], labels: readonly string[]): Metrics {
  const classes = new Map(labels.map((label, k) => [label, k]));
  const index = (label: string) => {
    const k = classes.get(label);
    if (k === undefined) throw new TrainingError({ what: `class '${label}'`, expected: labels.join(', ') });
    return k;
  };
  const counts = labels.map(() => labels.map(() => 0));
  for (const { label, predicted } of clips) counts[index(label)]![index(predicted)]!++;
  const scores = labels.map((_, k) => classScore(counts, k));
  const forecasts = clips.flatMap(({ label, predicted, probabilities }) =>
    probabilities ? [{ label: index(label), predicted: index(predicted), probabilities }] : [],
  );
  return {
    ...tally(clips),
    balancedAccuracy: mean(scores.map(({ recall }) => recall)),
    macroF1: mean(scores.map(({ f1 }) => f1)),
    ...(clips.length > 0 && forecasts.length === clips.length && { calibration: calibration(forecasts) }),
    byClass: Object.fromEntries(labels.map((label, k) => [label, scores[k]!])),
    bySpeaker: bySpeaker(clips),
    confusion: { labels, counts },
  };
}

function classScore(counts: readonly (readonly number[])[], k: number): ClassScore {
  const clips = counts[k]!.reduce((a, b) => a + b, 0);
  const predicted = counts.reduce((sum, row) => sum + row[k]!, 0);
  const correct = counts[k]![k]!;
  const share = (part: number, whole: number) => (whole ? part / whole : null);
  return {
    clips,
    correct,
    recall: share(correct, clips),
    interval: wilson(correct, clips),
    precision: share(correct, predicted),
    f1: share(2 * correct, clips + predicted),
  };
}

function bySpeaker(clips: readonly Classified[]): Record<string, Tally> {
  const spoken = new Map<string, Classified[]>();
  for (const clip of clips) {
    if (clip.speaker === null) continue;
    const own = spoken.get(clip.speaker);
    if (own) own.push(clip);
    else spoken.set(clip.speaker, [clip]);
  }
  const sorted = [...spoken].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([speaker, own]) => [speaker, tally(own)]));
}

function tally(clips: readonly Classified[]): Tally {
  const n = clips.length;
  const correct = clips.filter((c) => c.label === c.predicted).length;
  return { accuracy: n ? correct / n : 0, clips: n, correct, interval: wilson(correct, n) };
}

function mean(values: readonly (number | null)[]): number {
  const known = values.filter((v) => v !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : 0;
}
