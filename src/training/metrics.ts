// How well a classifier does on clips it was not trained on: overall, by class, by speaker, and what it confuses.

/** One classified clip. */
export interface Classified {
  readonly label: string;
  readonly speaker: string | null;
  readonly predicted: string;
}

/** Right answers among a number of clips. */
export interface Tally {
  readonly clips: number;
  readonly correct: number;
  readonly accuracy: number;
}

export interface Metrics {
  /** From 0 to 1. */
  readonly accuracy: number;
  readonly clips: number;
  readonly correct: number;
  readonly byClass: Readonly<Record<string, Tally>>;
  /** Empty where no speakers are known. */
  readonly bySpeaker: Readonly<Record<string, Tally>>;
  /** counts[true][predicted], in the order of `labels`. */
  readonly confusion: { readonly labels: readonly string[]; readonly counts: readonly (readonly number[])[] };
}

/** Counts right answers. @param labels every class, in the order of the model's logits */
export function measure(clips: readonly Classified[], labels: readonly string[]): Metrics {
  const speakers = [...new Set(clips.flatMap((c) => (c.speaker === null ? [] : [c.speaker])))];
  const grouped = (names: readonly string[], key: (c: Classified) => string | null) =>
    Object.fromEntries(names.map((name) => [name, tally(clips.filter((c) => key(c) === name))]));
  const counts = labels.map((label) => {
    const own = clips.filter((c) => c.label === label);
    return labels.map((predicted) => own.filter((c) => c.predicted === predicted).length);
  });
  return {
    ...tally(clips),
    byClass: grouped(labels, (c) => c.label),
    bySpeaker: grouped(speakers.sort(), (c) => c.speaker),
    confusion: { labels, counts },
  };
}

function tally(clips: readonly Classified[]): Tally {
  const correct = clips.filter((c) => c.label === c.predicted).length;
  return { accuracy: clips.length ? correct / clips.length : 0, clips: clips.length, correct };
}
