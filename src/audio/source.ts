// Bytes that are read piece by piece: those of an array here, those of a file in disk-source.ts.

/** Something of known size that can be read from any place. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` on, at most `length`; fewer at the end. */
  read(start: number, length: number): Uint8Array;
}

/** Bytes that are read at once. */
const CHUNK = 2 ** 18;

/** Reads from an array, without copies. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) };
}

/** What a source holds from `start` on. */
export function sourceFrom({ size, read }: ByteSource, start: number): ByteSource {
  return { size: Math.max(0, size - start), read: (from, length) => read(start + from, length) };
}

/** All of a source, one piece after the other. */
export function* chunksOf(source: ByteSource, size = CHUNK): Generator<Uint8Array> {
  for (let at = 0; at < source.size; at += size) yield source.read(at, size);
}

/** One array of several; a single one is not copied. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The part of a sequence of chunks that is looked at: as much as was asked for, less what was done with. */
export class ByteWindow {
  readonly #chunks: Iterator<Uint8Array>;
  #bytes: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the window begins in the whole. */
  get offset(): number {
    return this.#offset;
  }

  /** Takes chunks until there are `count` bytes. @returns whether there are */
  fill(count: number): boolean {
    const parts = [this.#bytes];
    let have = this.#bytes.length;
    while (have < count) {
      const { value, done } = this.#chunks.next();
      if (done) break;
      parts.push(value);
      have += value.length;
    }
    this.#bytes = concatenate(parts.filter(({ length }) => length > 0));
    return have >= count;
  }

  /** Leaves out the first `count` bytes, which may not all be there yet. @returns whether they come at all */
  skip(count: number): boolean {
    let rest = count;
    while (rest > this.#bytes.length) {
      rest -= this.#bytes.length;
      this.#advance(this.#bytes.length);
      if (!this.fill(1)) return false;
    }
    this.#advance(rest);
    return true;
  }

  #advance(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
    this.#offset += count;
  }
}
