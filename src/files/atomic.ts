// Reads and writes whole files on disk; what is written appears complete or not at all.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FileError } from '../errors.ts';

/**
 * Writes a file through a temporary one in the same folder, synced and then renamed, so that a reader (or a
 * crash) never sees half of it.
 *
 * @throws FileError where the folder is missing or cannot be written, or the disk is full
 */
export async function writeFileAtomic(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw diskError(`cannot write ${path}`, cause);
  }
}

/** Makes a folder and its parents where missing. @throws FileError where that cannot be done */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path));
  } catch (cause) {
    throw diskError(`cannot make the folder ${path}`, cause);
  }
}

/** Not mkdir's own `recursive`, which never ends where a parent is there but takes no folders (/proc). */
async function makeWithParents(path: string): Promise<void> {
  const make = () =>
    mkdir(path).catch(async (cause) => {
      if (cause.code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw cause;
    });
  await make().catch(async (cause) => {
    if (cause.code !== 'ENOENT') throw cause;
    await makeWithParents(dirname(path));
    await make();
  });
}

/**
 * Reads a whole file.
 *
 * @param what what the file is for, e.g. 'recording'
 * @throws FileError where it is missing, a folder, or not readable
 */
export async function readBytes(path: string, what = 'file'): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw diskError(`cannot read the ${what} ${path}`, cause);
  }
}

const reasons: Record<string, [reason: string, todo?: string]> = {
  ENOENT: ['no such file or folder', 'Check the path.'],
  ENOTDIR: ['a part of the path is a file, not a folder', 'Check the path.'],
  EISDIR: ['it is a folder, not a file', 'Name a file.'],
  EEXIST: ['there is a file of that name', 'Choose another path.'],
  EACCES: ['permission denied', 'Choose a path that you may use.'],
  EPERM: ['the operation is not permitted', 'Choose a path that you may use.'],
  EROFS: ['the file system is read-only', 'Choose a folder that can be written.'],
  ENOSPC: ['the disk is full', 'Free some space.'],
  EDQUOT: ['the disk quota is used up', 'Free some space.'],
  ENAMETOOLONG: ['the name is too long', 'Choose a shorter one.'],
};

/** Turns what the operating system said into one clear line. */
export function diskError(what: string, cause: unknown): FileError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const [reason, todo] = reasons[code] ?? [cause instanceof Error ? cause.message : String(cause)];
  return new FileError({ what: `${what}: ${reason}`, todo, cause });
}
