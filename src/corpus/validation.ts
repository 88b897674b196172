// Sets part of the training side aside, to choose epoch and settings on, in the way the test side was set aside.
import type { Corpus } from './clip.ts';
import { type Split, speakerSides } from './split.ts';
import { drawClips, drawSpeakers } from './split-draw.ts';

/** The training side of a split in two: indices in `corpus.clips`, ascending. */
export interface Validation {
  train: number[];
  validation: number[];
  /** One sentence: how it was drawn. */
  note: string;
}

/** Fewer training speakers than this are too few to give one up. */
const fewestSpeakers = 5;

/**
 * The published part where the split has one. Else by speaker where the test side has speakers of its own and at least 5 are left to train on, so that training stops where it
 * is best for new speakers; else the same share of each class. The test side is not looked at further.
 *
 * @param share of the training speakers, or of each class' clips: in (0, 1)
 */
export function validationSplit(
  corpus: Corpus,
  split: Pick<Split, 'train' | 'validation' | 'test'>,
  { seed = 0, share = 0.1 }: { seed?: number; share?: number } = {},
): Validation {
  const { train, validation } = split;
  if (validation) {
    const note = `${validation.length} recordings that the split sets aside decide when to stop`;
    return { train, validation, note };
  }
  const { train: speakers, both } = speakerSides(corpus, split);
  if (both.length === 0 && speakers.length >= fewestSpeakers) {
    const clips = train.map((i) => corpus.clips[i]!);
    const chosen = drawSpeakers(clips, seed, share);
    const drawn = new Set(train.filter((i) => chosen.has(corpus.clips[i]!.speaker ?? '')));
    const result = divide(train, drawn, `by speaker: ${[...chosen].join(', ')}`);
    if (labelCount(corpus, result.train) === labelCount(corpus, train)) return result;
  }
  return divide(train, drawClips(corpus, train, seed, share), 'the same share of each class');
}

function divide(train: number[], drawn: ReadonlySet<number>, how: string): Validation {
  const validation = train.filter((i) => drawn.has(i));
  const note = `${validation.length} of ${train.length} training recordings decide when to stop (${how})`;
  return { train: train.filter((i) => !drawn.has(i)), validation, note };
}

function labelCount(corpus: Corpus, indices: number[]): number {
  return new Set(indices.map((i) => corpus.clips[i]!.label)).size;
}
