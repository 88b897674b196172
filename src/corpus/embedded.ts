// Finds the synthetic digits that ship with the package, from the sources and from the built bundle alike.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileError } from '../errors.ts';
import type { Corpus } from './clip.ts';
import { loadCorpus } from './load.ts';

/** The folder of the embedded corpus. @throws FileError where it is not in the installed package */
export function embeddedCorpusPath(): string {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    const corpus = join(folder, 'corpus', 'digits');
    if (isPackageRoot(folder) && existsSync(corpus)) return corpus;
  }
  throw new FileError({ what: `no corpus/digits above ${here}`, todo: 'Install the package again.' });
}

/** Loads it: 800 clips, 40 synthetic voices; its official split tests on 10 of them. */
export function loadEmbedded(): Promise<Corpus> {
  return loadCorpus(embeddedCorpusPath());
}

function isPackageRoot(folder: string): boolean {
  const file = join(folder, 'package.json');
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'earmark';
}
