// The synthetic digits that ship with the package.
import { inPackage } from '../files/package.ts';
import type { Corpus } from './clip.ts';
import { loadCorpus } from './load.ts';

/** The folder of the embedded corpus. @throws FileError where it is not in the installed package */
export function embeddedCorpusPath(): string {
  return inPackage('corpus', 'digits');
}

/** Loads it: 800 clips, 40 synthetic voices; its official split tests on 10 of them. */
export function loadEmbedded(): Promise<Corpus> {
  return loadCorpus(embeddedCorpusPath());
}
