// What the commands that look through a corpus have in common: their arguments, and its recordings measured.
import type { Command } from 'commander';
import { loadCorpus } from '../../corpus/load.ts';
import { cacheFolder } from '../../hearing/cache.ts';
import { measureRecordings } from '../../hearing/hear.ts';
import type { Terminal } from '../frame.ts';
import { jsonOption } from '../options.ts';

export interface CorpusWishes {
  /** The column of the classes. */
  readonly label?: string;
  /** Whether what is measured is kept. */
  readonly cache?: boolean;
}

export function addCorpusArguments(command: Command): Command {
  return command
    .argument('<dir>', 'folder of recordings, or a manifest')
    .option('--label <column>', 'the column of the classes: any that the layout or the manifest has')
    .option('--no-cache', 'measure all recordings anew')
    .addOption(jsonOption());
}

/** A corpus and its recordings, measured. @throws FileError, CorpusError */
export async function measuredCorpus(path: string, wishes: CorpusWishes, { note, progress }: Terminal) {
  const corpus = await loadCorpus(path, wishes.label === undefined ? {} : { label: wishes.label });
  progress.start(corpus.clips.length, 'measuring recordings');
  const measured = await measureRecordings(
    corpus.clips.map((clip) => clip.path),
    { ...(wishes.cache !== false && { cache: cacheFolder() }), onProgress: progress.update, onNote: note },
  );
  progress.stop();
  return { corpus, measured };
}
