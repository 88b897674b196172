// Reads a file of Node piece by piece.
import { constants, fstatSync, openSync, readSync } from 'node:fs';
import { FileError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';
import type { ByteSource } from './source.ts';

/** Opens a recording; `closeSync` closes it. @throws FileError where that cannot be done */
export function openRecording(path: string): number {
  // A pipe would be waited for.
  return onDisk(path, () => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)));
}

/** What is read at first: of most recordings all, of others the headers. */
export const FIRST = 2 ** 17;

/**
 * What an open file holds. Reading throws FileError where the disk does not give it.
 *
 * @param room for what is read at first; new memory costs more than reading does
 */
export function fileSource(file: number, path: string, room = new Uint8Array(FIRST)): ByteSource {
  const stat = onDisk(path, () => fstatSync(file));
  if (!stat.isFile() && !stat.isDirectory()) {
    const [expected, got] = ['a file, which is read more than once', 'a pipe or a device'];
    throw new FileError({ what: `cannot read the recording ${path}`, expected, got, todo: 'Save it first.' });
  }
  // Folders can be opened, too.
  const size = stat.isDirectory() ? 1 : stat.size;
  const readAt = (start: number, bytes: Uint8Array) => {
    let have = 0;
    while (have < bytes.length) {
      const got = onDisk(path, () => readSync(file, bytes, have, bytes.length - have, start + have));
      if (got === 0) break;
      have += got;
    }
    return bytes.subarray(0, have);
  };
  const first = readAt(0, room.subarray(0, size));
  const read = (start: number, length: number) =>
    start + length <= first.length
      ? first.subarray(start, start + length)
      : readAt(start, new Uint8Array(Math.max(0, Math.min(length, size - start))));
  return { size, read };
}

function onDisk<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw diskError(`cannot read the recording ${path}`, cause);
  }
}
