// Reads .onnx files from disk, with the external data files that lie beside them.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { ModelError } from '../errors.ts';
import { diskError, readBytes } from '../files/atomic.ts';
import { decodeOnnx, type External } from '../graph/onnx.ts';
import type { Graph } from '../graph/types.ts';

/** What protobuf itself allows for a file; here for a model with all of its data. */
const MOST_BYTES = 2 ** 31;

/** A model file and how to get at its external data. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly external: External;
}

/**
 * Reads a model and the external data that it needs, from its own folder only.
 * @throws FileError, ModelError, GraphError
 */
export async function readOnnx(path: string): Promise<Graph> {
  const { bytes, external } = await readModelFile(path);
  return decodeOnnx(bytes, path, { external });
}

/**
 * Reads a model file; its external data are read as they are asked for.
 * @throws FileError where it cannot be read, ModelError where it is over 2 GB, with its external data too
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const failed = (cause: unknown) => {
    throw diskError(`cannot read the model ${path}`, cause);
  };
  const { size } = await stat(path).catch(failed);
  let total = grown(0, size, path);
  const folder = await realpath(dirname(path)).catch(failed);
  const read = new Map<string, Uint8Array>();
  const external = (location: string) => {
    const file = within(folder, location, path);
    const known = read.get(file);
    if (known) return known;
    try {
      total = grown(total, statSync(file).size, path);
      const bytes = new Uint8Array(readFileSync(file));
      read.set(file, bytes);
      return bytes;
    } catch (cause) {
      throw cause instanceof ModelError ? cause : unreadable(location, path, cause);
    }
  };
  return { bytes: await readBytes(path, 'model'), external };
}

function grown(total: number, size: number, path: string): number {
  if (total + size <= MOST_BYTES) return total + size;
  throw new ModelError({
    what: `${path} is too large`,
    expected: 'at most 2 GB, external data included',
    got: `${((total + size) / 2 ** 30).toFixed(1)} GB`,
  });
}

/** The real path of an external data file. @throws ModelError where it is not in the model's folder */
function within(folder: string, location: string, path: string): string {
  const steps = location.split(/[\\/]/);
  const plain =
    location !== '' && !isAbsolute(location) && !/^[a-z]:/i.test(location) && !steps.includes('..');
  let real = '';
  try {
    if (plain) real = realpathSync(join(folder, location));
  } catch (cause) {
    throw unreadable(location, path, cause);
  }
  if (plain && real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) return real;
  throw new ModelError({
    what: `${path} names external data outside of its folder`,
    expected: `a file in ${folder}`,
    got: `"${location}"`,
    todo: 'Save the model again with its data beside it, or as a single file.',
  });
}

const unreadable = (location: string, path: string, cause: unknown) =>
  diskError(`cannot read the external data file "${location}" of ${path}`, cause);
