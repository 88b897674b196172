// Splits a corpus into a training and a test side: by speaker, as its authors do, or at random.
import { CorpusError } from '../errors.ts';
import { type Clip, type Corpus, labelsOf, pathInside, speakersOf } from './clip.ts';
import { hash32, shuffle } from './random.ts';

/** `speaker`: nobody is heard on both sides. `official`: as the corpus' authors split. `file`: as a file says. */
export type SplitKind = 'speaker' | 'official' | 'random' | 'file';

/** Which clips train and which test, by their index in `corpus.clips`, ascending. */
export interface Split {
  kind: SplitKind;
  /** What decided the shuffle; `null` where nothing was shuffled. */
  seed: number | null;
  train: number[];
  test: number[];
  /** One sentence: what lies on each side. */
  note: string;
  /** What makes a result on this split say less than it seems to. */
  warnings: string[];
}

/** How {@link splitCorpus} draws. */
export interface SplitOptions {
  /** An integer; default 0. */
  seed?: number;
  /** The share of speakers, or of each class' clips, that tests: in (0, 1), default 0.2. */
  testShare?: number;
}

/** By speaker where all speakers are known, else at random. */
export function defaultSplit(corpus: Corpus): 'speaker' | 'random' {
  return corpus.clips.every((clip) => clip.speaker !== null) ? 'speaker' : 'random';
}

/**
 * Splits a corpus; the same seed gives the same split on every machine.
 *
 * @throws CorpusError where the kind does not suit the corpus, a side would be empty, or a class could not be learned
 */
export function splitCorpus(
  corpus: Corpus,
  kind: Exclude<SplitKind, 'file'> = defaultSplit(corpus),
  { seed = 0, testShare = 0.2 }: SplitOptions = {},
): Split {
  if (!(testShare > 0 && testShare < 1)) {
    throw new CorpusError({
      what: 'share of the test side',
      expected: 'more than 0, less than 1',
      got: `${testShare}`,
    });
  }
  if (kind === 'official') return makeSplit(corpus, kind, null, officialTest(corpus));
  const test =
    kind === 'speaker'
      ? speakerTest(corpus, seed, testShare)
      : stratified(corpus, [...corpus.clips.keys()], seed, testShare);
  return makeSplit(corpus, kind, seed, test);
}

/**
 * Makes a split from its test side, checked; `train` is all else unless given.
 *
 * @throws CorpusError where a side is empty or a class of the test side is missing on the training side
 */
export function makeSplit(
  corpus: Corpus,
  kind: SplitKind,
  seed: number | null,
  testSide: ReadonlySet<number>,
  trainSide?: ReadonlySet<number>,
): Split {
  const all = [...corpus.clips.keys()];
  const test = all.filter((i) => testSide.has(i));
  const train = all.filter((i) => (trainSide ? trainSide.has(i) : !testSide.has(i)));
  const trained = labelsOf(train.map((i) => corpus.clips[i]!));
  const tested = labelsOf(test.map((i) => corpus.clips[i]!));
  const untrained = tested.filter((label) => !trained.includes(label));
  const fault =
    (train.length === 0 && 'the training side of the split is empty') ||
    (test.length === 0 && 'the test side of the split is empty') ||
    (untrained.length > 0 && `class ${untrained.join(', ')} would be tested but not trained`) ||
    (trained.length < 2 && 'there would be one class to train on');
  if (fault) throw new CorpusError({ what: `${corpus.name}: ${fault}`, todo: remedies[kind] });

  const { both, test: heard } = speakerSides(corpus, { train, test });
  const leak = `${both.length} of ${heard.length} test speakers are also in training`;
  const untested = trained.filter((label) => !tested.includes(label));
  const unused = all.length - train.length - test.length;
  const warnings = [
    untested.length > 0 && `no test recording of class ${untested.join(', ')}`,
    heard.length === 0 && 'the speakers are unknown: the same voices may be on both sides',
    kind === 'random' && both.length > 0 && `speakers leak: ${leak}; new speakers may do worse`,
    unused > 0 && `${unused} recordings are on neither side`,
  ].filter((warning) => warning !== false);
  const note = `${train.length} recordings to train, ${test.length} to test${heard.length ? `; ${leak}` : ''}`;
  return { kind, seed, train, test, note, warnings };
}

const remedies: Record<SplitKind, string> = {
  speaker: 'Try another --seed, or --split random.',
  official: 'Use --split random.',
  random: 'Add recordings.',
  file: 'Correct the split file.',
};

/** The speakers on each side of a split, and those on both. */
export function speakerSides(corpus: Corpus, split: Pick<Split, 'train' | 'test'>) {
  const train = speakersOf(split.train.map((i) => corpus.clips[i]!));
  const test = speakersOf(split.test.map((i) => corpus.clips[i]!));
  return { train, test, both: test.filter((speaker) => train.includes(speaker)) };
}

/** What `split.json` holds: {@link Split} with paths inside the corpus, and the speakers of each side. */
export function describeSplit(split: Split, corpus: Corpus) {
  const paths = (side: number[]) => side.map((i) => pathInside(corpus, corpus.clips[i]!));
  const { kind, seed, note, warnings, train, test } = split;
  const speakers = speakerSides(corpus, split);
  return {
    corpus: corpus.name,
    kind,
    seed,
    note,
    warnings,
    speakers,
    train: paths(train),
    test: paths(test),
  };
}

/** How many of `count` go aside: the nearest whole number, but at least one and never all. */
export function shareOf(count: number, share: number): number {
  return Math.max(1, Math.min(count - 1, Math.round(share * count)));
}

function speakerTest(corpus: Corpus, seed: number, share: number): Set<number> {
  const speakers = speakersOf(corpus.clips);
  const unknown = corpus.clips.filter((clip) => clip.speaker === null).length;
  if (unknown || speakers.length < 2) {
    throw new CorpusError({
      what: `${corpus.name}: cannot split by speaker`,
      expected: 'two known speakers or more',
      got: unknown
        ? `${unknown} of ${corpus.clips.length} recordings by unknown speakers`
        : `one, '${speakers[0]}'`,
      todo: 'Use --split random; the result will then not hold for new speakers.',
    });
  }
  const chosen = new Set(shuffle(speakers, seed).slice(0, shareOf(speakers.length, share)));
  return indicesWhere(corpus, (clip) => chosen.has(clip.speaker!));
}

/** Draws `share` of the indices of each label; none where a label has one only. */
export function stratified(corpus: Corpus, indices: number[], seed: number, share: number): Set<number> {
  const drawn = labelsOf(corpus.clips).flatMap((label, k) => {
    const own = indices.filter((i) => corpus.clips[i]!.label === label);
    return own.length < 2 ? [] : shuffle(own, hash32(seed, k)).slice(0, shareOf(own.length, share));
  });
  return new Set(drawn);
}

/** FSDD's authors test on repetitions 0 to 4 of each speaker and digit; the embedded corpus names its test speakers. */
function officialTest(corpus: Corpus): Set<number> {
  const { testSpeakers } = corpus;
  if (testSpeakers) return indicesWhere(corpus, (clip) => testSpeakers.includes(clip.speaker ?? ''));
  if (corpus.layout === 'fsdd') return indicesWhere(corpus, (clip) => Number(clip.columns.repetition) <= 4);
  throw new CorpusError({
    what: `${corpus.name}: there is no official split for this corpus`,
    expected: 'the Free Spoken Digit Dataset or the embedded digits',
    todo: 'Use --split speaker, --split random or --split FILE.',
  });
}

function indicesWhere(corpus: Corpus, wanted: (clip: Clip) => boolean): Set<number> {
  return new Set(corpus.clips.flatMap((clip, i) => (wanted(clip) ? [i] : [])));
}
