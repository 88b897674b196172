// HDF5 files in memory, read by the HDF Group's own library in WebAssembly, which is loaded when one is first opened.
import { FileError } from '../errors.ts';

/** Numbers of a file, row-major. */
export interface Weight {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** What may be read of an open file; a path is one of groups, "a/b/c", and '/' the file itself. */
export interface Hdf5 {
  /** An attribute's value; undefined where it, or what it belongs to, is missing. */
  attribute(path: string, name: string): unknown;
  /** Names in a group; none where there is no such group. */
  names(path: string): string[];
  /** A dataset of numbers; undefined where there is none. @throws FileError where it is of another type */
  weight(path: string): Weight | undefined;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes begin as an HDF5 file does. */
export function isHdf5(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

let opened = 0;

/**
 * Opens a file for as long as `use` takes.
 *
 * @param name how errors call the file
 * @throws FileError where it is damaged
 */
export async function withHdf5<T>(bytes: Uint8Array, name: string, use: (file: Hdf5) => T): Promise<T> {
  const { File, Group, Dataset, ready } = await import('h5wasm');
  const { FS, activate_throwing_error_handler } = await ready;
  activate_throwing_error_handler();
  const path = `/earmark-${++opened}.h5`;
  FS.writeFile(path, bytes);
  try {
    const file = new File(path, 'r');
    const at = (place: string) => (place === '/' ? file : file.get(place));
    const result = use({
      attribute: (place, attribute) => {
        const object = at(place);
        const has = object instanceof Group || object instanceof Dataset;
        return has ? asText(object.attrs[attribute]?.value) : undefined;
      },
      names: (place) => {
        const group = at(place);
        return group instanceof Group ? group.keys() : [];
      },
      weight: (place) => {
        const dataset = file.get(place);
        return dataset instanceof Dataset ? numbersOf(dataset, `${name}: ${place}`) : undefined;
      },
    });
    file.close();
    return result;
  } catch (cause) {
    if (cause instanceof Error && 'parts' in cause) throw cause;
    throw new FileError({ what: `${name}: not a whole HDF5 file`, got: reasonOf(cause), cause });
  } finally {
    FS.unlink(path);
  }
}

/** Texts whose bytes are UTF-8, though the file calls them ASCII, as h5py does, and the library takes each for a character. */
function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'string' || !/^[\0-\xff]*[\x80-\xff][\0-\xff]*$/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(value, (c) => c.charCodeAt(0)));
  } catch {
    return value;
  }
}

/** Numbers of four or eight bytes, as float32. */
function numbersOf(
  dataset: { metadata: { type: number; size: number }; shape: number[] | null; value: unknown },
  what: string,
): Weight {
  const { type, size } = dataset.metadata;
  if (type > 1 || size < 4 || !dataset.shape) {
    throw new FileError({
      what,
      expected: 'weights of 32 or 64 bits',
      got: dataset.shape ? `${8 * size} bits` : 'none',
      todo: 'Save the model with the dtype policy float32.',
    });
  }
  const value = dataset.value as ArrayLike<number | bigint> | number | bigint;
  const data = typeof value === 'object' ? Float32Array.from(value, Number) : Float32Array.of(Number(value));
  return { dims: dataset.shape, data };
}

/** The innermost line of the library's stack of errors. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return [...text.matchAll(/ in \w+\(\): (.+)/g)].at(-1)?.[1] ?? text.slice(0, 200);
}
