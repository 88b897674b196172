// Decodes WAV: integer PCM, IEEE float, A-law and µ-law, any number of channels, mixed to mono.
// Format: http://soundfile.sapp.org/doc/WaveFormat/ and Microsoft's WAVEFORMATEXTENSIBLE; RF64: EBU Tech 3306.
import { AudioError } from '../errors.ts';
import { type Audio, assertRate } from './audio.ts';
import { compiled, heap, int, Kernel, loadSamples, plus, scratch } from './kernel.ts';
import type { AudioLimits } from './limits.ts';
import { type AudioBlock, WholeAudio } from './mono.ts';
import { type ByteSource, sourceOf } from './source.ts';

export { encodeWav } from './wav-encode.ts';

type Read = (view: DataView, at: number) => number;

/** One sample as a number: integers divided by 2^(bits − 1); 8-bit PCM is unsigned around 128. */
const readers: Record<string, Read> = {
  pcm8: (v, at) => (v.getUint8(at) - 128) / 2 ** 7,
  pcm16: (v, at) => v.getInt16(at, true) / 2 ** 15,
  pcm24: (v, at) => ((v.getInt8(at + 2) << 16) | v.getUint16(at, true)) / 2 ** 23,
  pcm32: (v, at) => v.getInt32(at, true) / 2 ** 31,
  float32: (v, at) => v.getFloat32(at, true),
  float64: (v, at) => v.getFloat64(at, true),
  alaw8: (v, at) => aLaw(v.getUint8(at)) / 2 ** 15,
  mulaw8: (v, at) => muLaw(v.getUint8(at)) / 2 ** 15,
};

/** ITU-T G.711's A-law, every second bit inverted: sign, 3 bits of segment, 4 of step → 16 bits. */
function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = ((code & 15) << 4) + (segment === 0 ? 0x8 : 0x108);
  const value = segment > 1 ? step << (segment - 1) : step;
  return code & 0x80 ? value : -value;
}

/** ITU-T G.711's µ-law, all bits inverted. */
function muLaw(byte: number): number {
  const code = ~byte;
  const value = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return code & 0x80 ? -value : value;
}

const codecs: Record<number, string> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG',
  85: 'MP3',
  353: 'Windows Media Audio',
};

/** Format codes of what is read. */
const kinds: Record<number, string> = { 1: 'pcm', 3: 'float', 6: 'alaw', 7: 'mulaw' };
/** Bytes that are read at once, and chunks that are looked through. */
const PIECE = 2 ** 20;
const MAX_CHUNKS = 1000;
const EXTENSIBLE = 0xfffe;
/** The end of the GUIDs that extend WAV's 16-bit format codes. */
const GUID_TAIL = '000000001000800000aa00389b71';
/** Sizes from here on stand for "unknown" in what sox, espeak-ng and ffmpeg write to a pipe. */
const STREAMED = 0x7ffff000;

/**
 * Decodes a WAV file; channels are mixed to mono by their mean.
 *
 * @param file its bytes, or where to read them from, piece by piece
 * @param name how errors call the file
 * @throws AudioError where this is not a whole WAV file of PCM (8, 16, 24, 32 bit), float (32, 64 bit), A-law or
 *   µ-law, or is longer than `options` allow, which is found before its samples are read
 */
export function decodeWav(file: Uint8Array | ByteSource, name = 'audio', options: WavOptions = {}): Audio {
  const whole = new WholeAudio(name, options);
  const source = file instanceof Uint8Array ? sourceOf(file) : file;
  for (const block of wavBlocks(source, name, options.room)) whole.add(block);
  return whole.finish();
}

export interface WavOptions extends AudioLimits {
  /** Where the samples of a short mono recording may be put, until it is given again: new memory costs as much as decoding. */
  room?: Float32Array;
}

/** A WAV file's blocks, read one by one; the first says what the header does. @throws AudioError as {@link decodeWav}, but for the length */
export function* wavBlocks(source: ByteSource, name: string, room?: Float32Array): Generator<AudioBlock> {
  const { fmt, data } = findChunks(source, name);
  const header = viewOf(source, fmt.start, Math.min(fmt.size, 40));
  const { channels, sampleRate, blockAlign, read } = readFormat(header, name);
  assertRate(sampleRate, name);
  const length = Math.floor(data.size / blockAlign);
  yield {
    samples: new Float32Array(0),
    sampleRate,
    length,
    ...(data.streamed && { streamed: true }),
  };
  const width = blockAlign / channels;
  const piece = Math.max(1, Math.floor(PIECE / blockAlign));
  for (let done = 0; done < length; done += piece) {
    const count = Math.min(piece, length - done);
    const view = viewOf(source, data.start + done * blockAlign, count * blockAlign);
    const mono = channels === 1 && count === length ? room : undefined;
    yield { samples: mixedFrom(view, count, channels, width, read, mono), sampleRate };
  }
}

/** `count` samples of interleaved channels of `width` bytes, mixed by their mean. */
function mixedFrom(
  view: DataView,
  count: number,
  channels: number,
  width: number,
  read: Read,
  room?: Float32Array,
): Float32Array {
  // What most recordings are, and without a call for each sample many times as fast.
  const values = read === readers.pcm16 ? sixteenBit(view, count * channels, room) : undefined;
  if (values && channels === 1) return values;
  const samples = new Float32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++, at++) sum += values ? values[at] : read(view, at * width);
    samples[i] = sum / channels;
  }
  return samples;
}

/** Of int16 float32, four to a step. */
const asSamples = compiled(
  new Kernel((kernel, values, samples, fours) => {
    kernel.repeat(fours, () => {
      kernel.store(samples, loadSamples(values));
      kernel.set(values, plus(values, int(8)));
      kernel.set(samples, plus(samples, int(16)));
    });
  }),
);
/** Samples that are made at once. */
const SOME = 2 ** 14;

/** @returns `count` values, in `room` where that is enough */
function sixteenBit({ buffer, byteOffset }: DataView, count: number, room?: Float32Array): Float32Array {
  const samples = room && room.length >= count ? room.subarray(0, count) : new Float32Array(count);
  const [values, made] = scratch([SOME / 4, SOME / 2]);
  for (let at = 0; at < count; at += SOME) {
    const some = Math.min(SOME, count - at);
    new Uint8Array(heap.buffer, 8 * values).set(new Uint8Array(buffer, byteOffset + 2 * at, 2 * some));
    asSamples(8 * values, 8 * made, Math.ceil(some / 4));
    samples.set(new Float32Array(heap.buffer, 8 * made, some), at);
  }
  return samples;
}

function viewOf(source: ByteSource, start: number, length: number): DataView {
  const bytes = source.read(start, length);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Chunk {
  /** Offset of its content in bytes. */
  start: number;
  size: number;
  /** True where the header did not say the size. */
  streamed: boolean;
}

/** Walks the chunks; each but the last starts at an even offset. */
function findChunks(source: ByteSource, name: string): { fmt: Chunk; data: Chunk } {
  const riff = assertWav(source, name);
  const chunks = new Map<string, Chunk>();
  for (let at = 12, seen = 0; at + 8 <= source.size; seen++) {
    const head = viewOf(source, at, 8);
    const id = textOf(head, 0);
    const start = at + 8;
    const rest = source.size - start;
    const declared = head.getUint32(4, true);
    const known = id === 'data' ? dataSize(source, riff, declared, rest, chunks.get('ds64')) : declared;
    const size = known ?? rest;
    if (size > rest) {
      throw new AudioError({
        what: `${name}: the WAV file is truncated`,
        expected: `${size} bytes in its '${id}' chunk`,
        got: `${rest}`,
      });
    }
    if (seen >= MAX_CHUNKS) throw new AudioError(`${name}: the WAV file has more than ${MAX_CHUNKS} chunks`);
    if (!chunks.has(id)) chunks.set(id, { start, size, streamed: known === undefined });
    at = start + size + (size % 2);
  }
  const [fmt, data] = [chunks.get('fmt '), chunks.get('data')];
  if (!fmt || !data) {
    const what = `${name}: the WAV file has no '${fmt ? 'data' : 'fmt '}' chunk`;
    const got = [...chunks.keys()].map((c) => `'${c}'`).join(', ') || 'no chunk at all';
    throw new AudioError({ what, got });
  }
  return { fmt, data };
}

const textOf = (view: DataView, at: number) =>
  String.fromCharCode(
    ...new Uint8Array(view.buffer, view.byteOffset + at, Math.min(4, view.byteLength - at)),
  );

/** The file's size according to itself. */
function assertWav(source: ByteSource, name: string): number {
  if (source.size === 0) throw new AudioError(`${name}: the file is empty`);
  const head = viewOf(source, 0, 12);
  const riff = textOf(head, 0);
  if (source.size < 12 && 'RIFF'.startsWith(riff)) {
    throw new AudioError({ what: `${name}: the WAV file is truncated`, got: `${source.size} bytes in all` });
  }
  if (source.size < 12 || !['RIFF', 'RF64', 'BW64'].includes(riff) || textOf(head, 8) !== 'WAVE') {
    throw new AudioError({
      what: `${name}: not a WAV file`,
      todo: 'For other formats there is decodeAudio.',
    });
  }
  return head.getUint32(4, true) + 8;
}

/** The data chunk's size: RF64 keeps it in 'ds64'; a header that was written before the end was known does not say it. */
function dataSize(
  source: ByteSource,
  riff: number,
  declared: number,
  rest: number,
  ds64: Chunk | undefined,
): number | undefined {
  if (declared === 0xffffffff && ds64 && ds64.size >= 16) {
    return Number(viewOf(source, ds64.start + 8, 8).getBigUint64(0, true));
  }
  const unknown = declared === 0 ? riff !== source.size : declared >= STREAMED && declared > rest;
  return unknown ? undefined : declared;
}

function readFormat(fmt: DataView, name: string) {
  const size = fmt.byteLength;
  if (size < 16) {
    const what = `${name}: the WAV file's 'fmt ' chunk is too short`;
    throw new AudioError({ what, expected: 'at least 16 bytes', got: `${size}` });
  }
  let code = fmt.getUint16(0, true);
  const channels = fmt.getUint16(2, true);
  const sampleRate = fmt.getUint32(4, true);
  const blockAlign = fmt.getUint16(12, true);
  const bits = fmt.getUint16(14, true);
  if (code === EXTENSIBLE && size >= 40) {
    const tail = Array.from({ length: 14 }, (_, i) => fmt.getUint8(26 + i));
    const standard = tail.map((b) => b.toString(16).padStart(2, '0')).join('') === GUID_TAIL;
    if (standard) code = fmt.getUint16(24, true);
  }
  const read = readers[`${kinds[code]}${bits}`];
  if (!read) {
    throw new AudioError({
      what: `${name}: unsupported WAV coding`,
      expected: 'PCM of 8, 16, 24 or 32 bit, float of 32 or 64 bit, A-law or µ-law',
      got: kinds[code] ? `${bits} bit` : (codecs[code] ?? `format code ${code}`),
      todo: 'Convert it, e.g. `ffmpeg -i in.wav -c:a pcm_s16le out.wav`.',
    });
  }
  if (channels === 0 || blockAlign !== (channels * bits) / 8) {
    throw new AudioError({
      what: `${name}: the WAV header contradicts itself`,
      expected: `${(channels * bits) / 8} bytes for ${channels} channels of ${bits} bit`,
      got: `${blockAlign}`,
    });
  }
  return { channels, sampleRate, blockAlign, read };
}
