// Reads and writes NumPy's .npz format: a zip archive of .npy files.
import { unzipSync, zipSync } from 'fflate';
import { FileError } from '../errors.ts';
import { decodeNpy, encodeNpy, type NpyArray } from './npy.ts';

/**
 * Reads an archive as `np.savez` or `np.savez_compressed` writes it.
 *
 * @param name how errors call the file
 * @throws FileError where the bytes are not a whole zip archive of .npy files
 */
export function decodeNpz(bytes: Uint8Array, name = 'archive'): Record<string, NpyArray> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes);
  } catch (cause) {
    throw new FileError({
      what: `${name}: not a whole .npz file`,
      expected: 'a zip archive of .npy files',
      got: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  }
  return Object.fromEntries(
    Object.entries(entries).map(([entry, data]) => [
      entry.replace(/\.npy$/, ''),
      decodeNpy(data, `${name}[${entry}]`),
    ]),
  );
}

/** Writes an archive that `np.load` reads; the same arrays always give the same bytes. */
export function encodeNpz(arrays: Record<string, NpyArray>): Uint8Array {
  const entries = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const);
  return zipSync(Object.fromEntries(entries), { mtime: new Date(1980, 0, 1) });
}
