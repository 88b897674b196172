// Splits a corpus in two: by speaker, as its authors do, or at random.
import { CorpusError } from '../errors.ts';
import { type Corpus, speakersOf } from './clip.ts';
import { indicesWhere, makeSplit, type Sides, type Split } from './split.ts';
import { drawClips, drawSpeakers, isOneSpeakerPerClass } from './split-draw.ts';

/** How {@link splitCorpus} draws. */
export interface SplitOptions {
  /** An integer; default 0. */
  seed?: number;
  /** The share of speakers, or of each class' clips, that tests: in (0, 1), default 0.2. */
  testShare?: number;
}

/** By speaker where all speakers are known and no class is one speaker's own, else at random. */
export function defaultSplit(corpus: Corpus): 'speaker' | 'random' {
  const known = corpus.clips.every((clip) => clip.speaker !== null);
  const alone = speakersOf(corpus.clips).length > 1 && isOneSpeakerPerClass(corpus);
  return known && !alone ? 'speaker' : 'random';
}

/**
 * Splits a corpus; the same seed gives the same split on every machine.
 *
 * @throws CorpusError where the kind does not suit the corpus, a side would be empty, or a class could not be learned
 */
export function splitCorpus(
  corpus: Corpus,
  kind: 'speaker' | 'official' | 'random' = defaultSplit(corpus),
  { seed = 0, testShare = 0.2 }: SplitOptions = {},
): Split {
  if (!(testShare > 0 && testShare < 1)) {
    throw new CorpusError({
      what: 'share of the test side',
      expected: 'more than 0, less than 1',
      got: `${testShare}`,
    });
  }
  if (kind === 'official') return makeSplit(corpus, { kind, seed: null }, officialSides(corpus));
  if (kind === 'random') {
    const test = drawClips(corpus, [...corpus.clips.keys()], seed, testShare);
    return makeSplit(corpus, { kind, seed }, { test });
  }
  checkSpeakers(corpus, 2, 'split by speaker');
  const chosen = drawSpeakers(corpus.clips, seed, testShare);
  const test = indicesWhere(corpus, ({ speaker }) => chosen.has(speaker!));
  return makeSplit(corpus, { kind, seed }, { test });
}

/** @throws CorpusError where a speaker is unknown, or there are fewer than `least` */
export function checkSpeakers(corpus: Corpus, least: number, purpose: string): void {
  const speakers = speakersOf(corpus.clips);
  const unknown = corpus.clips.filter((clip) => clip.speaker === null).length;
  if (unknown === 0 && speakers.length >= least) return;
  const one = speakers.length === 1 ? `one, '${speakers[0]}'` : `${speakers.length}`;
  throw new CorpusError({
    what: `${corpus.name}: cannot ${purpose}`,
    expected: `${least === 2 ? 'two' : least} known speakers or more`,
    got: unknown ? `${unknown} of ${corpus.clips.length} recordings by unknown speakers` : one,
    todo: 'Use --split random; the result will then not hold for new speakers.',
  });
}

/**
 * FSDD's authors test on repetitions 0 to 4 of each speaker and digit, those of Speech Commands on lists of recordings; the
 * embedded corpus names its test speakers.
 */
function officialSides(corpus: Corpus): Sides {
  const { testSpeakers } = corpus;
  if (testSpeakers)
    return { test: indicesWhere(corpus, (clip) => testSpeakers.includes(clip.speaker ?? '')) };
  if (corpus.layout === 'fsdd') {
    return { test: indicesWhere(corpus, (clip) => Number(clip.columns.repetition) <= 4) };
  }
  if (corpus.layout === 'speech-commands') {
    const part = (name: string) => indicesWhere(corpus, ({ columns }) => columns.part === name);
    return { test: part('testing'), validation: part('validation') };
  }
  const published = corpus.layout === 'audiomnist' ? 'audiomnist-digit, --split audiomnist-sex' : 'speaker';
  throw new CorpusError({
    what: `${corpus.name}: there is no official split for this corpus`,
    expected: 'the Free Spoken Digit Dataset, Speech Commands or the embedded digits',
    todo: `Use --split ${published}, --split random or --split FILE.`,
  });
}
