// What a split of a corpus is: which clips train and which test, checked, and described with its weaknesses.
import { CorpusError } from '../errors.ts';
import { type Clip, type Corpus, labelsOf, pathInside, speakersOf } from './clip.ts';
import { isOneSpeakerPerClass } from './split-draw.ts';

/**
 * `speaker`: nobody is heard on both sides. `official`: as the corpus' authors split. `folds`, `loso`, `column` and those of
 * AudioMNIST are one of several, see {@link foldsOf}. `file`: as a file says.
 */
export type SplitKind =
  | 'speaker'
  | 'official'
  | 'random'
  | 'folds'
  | 'loso'
  | 'column'
  | 'audiomnist-digit'
  | 'audiomnist-sex'
  | 'file';

/** Which of several splits of the same corpus. */
export interface Fold {
  /** From 1. */
  index: number;
  of: number;
  /** What sets it apart: 'fold 2', or the speaker it tests on. */
  name: string;
}

/** Which clips train and which test, by their index in `corpus.clips`, ascending. */
export interface Split {
  kind: SplitKind;
  /** What decided the shuffle; `null` where nothing was shuffled. */
  seed: number | null;
  /** Where it is one of several. */
  fold?: Fold;
  train: number[];
  /** The part, apart from `train`, that a published split sets aside to choose epoch and settings on. */
  validation?: number[];
  test: number[];
  /** One sentence: what lies on each side. */
  note: string;
  /** What makes a result on this split say less than it seems to. */
  warnings: string[];
}

/** The sides of a split to be made; all that does not test or validate trains, unless said otherwise. */
export interface Sides {
  test: ReadonlySet<number>;
  validation?: ReadonlySet<number> | undefined;
  train?: ReadonlySet<number> | undefined;
}

/**
 * Makes a split from its sides, checked.
 *
 * @throws CorpusError where a side is empty, or a class is missing on the training side
 */
export function makeSplit(corpus: Corpus, facts: Pick<Split, 'kind' | 'seed' | 'fold'>, sides: Sides): Split {
  const all = [...corpus.clips.keys()];
  const test = all.filter((i) => sides.test.has(i));
  const validation = sides.validation && all.filter((i) => sides.validation!.has(i));
  const train = all.filter((i) =>
    sides.train ? sides.train.has(i) : !sides.test.has(i) && !sides.validation?.has(i),
  );
  const split = { ...facts, train, ...(validation && { validation }), test };
  checkClasses(corpus, split);

  const { both, test: heard } = speakerSides(corpus, split);
  const leak = `${both.length} of ${heard.length} test speakers are also in training`;
  const tested = labelsOf(test.map((i) => corpus.clips[i]!));
  const untested = labelsOf(corpus.clips).filter((label) => !tested.includes(label));
  const unused = all.length - train.length - test.length - (validation?.length ?? 0);
  const aside = `${unused} recordings are on neither side`;
  const isDrawn = facts.kind === 'random' || facts.kind === 'folds';
  const isMeant = facts.kind === 'audiomnist-sex';
  const warnings = [
    untested.length > 0 && facts.kind !== 'loso' && `no test recording of class ${untested.join(', ')}`,
    heard.length === 0 && 'the speakers are unknown: the same voices may be on both sides',
    isDrawn &&
      both.length > 0 &&
      !isOneSpeakerPerClass(corpus) &&
      `speakers leak: ${leak}; new speakers may do worse`,
    unused > 0 && !isMeant && aside,
  ].filter((warning) => warning !== false);
  const counts = [
    `${train.length} recordings to train`,
    ...(validation ? [`${validation.length} to validate`] : []),
    `${test.length} to test`,
  ].join(', ');
  const parts = [counts, ...(heard.length ? [leak] : []), ...(unused > 0 && isMeant ? [aside] : [])];
  return { ...split, note: parts.join('; '), warnings };
}

/** A split of a corpus without some clips: `kept` holds where each clip that is left in `corpus` stood before. */
export function splitOfKept(split: Split, corpus: Corpus, kept: readonly number[]): Split {
  const now = new Map(kept.map((before, index) => [before, index]));
  const side = (indices: readonly number[]) => new Set(indices.flatMap((i) => now.get(i) ?? []));
  const { train, validation, test } = split;
  const sides = { train: side(train), validation: validation && side(validation), test: side(test) };
  return makeSplit(corpus, split, sides);
}

/** The speakers on each side of a split, and those on both. */
export function speakerSides(corpus: Corpus, split: Pick<Split, 'train' | 'test'>) {
  const train = speakersOf(split.train.map((i) => corpus.clips[i]!));
  const test = speakersOf(split.test.map((i) => corpus.clips[i]!));
  return { train, test, both: test.filter((speaker) => train.includes(speaker)) };
}

/** What `split.json` holds: {@link Split} with paths inside the corpus, and the speakers of each side. */
export function describeSplit(split: Split, corpus: Corpus) {
  const paths = (side: number[]) => side.map((i) => pathInside(corpus, corpus.clips[i]!));
  const { kind, seed, fold, note, warnings, train, validation, test } = split;
  return {
    corpus: corpus.name,
    kind,
    seed,
    ...(fold && { fold }),
    note,
    warnings,
    speakers: speakerSides(corpus, split),
    train: paths(train),
    ...(validation && { validation: paths(validation) }),
    test: paths(test),
  };
}

/** The indices of the clips for which something holds. */
export function indicesWhere(corpus: Corpus, wanted: (clip: Clip) => boolean): Set<number> {
  return new Set(corpus.clips.flatMap((clip, i) => (wanted(clip) ? [i] : [])));
}

const remedies: Record<SplitKind, string> = {
  speaker: 'Try another --seed, or --split random.',
  official: 'Use --split random.',
  random: 'Add recordings.',
  folds: 'Try another --seed, more folds, or --split random.',
  loso: 'Use --split folds:K, or --split random.',
  column: 'Correct the column, or use --split folds:K.',
  'audiomnist-digit': 'Use --split folds:5.',
  'audiomnist-sex': 'Use --split folds:4.',
  file: 'Correct the split file.',
};

function checkClasses(
  corpus: Corpus,
  { kind, fold, train, validation, test }: Omit<Split, 'note' | 'warnings'>,
) {
  const labels = (side: number[]) => labelsOf(side.map((i) => corpus.clips[i]!));
  const [trained, tested] = [labels(train), labels(test)];
  const missing = labelsOf(corpus.clips).filter((label) => !trained.includes(label));
  const untrained = missing.filter((label) => tested.includes(label));
  const where = fold ? `${corpus.name}, ${fold.name}` : corpus.name;
  if (untrained.length > 0 && isOneSpeakerPerClass(corpus)) {
    throw new CorpusError({
      what: `${where}: every class is one speaker's own, so that no speaker can be kept out of training`,
      todo: "Use --split random, which divides each speaker's recordings.",
    });
  }
  const fault =
    (train.length === 0 && 'the training side of the split is empty') ||
    (test.length === 0 && 'the test side of the split is empty') ||
    (validation?.length === 0 && 'the validation part of the split is empty') ||
    (untrained.length > 0 && `class ${untrained.join(', ')} would be tested but not trained`) ||
    (trained.length < 2 && 'there would be one class to train on') ||
    (missing.length > 0 && `class ${missing.join(', ')} has no recording to train on`);
  if (fault) throw new CorpusError({ what: `${where}: ${fault}`, todo: remedies[kind] });
}
