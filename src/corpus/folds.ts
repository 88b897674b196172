// Cross-validation: several splits of a corpus that test, each in its turn, on other speakers or recordings.
import { CorpusError } from '../errors.ts';
import { byLabel, type Clip, type Corpus, labelsOf, speakersOf } from './clip.ts';
import { audiomnistFolds } from './folds-audiomnist.ts';
import { hash32, shuffle } from './random.ts';
import { indicesWhere, makeSplit, type Sides, type Split, type SplitKind } from './split.ts';
import { isOneSpeakerPerClass } from './split-draw.ts';
import { checkSpeakers, defaultSplit, type SplitOptions, splitCorpus } from './split-kinds.ts';

/**
 * The splits there are by name. One each: `speaker`, `official`, `random`. Several: `folds:K`, K folds by speaker where speakers
 * are known, else at random; `loso`, which leaves one speaker out in turn; `column:NAME`, which leaves out one value of a column
 * in turn (the folds of ESC-50, say); AudioMNIST's five published folds for digits and four for sex.
 */
export type SplitName =
  | 'speaker'
  | 'official'
  | 'random'
  | `folds:${number}`
  | 'loso'
  | `column:${string}`
  | 'audiomnist-digit'
  | 'audiomnist-sex';

/** As help and errors list them. */
export const splitNames =
  'speaker, official, random, folds:K, loso, column:NAME, audiomnist-digit or audiomnist-sex';

/** Whether a text names a split, as opposed to a file. @throws CorpusError where the K of `folds:K` is no number of folds */
export function isSplitName(text: string): text is SplitName {
  const [, count] = /^folds:(.*)$/.exec(text) ?? [];
  if (count !== undefined && !(/^\d+$/.test(count) && Number(count) >= 2)) {
    throw new CorpusError({ what: `split '${text}'`, expected: 'folds:K with a K of 2 or more', got: count });
  }
  return (
    count !== undefined ||
    /^(speaker|official|random|loso|column:.+|audiomnist-digit|audiomnist-sex)$/.test(text)
  );
}

/**
 * The splits of that name: one, or a fold after the other. The same seed gives the same folds on every machine.
 *
 * @param wanted by speaker where speakers are known unless given
 * @throws CorpusError where the corpus has too few speakers or no such column or folds, or a class could not be learned
 */
export function foldsOf(
  corpus: Corpus,
  wanted: SplitName = defaultSplit(corpus),
  options: SplitOptions = {},
): Split[] {
  switch (wanted) {
    case 'speaker':
    case 'official':
    case 'random':
      return [splitCorpus(corpus, wanted, options)];
    case 'audiomnist-digit':
    case 'audiomnist-sex':
      return numbered(corpus, wanted, null, published(corpus, wanted));
    case 'loso':
      checkSpeakers(corpus, 2, 'leave one speaker out');
      return leaveOut(corpus, 'loso', ({ speaker }) => speaker!);
  }
  if (wanted.startsWith('column:')) {
    const column = wanted.slice('column:'.length);
    return leaveOut(corpus, 'column', (clip) => columnOf(corpus, clip, column));
  }
  const count = Number(wanted.slice('folds:'.length));
  const { seed = 0 } = options;
  const bySpeaker = speakersOf(corpus.clips).length > 0 && !isOneSpeakerPerClass(corpus);
  if (bySpeaker) checkSpeakers(corpus, count, `make ${count} folds by speaker`);
  const tests = bySpeaker ? speakerFolds(corpus, count, seed) : clipFolds(corpus, count, seed);
  return numbered(
    corpus,
    'folds',
    seed,
    tests.map((test) => ({ test })),
  );
}

interface NamedSides extends Sides {
  name?: string;
}

function numbered(
  corpus: Corpus,
  kind: SplitKind,
  seed: number | null,
  folds: readonly NamedSides[],
): Split[] {
  return folds.map(({ name, ...sides }, i) => {
    const fold = { index: i + 1, of: folds.length, name: name ?? `fold ${i + 1}` };
    return makeSplit(corpus, { kind, seed, fold }, sides);
  });
}

function leaveOut(corpus: Corpus, kind: SplitKind, groupOf: (clip: Clip) => string): Split[] {
  const groups = new Map<string, Set<number>>();
  corpus.clips.forEach((clip, i) => {
    const group = groupOf(clip);
    groups.set(group, (groups.get(group) ?? new Set()).add(i));
  });
  const order = [...groups].sort(([a], [b]) => byLabel(a, b));
  return numbered(
    corpus,
    kind,
    null,
    order.map(([name, test]) => ({ name, test })),
  );
}

function columnOf(corpus: Corpus, { path, columns }: Clip, column: string): string {
  const value = columns[column];
  if (value) return value;
  throw new CorpusError({
    what: `${corpus.name}: split by column '${column}'`,
    expected: 'a value of it for every recording',
    got: `none for ${path}, which has ${Object.keys(columns).join(', ') || 'no columns'}`,
  });
}

/**
 * Speakers in `count` groups that hold about the same share of each class. The speakers are taken in order of their clips, most
 * first; each goes where it raises Σ over classes c (and all clips as one more) of Σ over folds f (n_fc / N_c)² least, which is
 * where Σ n_c · n_fc / N_c² is least, n_c being the speaker's own clips.
 */
function speakerFolds(corpus: Corpus, count: number, seed: number): Set<number>[] {
  const { clips } = corpus;
  const labels = new Map(labelsOf(clips).map((label, k) => [label, k]));
  const all = labels.size;
  const tally = () => new Float64Array(all + 1);
  const [totals, own] = [tally(), new Map(shuffle(speakersOf(clips), seed).map((who) => [who, tally()]))];
  for (const { label, speaker } of clips) {
    for (const k of [labels.get(label)!, all]) {
      totals[k]!++;
      own.get(speaker!)![k]!++;
    }
  }
  const folds = Array.from({ length: count }, () => ({ held: tally(), speakers: new Set<string>() }));
  for (const [speaker, n] of [...own].sort(([, a], [, b]) => b[all]! - a[all]!)) {
    const crowding = folds.map(({ held }) =>
      n.reduce((sum, v, k) => sum + (v * held[k]!) / totals[k]! ** 2, 0),
    );
    const { held, speakers } = folds[crowding.indexOf(Math.min(...crowding))]!;
    speakers.add(speaker);
    n.forEach((v, k) => {
      held[k]! += v;
    });
  }
  return folds.map(({ speakers }) => indicesWhere(corpus, ({ speaker }) => speakers.has(speaker!)));
}

/** Clips in `count` groups, each class dealt out in turn. */
function clipFolds({ name, clips }: Corpus, count: number, seed: number): Set<number>[] {
  if (count > clips.length) {
    const expected = `at most ${clips.length}, one for each recording`;
    throw new CorpusError({ what: `${name}: cannot make ${count} folds`, expected });
  }
  const folds = Array.from({ length: count }, () => new Set<number>());
  const order = labelsOf(clips).flatMap((label, k) => {
    const own = clips.flatMap((clip, i) => (clip.label === label ? [i] : []));
    return shuffle(own, hash32(seed, k));
  });
  order.forEach((clip, at) => {
    folds[at % count]!.add(clip);
  });
  return folds;
}

function published(corpus: Corpus, kind: keyof typeof audiomnistFolds): Sides[] {
  const { groups, folds } = audiomnistFolds[kind];
  const there = new Set(corpus.clips.map(({ speaker }) => Number(speaker ?? Number.NaN)));
  const missing = Object.values(groups)
    .flat()
    .filter((speaker) => !there.has(speaker));
  if (missing.length > 0) {
    throw new CorpusError({
      what: `${corpus.name}: the folds of AudioMNIST`,
      expected: `its speakers, named by their numbers`,
      got: `none named ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`,
      todo: `Use --split folds:${folds.length}.`,
    });
  }
  const clipsOf = (letters: string) => {
    const speakers = new Set([...letters].flatMap((letter) => groups[letter]!));
    return indicesWhere(corpus, ({ speaker }) => speaker !== null && speakers.has(Number(speaker)));
  };
  return folds.map(({ train, validation, test }) => ({
    train: clipsOf(train),
    validation: clipsOf(validation),
    test: clipsOf(test),
  }));
}
