// Bytes that are read piece by piece: those of an array here, those of a file in read.ts.

/** Something of known size that can be read from any place. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` on, at most `length`; fewer at the end. */
  read(start: number, length: number): Uint8Array;
}

/** Reads from an array, without copies. */
export function sourceOf(bytes: Uint8Array): ByteSource {
  return { size: bytes.length, read: (start, length) => bytes.subarray(start, start + length) };
}
