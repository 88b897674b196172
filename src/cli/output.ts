// Checks where results are to go before they are computed, so that nothing is half-written for want of a folder.
import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FileError, UsageError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';

/**
 * Makes sure that files can be written where they are asked for.
 * @param paths those that were not asked for are undefined
 * @throws UsageError where two are the same; FileError where a folder is missing or closed, or a path is a folder
 */
export async function checkOutputs(...paths: readonly (string | undefined)[]): Promise<void> {
  const wanted = paths.filter((path) => path !== undefined);
  const twice = wanted.find((path, i) => wanted.findIndex((p) => resolve(p) === resolve(path)) < i);
  if (twice !== undefined) {
    throw new UsageError({ what: `${twice} is named for two outputs`, todo: 'Give each its own file.' });
  }
  for (const path of wanted) {
    try {
      // A trial, since permissions do not tell of read-only disks and the like.
      await rmdir(await mkdtemp(join(dirname(path), '.earmark-')));
    } catch (cause) {
      throw diskError(`cannot write ${path}`, cause);
    }
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) {
      throw new FileError({ what: `cannot write ${path}: it is a folder`, todo: 'Name a file.' });
    }
  }
}
