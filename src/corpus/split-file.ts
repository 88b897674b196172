// What `--split` takes: a kind of split, or the JSON file that holds one.
import { existsSync } from 'node:fs';
import { CorpusError } from '../errors.ts';
import type { Corpus } from './clip.ts';
import { readJson } from './disk.ts';
import { defaultSplit, type Split, type SplitOptions, splitCorpus } from './split.ts';
import { splitFromLists, splitLists } from './split-lists.ts';

/**
 * The split that a user asks for.
 *
 * @param wanted `speaker`, `official`, `random`, or the path of a JSON file {@link splitFromLists} understands
 * @throws CorpusError where it is neither, or does not suit the corpus
 * @throws FileError where the file cannot be read
 */
export async function resolveSplit(
  corpus: Corpus,
  wanted: string = defaultSplit(corpus),
  options: SplitOptions = {},
): Promise<Split> {
  if (wanted === 'speaker' || wanted === 'official' || wanted === 'random') {
    return splitCorpus(corpus, wanted, options);
  }
  if (!existsSync(wanted)) {
    throw new CorpusError({
      what: `unknown split '${wanted}'`,
      expected: 'speaker, official, random or a JSON file',
    });
  }
  const lists = await readJson(
    wanted,
    splitLists,
    'an object with the lists train and test, test, or testSpeakers',
  );
  return splitFromLists(corpus, lists, wanted);
}
