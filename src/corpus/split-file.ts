// What `--split` takes: the name of a split or of several, or the JSON file that holds one.
import { existsSync } from 'node:fs';
import { CorpusError } from '../errors.ts';
import type { Corpus } from './clip.ts';
import { readJson } from './disk.ts';
import { foldsOf, isSplitName, splitNames } from './folds.ts';
import type { Split } from './split.ts';
import type { SplitOptions } from './split-kinds.ts';
import { splitFromLists, splitLists } from './split-lists.ts';

/**
 * The splits that a user asks for: one, or a fold after the other.
 *
 * @param wanted one of {@link splitNames}, or the path of a JSON file {@link splitFromLists} understands; by speaker where speakers
 *   are known unless given
 * @throws CorpusError where it is neither, or does not suit the corpus
 * @throws FileError where the file cannot be read
 */
export async function resolveFolds(
  corpus: Corpus,
  wanted?: string,
  options: SplitOptions = {},
): Promise<Split[]> {
  if (wanted === undefined || isSplitName(wanted)) return foldsOf(corpus, wanted, options);
  if (!existsSync(wanted)) {
    throw new CorpusError({ what: `unknown split '${wanted}'`, expected: `${splitNames}, or a JSON file` });
  }
  const lists = await readJson(
    wanted,
    splitLists,
    'an object with the lists train and test, test, or testSpeakers',
  );
  return [splitFromLists(corpus, lists, wanted)];
}

/** The split that a user asks for, of several folds the first; see {@link resolveFolds}. */
export async function resolveSplit(
  corpus: Corpus,
  wanted?: string,
  options: SplitOptions = {},
): Promise<Split> {
  return (await resolveFolds(corpus, wanted, options))[0]!;
}
