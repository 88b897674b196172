// Decodes FLAC without loss: RFC 9639. Section numbers below are the RFC's.
import { AudioError } from '../errors.ts';
import { crc8, crc16 } from '../files/crc.ts';
import { assertRate } from './audio.ts';
import { BitReader, EndOfBits } from './bits.ts';
import { predictFixed, predictLinear } from './flac-predict.ts';
import { type AudioBlock, mixed } from './mono.ts';
import { ByteWindow } from './source.ts';

/** What the file says of itself (8.2). */
interface StreamInfo {
  sampleRate: number;
  channels: number;
  bits: number;
  /** Samples in each channel; 0 where the encoder did not know. */
  total: number;
}

/** What a frame says of itself (9.1). */
interface Frame {
  size: number;
  /** 0 to 7: that many channels and one; 8 left/side, 9 side/right, 10 mid/side. */
  assignment: number;
}

/** Bytes of a metadata block's header, and of what is read of STREAMINFO. */
const BLOCK_HEADER = 4;
const STREAMINFO = 18;
/** Bytes of a frame at most: 65,536 samples of 8 channels of 32 bits, and then some. */
const MAX_FRAME = 2 ** 22;

/**
 * A FLAC file's blocks: one that says what the header does, then a frame each; channels are mixed to mono by their mean.
 *
 * @param chunks the file's bytes
 * @param name how errors call the file
 * @throws AudioError where the bytes are not a whole FLAC file, or a checksum is wrong
 */
export function* flacBlocks(chunks: Iterable<Uint8Array>, name: string): Generator<AudioBlock> {
  const window = new ByteWindow(chunks);
  try {
    const info = readMetadata(window, name);
    const { sampleRate, total } = info;
    assertRate(sampleRate, name);
    yield { samples: new Float32Array(0), sampleRate, ...(total > 0 && { length: total }) };
    let done = 0;
    while (window.fill(1) && (total === 0 || done < total)) {
      const { samples, end } = onceThere(window, name, () => decodeFrame(window, done, info, name));
      window.skip(end);
      done += samples.length;
      const tooMany = total === 0 ? 0 : Math.max(0, done - total);
      yield { samples: samples.subarray(0, samples.length - tooMany), sampleRate };
    }
    if (done < total) throw truncated(name, done, total);
  } catch (cause) {
    throw cause instanceof EndOfBits ? truncated(name) : cause;
  }
}

/** Reads from the start of a window, again with twice as many bytes where they did not reach. @throws EndOfBits */
function onceThere<T>(window: ByteWindow, name: string, read: () => T): T {
  for (;;) {
    try {
      return read();
    } catch (cause) {
      const have = window.bytes.length;
      if (!(cause instanceof EndOfBits)) throw cause;
      if (have > MAX_FRAME) throw damaged(name, `a frame of more than ${MAX_FRAME} bytes`);
      window.fill(2 * have);
      if (window.bytes.length === have) throw cause;
    }
  }
}

/** The blocks before the first frame (8.1); all but STREAMINFO, the first, are skipped. */
function readMetadata(window: ByteWindow, name: string): StreamInfo {
  let info: StreamInfo | undefined;
  if (!window.skip(4)) throw new EndOfBits();
  for (;;) {
    window.fill(BLOCK_HEADER + STREAMINFO);
    const reader = new BitReader(window.bytes);
    const last = reader.unsigned(1) === 1;
    const type = reader.unsigned(7);
    const size = reader.unsigned(24);
    if (type === 0) {
      reader.unsigned(32); // smallest and largest block
      reader.unsigned(24); // smallest and
      reader.unsigned(24); // largest frame
      const [sampleRate, channels, bits] = [
        reader.unsigned(20),
        reader.unsigned(3) + 1,
        reader.unsigned(5) + 1,
      ];
      info = { sampleRate, channels, bits, total: reader.unsigned(4) * 2 ** 32 + reader.unsigned(32) };
    }
    if (!info) throw damaged(name, 'its first block is no STREAMINFO');
    if (!window.skip(BLOCK_HEADER + size)) throw new EndOfBits();
    if (last) return info;
  }
}

/** Decodes the frame that a window begins with; gives how many bytes it has. */
function decodeFrame(
  { bytes, offset }: ByteWindow,
  done: number,
  info: StreamInfo,
  name: string,
): { samples: Float32Array; end: number } {
  const reader = new BitReader(bytes);
  const { size, assignment } = readHeader(reader, bytes, offset, info, name);
  const sides = [assignment === 9, assignment === 8 || assignment === 10];
  const channels = Array.from({ length: assignment < 8 ? assignment + 1 : 2 }, (_, c) =>
    readSubframe(reader, size, info.bits + (assignment >= 8 && sides[c] ? 1 : 0), name),
  );
  reader.align();
  const end = reader.byte;
  if (reader.unsigned(16) !== crc16(bytes, 0, end)) throw damaged(name, `a wrong checksum at sample ${done}`);
  restoreSides(channels, assignment, size);
  return { samples: mixed(channels, size, 2 ** (1 - info.bits)), end: end + 2 };
}

/** The frame header (9.1), which must agree with the file's. */
function readHeader(
  reader: BitReader,
  bytes: Uint8Array,
  offset: number,
  info: StreamInfo,
  name: string,
): Frame {
  if (reader.unsigned(15) !== 0b111111111111100) throw damaged(name, `no frame at byte ${offset}`);
  reader.unsigned(1); // fixed or variable block size
  const [sizeCode, rateCode, assignment, bitsCode] = [4, 4, 4, 3].map((width) => reader.unsigned(width));
  reader.unsigned(1);
  for (let more = leadingOnes(reader.unsigned(8)) - 1; more > 0; more--) reader.unsigned(8); // frame number
  let size = 0;
  if (sizeCode === 1) size = 192;
  else if (sizeCode! >= 8) size = 2 ** sizeCode!;
  else if (sizeCode === 6) size = reader.unsigned(8) + 1;
  else if (sizeCode === 7) size = reader.unsigned(16) + 1;
  else if (sizeCode! >= 2) size = 144 * 2 ** sizeCode!;
  if (rateCode! >= 12) reader.unsigned(rateCode === 12 ? 8 : 16);
  const end = reader.byte;
  if (reader.unsigned(8) !== crc8(bytes, 0, end)) {
    throw damaged(name, `a wrong checksum in the frame at byte ${offset}`);
  }
  const bits = [info.bits, 8, 12, 0, 16, 20, 24, 32][bitsCode!];
  const channels = assignment! < 8 ? assignment! + 1 : 2;
  if (size === 0 || assignment! > 10 || bits !== info.bits || channels !== info.channels) {
    throw damaged(name, `the frame at byte ${offset} contradicts the file's header`);
  }
  return { size, assignment: assignment! };
}

const leadingOnes = (byte: number) => Math.clz32(~(byte << 24));

/** One channel of a frame (9.2), as integers. */
function readSubframe(reader: BitReader, size: number, width: number, name: string): Float64Array {
  if (reader.unsigned(1) !== 0) throw damaged(name, 'a channel that begins wrongly');
  const type = reader.unsigned(6);
  const wasted = reader.unsigned(1) === 1 ? reader.unary() + 1 : 0;
  const bits = width - wasted;
  if (bits < 1) throw damaged(name, `${wasted} wasted bits of ${width}`);
  const out = new Float64Array(size);
  if (type === 0) out.fill(reader.signed(bits));
  else if (type === 1) for (let i = 0; i < size; i++) out[i] = reader.signed(bits);
  else {
    const order = type >= 32 ? type - 31 : type - 8;
    if (order < 0 || (type < 32 && order > 4) || order > size)
      throw damaged(name, 'a reserved kind of channel');
    for (let i = 0; i < order; i++) out[i] = reader.signed(bits);
    if (type < 32) {
      readResidual(reader, out, order, name);
      predictFixed(out, order);
    } else {
      const precision = reader.unsigned(4) + 1;
      const shift = reader.signed(5);
      if (precision === 16 || shift < 0) throw damaged(name, 'an impossible predictor');
      const coefficients = Array.from({ length: order }, () => reader.signed(precision));
      readResidual(reader, out, order, name);
      predictLinear(out, coefficients, shift);
    }
  }
  if (wasted > 0) for (let i = 0; i < size; i++) out[i] *= 2 ** wasted;
  return out;
}

/** The Rice-coded residual (9.2.7), into `out` behind its first `order` samples. */
function readResidual(reader: BitReader, out: Float64Array, order: number, name: string): void {
  const method = reader.unsigned(2);
  const partitions = 2 ** reader.unsigned(4);
  const length = out.length / partitions;
  if (method > 1 || !Number.isInteger(length) || length < order) throw damaged(name, 'impossible partitions');
  const width = 4 + method;
  for (let p = 0, i = order; p < partitions; p++) {
    const end = (p + 1) * length;
    const rice = reader.unsigned(width);
    if (rice === 2 ** width - 1) {
      const raw = reader.unsigned(5);
      for (; i < end; i++) out[i] = raw === 0 ? 0 : reader.signed(raw);
    } else {
      for (; i < end; i++) {
        const folded = reader.unary() * 2 ** rice + reader.unsigned(rice);
        out[i] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
      }
    }
  }
}

/** Left and right from a side channel (4.2). */
function restoreSides(channels: Float64Array[], assignment: number, size: number): void {
  const [a, b] = channels;
  if (!a || !b || assignment < 8) return;
  for (let i = 0; i < size; i++) {
    if (assignment === 8) b[i] = a[i] - b[i];
    else if (assignment === 9) a[i] += b[i];
    else {
      const [side, odd] = [b[i], Math.abs(b[i]) % 2];
      b[i] = a[i] + (odd - side) / 2;
      a[i] += (odd + side) / 2;
    }
  }
}

function damaged(name: string, got: string): AudioError {
  return new AudioError({ what: `${name}: the FLAC file is damaged`, got });
}

function truncated(name: string, got?: number, expected?: number): AudioError {
  const what = `${name}: the FLAC file is truncated`;
  return new AudioError(
    got === undefined ? { what } : { what, expected: `${expected} samples`, got: `${got}` },
  );
}
