// Reads Vorbis's identification and setup headers (Vorbis I, section 4.2).
import { AudioError } from '../../errors.ts';
import { EndOfPacket, ilog, PacketReader } from './bits.ts';
import { readCodebook } from './codebook.ts';
import { type Floor, readFloorSetup } from './floor.ts';
import { type Residue, readResidueSetup } from './residue.ts';

/** How a packet's channels are coded. */
export interface Mapping {
  /** Pairs of channels that hold magnitude and angle. */
  couplings: { magnitude: number; angle: number }[];
  /** Which of the submaps each channel uses. */
  mux: number[];
  submaps: { floor: Floor; residue: Residue }[];
}

/** Which block size and mapping a packet has. */
export interface Mode {
  long: boolean;
  mapping: Mapping;
}

/** What both headers hold. */
export interface Setup {
  channels: number;
  sampleRate: number;
  /** Samples in a short and a long block. */
  sizes: readonly [short: number, long: number];
  modes: Mode[];
}

/**
 * Reads a stream's first and third packet.
 *
 * @throws AudioError where they are not valid, or use floor 0, which no encoder has written since 2001
 */
export function readSetup(first: Uint8Array, third: Uint8Array, name: string): Setup {
  const invalid = (got: string) =>
    new AudioError({ what: `${name}: the Vorbis stream has an invalid header`, got });
  const isHeader = (data: Uint8Array, type: number) =>
    String.fromCharCode(...data.subarray(0, 7)) === `${String.fromCharCode(type)}vorbis`;
  if (!isHeader(first, 1) || !isHeader(third, 5)) throw invalid('packets of another kind');
  try {
    const reader = new PacketReader(first, 7);
    const version = reader.unsigned(32);
    const channels = reader.unsigned(8);
    const sampleRate = reader.unsigned(32);
    for (let i = 0; i < 3; i++) reader.unsigned(32); // bit rates
    const [short, long] = [2 ** reader.unsigned(4), 2 ** reader.unsigned(4)];
    if (version !== 0 || channels === 0 || short < 64 || long > 8192 || short > long) {
      throw invalid(`version ${version}, ${channels} channels, blocks of ${short} and ${long}`);
    }
    const modes = readModes(new PacketReader(third, 7), channels, invalid);
    return { channels, sampleRate, sizes: [short, long], modes };
  } catch (cause) {
    throw cause instanceof EndOfPacket ? invalid('one that ends too early') : cause;
  }
}

function readModes(reader: PacketReader, channels: number, invalid: (got: string) => AudioError): Mode[] {
  const several = <T>(width: number, read: () => T | null, what: string): T[] =>
    Array.from({ length: reader.unsigned(width) + 1 }, (_, i) => {
      const value = read();
      if (value === null) throw invalid(`${what} ${i}`);
      return value;
    });
  const books = several(8, () => readCodebook(reader), 'codebook');
  several(6, () => (reader.unsigned(16) === 0 ? true : null), 'time domain transform');
  const floors = several(6, () => readFloorSetup(reader, books), 'floor');
  const residues = several(6, () => readResidueSetup(reader, books), 'residue');
  const mappings = several(6, () => readMapping(reader, channels, floors, residues), 'mapping');
  return several(
    6,
    () => {
      const long = reader.flag();
      const transforms = reader.unsigned(32); // of the window and the block, 16 bits each; 0 is the only one
      const mapping = mappings[reader.unsigned(8)];
      return transforms === 0 && mapping ? { long, mapping } : null;
    },
    'mode',
  );
}

function readMapping(
  reader: PacketReader,
  channels: number,
  floors: Floor[],
  residues: Residue[],
): Mapping | null {
  if (reader.unsigned(16) !== 0) return null;
  const count = reader.flag() ? reader.unsigned(4) + 1 : 1;
  const width = ilog(channels - 1);
  const couplings = Array.from({ length: reader.flag() ? reader.unsigned(8) + 1 : 0 }, () => ({
    magnitude: reader.unsigned(width),
    angle: reader.unsigned(width),
  }));
  const valid = ({ magnitude: m, angle: a }: Mapping['couplings'][number]) =>
    m !== a && m < channels && a < channels;
  if (reader.unsigned(2) !== 0 || !couplings.every(valid)) return null;
  const mux = Array.from({ length: channels }, () => (count > 1 ? reader.unsigned(4) : 0));
  const submaps: Mapping['submaps'] = [];
  for (let i = 0; i < count; i++) {
    reader.unsigned(8); // of a time domain transform that there is not
    const [floor, residue] = [floors[reader.unsigned(8)], residues[reader.unsigned(8)]];
    if (!floor || !residue) return null;
    submaps.push({ floor, residue });
  }
  return mux.every((m) => m < count) ? { couplings, mux, submaps } : null;
}
