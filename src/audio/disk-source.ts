// Reads a file of Node piece by piece.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { diskError } from '../files/atomic.ts';
import type { ByteSource } from './source.ts';

/** Opens a recording; `closeSync` closes it. @throws FileError where that cannot be done */
export function openRecording(path: string): number {
  const file = onDisk(path, () => openSync(path, 'r'));
  try {
    // Folders can be opened, too.
    if (fstatSync(file).isDirectory()) onDisk(path, () => readSync(file, new Uint8Array(1), 0, 1, 0));
    return file;
  } catch (cause) {
    closeSync(file);
    throw cause;
  }
}

/** What is read at first: of most recordings all, of others the headers. */
const FIRST = 2 ** 17;

/** What an open file holds. Reading throws FileError where the disk does not give it. */
export function fileSource(file: number, path: string): ByteSource {
  const { size } = onDisk(path, () => fstatSync(file));
  const readAt = (start: number, length: number) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - start)));
    let have = 0;
    while (have < bytes.length) {
      const got = onDisk(path, () => readSync(file, bytes, have, bytes.length - have, start + have));
      if (got === 0) break;
      have += got;
    }
    return bytes.subarray(0, have);
  };
  const first = readAt(0, FIRST);
  const read = (start: number, length: number) =>
    start + length <= first.length ? first.subarray(start, start + length) : readAt(start, length);
  return { size, read };
}

function onDisk<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw diskError(`cannot read the recording ${path}`, cause);
  }
}
