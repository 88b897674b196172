// Vorbis's codebooks: a Huffman code for entries, and the vector that each entry stands for (Vorbis I, section 3).
import { ilog, type PacketReader } from './bits.ts';

/** Largest book and table of vectors, in entries and in numbers; encoders stay far below (6,561 and 52,488). */
const MAX_ENTRIES = 2 ** 15;
const MAX_VALUES = 2 ** 18;

/** A codebook. */
export interface Codebook {
  dimensions: number;
  /** A binary tree: node n has children at 2n and 2n + 1; −1 is none, −2 − e the leaf of entry e. */
  tree: Int32Array;
  /** Entries × dimensions; null where entries are only numbers. */
  vectors: Float32Array | null;
}

/** Reads a codebook; null where it is not valid. @throws EndOfPacket */
export function readCodebook(reader: PacketReader): Codebook | null {
  if (reader.unsigned(24) !== 0x564342) return null;
  const dimensions = reader.unsigned(16);
  const entries = reader.unsigned(24);
  if (entries > MAX_ENTRIES) return null;
  const lengths = reader.flag() ? readOrdered(reader, entries) : readLengths(reader, entries);
  const tree = lengths && makeTree(lengths);
  if (!tree || dimensions === 0) return null;
  const vectors = readVectors(reader, entries, dimensions);
  return vectors === undefined ? null : { dimensions, tree, vectors };
}

/** Reads the code of an entry. @throws EndOfPacket, or where no entry has this code */
export function readEntry(reader: PacketReader, { tree }: Codebook): number {
  let node = 0;
  do {
    node = tree[2 * node + reader.bit()];
  } while (node > 0);
  return -2 - node;
}

/** Code lengths, 0 for an entry that is not used. */
function readLengths(reader: PacketReader, entries: number): Uint8Array {
  const sparse = reader.flag();
  const lengths: number[] = [];
  for (let i = 0; i < entries; i++) lengths.push(!sparse || reader.flag() ? reader.unsigned(5) + 1 : 0);
  return Uint8Array.from(lengths);
}

/** Code lengths in ascending order: how many entries have each. */
function readOrdered(reader: PacketReader, entries: number): Uint8Array | null {
  const lengths = new Uint8Array(entries);
  for (let i = 0, length = reader.unsigned(5) + 1; i < entries; length++) {
    const count = reader.unsigned(ilog(entries - i));
    if (i + count > entries || length > 32) return null;
    lengths.fill(length, i, i + count);
    i += count;
  }
  return lengths;
}

/** Gives each entry in turn the lowest code of its length that is free (3.2.1); null where there is none. */
function makeTree(lengths: Uint8Array): Int32Array | null {
  const used = lengths.reduce((sum, length) => sum + (length > 0 ? 1 : 0), 0);
  const nodes: number[] = [-1, -1];
  // free[l] is the next free code of l bits, highest bit first, as a 32-bit number; 0 is none but for l = 0.
  const free = new Float64Array(33).fill(-1);
  free[0] = 0;
  for (const [entry, length] of lengths.entries()) {
    if (length === 0) continue;
    let from = length;
    while (from >= 0 && free[from] < 0) from--;
    if (from < 0) return null;
    const code = free[from];
    free[from] = -1;
    for (let l = from + 1; l <= length; l++) free[l] = code + 2 ** (32 - l);
    let node = 0;
    for (let l = 1; l <= length; l++) {
      const child = 2 * node + (Math.floor(code / 2 ** (32 - l)) % 2);
      if (l === length) nodes[child] = -2 - entry;
      else {
        if (nodes[child] === -1) {
          nodes[child] = nodes.length / 2;
          nodes.push(-1, -1);
        }
        node = nodes[child];
      }
    }
    // A book of a single entry has a code of one bit, which may be either.
    if (used === 1) return Int32Array.of(-2 - entry, -2 - entry);
  }
  return Int32Array.from(nodes);
}

/** The vectors (3.2.1, 3.3); undefined where they are not valid. */
function readVectors(
  reader: PacketReader,
  entries: number,
  dimensions: number,
): Float32Array | null | undefined {
  const type = reader.unsigned(4);
  if (type === 0) return null;
  if (type > 2 || entries * dimensions > MAX_VALUES) return undefined;
  const minimum = readFloat(reader);
  const delta = readFloat(reader);
  const width = reader.unsigned(4) + 1;
  const adds = reader.flag();
  const count = type === 1 ? lattice(entries, dimensions) : entries * dimensions;
  const values: number[] = [];
  for (let i = 0; i < count; i++) values.push(reader.unsigned(width) * delta + minimum);
  const vectors = new Float32Array(entries * dimensions);
  for (let e = 0; e < entries; e++) {
    for (let d = 0, last = 0, divisor = 1; d < dimensions; d++, divisor *= count) {
      const value = values[type === 1 ? Math.floor(e / divisor) % count : e * dimensions + d] + last;
      vectors[e * dimensions + d] = value;
      if (adds) last = value;
    }
  }
  return vectors;
}

/** Largest n with n^dimensions ≤ entries. */
function lattice(entries: number, dimensions: number): number {
  let n = Math.floor(entries ** (1 / dimensions));
  while ((n + 1) ** dimensions <= entries) n++;
  while (n ** dimensions > entries) n--;
  return n;
}

/** Vorbis's own float: 21 bits of mantissa, 10 of exponent, a sign (9.2.2). */
function readFloat(reader: PacketReader): number {
  const mantissa = reader.unsigned(21);
  const exponent = reader.unsigned(10);
  return (reader.flag() ? -mantissa : mantissa) * 2 ** (exponent - 788);
}
