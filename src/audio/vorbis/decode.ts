// Decodes the packets of a Vorbis stream: the Vorbis I specification, section 4.3.
import { AudioError } from '../../errors.ts';
import { assertRate } from '../audio.ts';
import { betweenGranules, type Decoded } from '../granules.ts';
import { type AudioBlock, mixed } from '../mono.ts';
import type { Packet } from '../ogg.ts';
import { EndOfPacket, ilog, PacketReader } from './bits.ts';
import { applyFloor, readFloor } from './floor.ts';
import { inverseMdct, slope } from './mdct.ts';
import { readResidue } from './residue.ts';
import { type Mapping, type Mode, readSetup, type Setup } from './setup.ts';

/** A block in time, windowed at both ends: its size, and the samples of each channel. */
interface Block {
  size: number;
  channels: Float32Array[];
}

/** A Vorbis stream's blocks, a packet each, at its own rate. @throws AudioError where it is damaged */
export function* vorbisBlocks(packets: Iterator<Packet>, name: string): Generator<AudioBlock> {
  const [first, , third] = Array.from({ length: 3 }, () => packets.next());
  if (first.done || third.done) throw new AudioError(`${name}: the Vorbis stream ends in its headers`);
  const setup = readSetup(first.value.data, third.value.data, name);
  const { sampleRate } = setup;
  assertRate(sampleRate, name);
  for (const samples of betweenGranules(decoded(packets, setup, name), 0, name))
    yield { samples, sampleRate };
}

/** What each packet adds to the one before, from the middle of its block to the middle of this one's. */
function* decoded(packets: Iterator<Packet>, setup: Setup, name: string): Generator<Decoded> {
  const decodeBlock = blockDecoder(setup);
  let before: Block | undefined;
  for (let next = packets.next(); !next.done; next = packets.next()) {
    const { data, granule } = next.value;
    // Packets whose type bit is set are not audio, and are passed over.
    if (data.length === 0 || data[0] % 2 === 1) continue;
    assertMode(data, setup, name);
    const block = decodeBlock(data);
    const samples = before
      ? mixed(overlap(before, block), (before.size + block.size) / 4)
      : new Float32Array(0);
    yield { samples, granule };
    before = block;
  }
}

function modeOf(reader: PacketReader, setup: Setup): Mode | undefined {
  reader.bit();
  return setup.modes[reader.unsigned(ilog(setup.modes.length - 1))];
}

function assertMode(data: Uint8Array, setup: Setup, name: string): void {
  if (modeOf(new PacketReader(data), setup)) return;
  const what = `${name}: the Vorbis stream is damaged`;
  throw new AudioError({ what, got: 'a packet of an unknown mode' });
}

/** Decodes packets one by one, with tables made once. */
function blockDecoder(setup: Setup): (data: Uint8Array) => Block {
  const transforms = setup.sizes.map(inverseMdct);
  const slopes = setup.sizes.map(slope);
  return (data) => {
    const reader = new PacketReader(data);
    const mode = modeOf(reader, setup) as Mode;
    const size = setup.sizes[mode.long ? 1 : 0];
    let [longBefore, longAfter] = [false, false];
    try {
      if (mode.long) [longBefore, longAfter] = [reader.flag(), reader.flag()];
    } catch (cause) {
      if (!(cause instanceof EndOfPacket)) throw cause;
    }
    const spectra = readSpectra(reader, mode.mapping, setup.channels, size / 2);
    const channels = spectra.map((spectrum) => {
      if (!spectrum) return new Float32Array(size);
      const samples = transforms[mode.long ? 1 : 0](spectrum);
      applySlope(samples, slopes[longBefore ? 1 : 0], false);
      applySlope(samples, slopes[longAfter ? 1 : 0], true);
      return samples;
    });
    return { size, channels };
  };
}

/** Windows the first half of a block, or the second from its end: zeros, then the slope around a quarter, then 1. */
function applySlope(samples: Float32Array, rise: Float32Array, fromEnd: boolean): void {
  const n = samples.length;
  const start = n / 4 - rise.length / 2;
  for (let i = 0; i < start + rise.length; i++) {
    samples[fromEnd ? n - 1 - i : i] *= i < start ? 0 : rise[i - start];
  }
}

/** Each channel's half block of coefficients; null where it is silent. */
function readSpectra(
  reader: PacketReader,
  mapping: Mapping,
  channels: number,
  length: number,
): (Float32Array | null)[] {
  const { couplings, mux, submaps } = mapping;
  const levels = mux.map((m) => {
    try {
      return readFloor(reader, submaps[m].floor);
    } catch (cause) {
      if (cause instanceof EndOfPacket) return null;
      throw cause;
    }
  });
  const coded = levels.map((l) => l !== null);
  for (const { magnitude: m, angle: a } of couplings) coded[m] = coded[a] = coded[m] || coded[a];
  const spectra = Array.from({ length: channels }, (_, c) => (coded[c] ? new Float32Array(length) : null));
  for (const [s, { residue }] of submaps.entries()) {
    readResidue(
      reader,
      residue,
      spectra.filter((_, c) => mux[c] === s),
    );
  }
  for (const { magnitude, angle } of couplings.toReversed()) decouple(spectra[magnitude], spectra[angle]);
  return spectra.map((spectrum, c) => {
    const y = levels[c];
    if (!spectrum || !y) return null;
    applyFloor(submaps[mux[c]].floor, y, spectrum);
    return spectrum;
  });
}

/** Magnitude and angle become two channels, in place (4.3.5). */
function decouple(magnitude: Float32Array | null, angle: Float32Array | null): void {
  if (!magnitude || !angle) return;
  for (let i = 0; i < magnitude.length; i++) {
    const [m, a] = [magnitude[i], angle[i]];
    const other = m > 0 === a > 0 ? m - a : m + a;
    magnitude[i] = a > 0 ? m : other;
    angle[i] = a > 0 ? other : m;
  }
}

/** What two blocks share: from the middle of the first to the middle of the second. */
function overlap(before: Block, block: Block): Float32Array[] {
  const length = (before.size + block.size) / 4;
  return block.channels.map((samples, c) => {
    const out = new Float32Array(length);
    out.set(before.channels[c].subarray(before.size / 2, Math.min(before.size, before.size / 2 + length)));
    // The later block begins before that where it is the longer one; its window is 0 there.
    const shift = before.size / 4 - block.size / 4;
    const skip = Math.max(0, -shift);
    for (let i = skip; i < block.size / 2; i++) out[i + shift] += samples[i];
    return out;
  });
}
