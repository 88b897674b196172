// Vorbis's residues: the spectrum without its envelope, as vectors from codebooks in up to eight passes (section 8).
import { EndOfPacket, type PacketReader } from './bits.ts';
import { type Codebook, readEntry } from './codebook.ts';

/** How a spectrum is cut into partitions, and their books. */
export interface Residue {
  /** 0 spreads a vector over the partition, 1 and 2 do not; 2 interleaves the channels. */
  type: number;
  begin: number;
  end: number;
  partition: number;
  classes: number;
  classBook: Codebook;
  /** For each class and pass. */
  books: (Codebook | null)[][];
}

/** Reads a residue; null where it is not valid. @throws EndOfPacket */
export function readResidueSetup(reader: PacketReader, books: readonly Codebook[]): Residue | null {
  const type = reader.unsigned(16);
  const [begin, end, partition] = [reader.unsigned(24), reader.unsigned(24), reader.unsigned(24) + 1];
  const classes = reader.unsigned(6) + 1;
  const classBook = books[reader.unsigned(8)];
  const cascades = Array.from(
    { length: classes },
    () => reader.unsigned(3) + (reader.flag() ? 8 * reader.unsigned(5) : 0),
  );
  const numbers = cascades.map((c) =>
    Array.from({ length: 8 }, (_, pass) => ((c >> pass) & 1 ? reader.unsigned(8) : -1)),
  );
  const used = numbers.flat().filter((b) => b >= 0);
  // A book without vectors, or whose vectors do not fill partitions, cannot be used here.
  const valid = (b: number) => !!books[b]?.vectors && partition % books[b].dimensions === 0;
  if (type > 2 || end < begin || !classBook || !used.every(valid)) return null;
  return {
    type,
    begin,
    end,
    partition,
    classes,
    classBook,
    books: numbers.map((row) => row.map((b) => books[b] ?? null)),
  };
}

/**
 * Adds the residue of a packet to its channels' spectra; the packet may end at any place.
 *
 * @param spectra half a block each, null for a channel that is silent
 */
export function readResidue(
  reader: PacketReader,
  residue: Residue,
  spectra: readonly (Float32Array | null)[],
): void {
  const coded = spectra.filter((s) => s !== null);
  if (coded.length === 0) return;
  const length = coded[0].length;
  const count = spectra.length;
  const interleaved = residue.type === 2 ? new Float32Array(length * count) : null;
  try {
    readPasses(reader, residue, interleaved ? [interleaved] : coded);
  } catch (cause) {
    if (!(cause instanceof EndOfPacket)) throw cause;
  }
  if (!interleaved) return;
  for (const [c, spectrum] of spectra.entries()) {
    if (spectrum) for (let i = 0; i < length; i++) spectrum[i] = interleaved[i * count + c];
  }
}

function readPasses(reader: PacketReader, residue: Residue, spectra: readonly Float32Array[]): void {
  const { begin, end, partition, classes, classBook, books, type } = residue;
  const limit = Math.min(end, spectra[0].length);
  const count = Math.max(0, Math.floor((limit - begin) / partition));
  const words = classBook.dimensions;
  const classesOf = spectra.map(() => new Uint8Array(count + words));
  for (let pass = 0; pass < 8; pass++) {
    for (let p = 0; p < count; ) {
      if (pass === 0) {
        for (const row of classesOf) {
          let word = readEntry(reader, classBook);
          if (word < 0) throw new EndOfPacket();
          for (let i = words - 1; i >= 0; i--) {
            row[p + i] = word % classes;
            word = Math.floor(word / classes);
          }
        }
      }
      for (let i = 0; i < words && p < count; i++, p++) {
        for (const [c, spectrum] of spectra.entries()) {
          const book = books[classesOf[c][p]][pass];
          if (book) addPartition(reader, book, spectrum, begin + p * partition, partition, type);
        }
      }
    }
  }
}

function addPartition(
  reader: PacketReader,
  book: Codebook,
  out: Float32Array,
  start: number,
  size: number,
  type: number,
): void {
  const { dimensions, vectors } = book;
  const steps = size / dimensions;
  for (let i = 0; i < steps; i++) {
    const entry = readEntry(reader, book);
    if (entry < 0) throw new EndOfPacket();
    const from = entry * dimensions;
    const [at, stride] = type === 0 ? [start + i, steps] : [start + i * dimensions, 1];
    for (let d = 0; d < dimensions; d++) out[at + d * stride] += vectors![from + d];
  }
}
