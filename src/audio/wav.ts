// Decodes and encodes WAV: integer PCM and IEEE float, any number of channels, mixed to mono.
// Format: http://soundfile.sapp.org/doc/WaveFormat/ and Microsoft's WAVEFORMATEXTENSIBLE; RF64: EBU Tech 3306.
import { AudioError } from '../errors.ts';
import { type Audio, makeAudio } from './audio.ts';
import { otherContainer } from './containers.ts';

type Read = (view: DataView, at: number) => number;

/** One sample as a number: integers divided by 2^(bits − 1); 8-bit PCM is unsigned around 128. */
const readers: Record<string, Read> = {
  pcm8: (v, at) => (v.getUint8(at) - 128) / 2 ** 7,
  pcm16: (v, at) => v.getInt16(at, true) / 2 ** 15,
  pcm24: (v, at) => ((v.getInt8(at + 2) << 16) | v.getUint16(at, true)) / 2 ** 23,
  pcm32: (v, at) => v.getInt32(at, true) / 2 ** 31,
  float32: (v, at) => v.getFloat32(at, true),
  float64: (v, at) => v.getFloat64(at, true),
};

const codecs: Record<number, string> = {
  2: 'Microsoft ADPCM',
  6: 'A-law',
  7: 'mu-law',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG',
  85: 'MP3',
  353: 'Windows Media Audio',
};

const EXTENSIBLE = 0xfffe;
/** The end of the GUIDs that extend WAV's 16-bit format codes. */
const GUID_TAIL = '000000001000800000aa00389b71';
/** Sizes from here on stand for "unknown" in what sox, espeak-ng and ffmpeg write to a pipe. */
const STREAMED = 0x7ffff000;

/**
 * Decodes a WAV file; channels are mixed to mono by their mean.
 *
 * @param name how errors call the file
 * @throws AudioError where the bytes are not a whole WAV file of PCM (8, 16, 24, 32 bit) or float (32, 64 bit)
 */
export function decodeWav(bytes: Uint8Array, name = 'audio'): Audio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { fmt, data } = findChunks(view, bytes, name);
  const { channels, sampleRate, blockAlign, read } = readFormat(view, fmt, name);
  const frames = Math.floor(data.size / blockAlign);
  const width = blockAlign / channels;
  const samples = new Float32Array(frames);
  for (let i = 0; i < frames; i++) {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += read(view, data.start + i * blockAlign + c * width);
    samples[i] = sum / channels;
  }
  return makeAudio(samples, sampleRate, name);
}

/** Encodes mono PCM; samples beyond the range are clipped. What was decoded from as many bits comes back exactly. */
export function encodeWav(audio: Audio, { bits = 16 }: { bits?: 16 | 24 | 32 } = {}): Uint8Array {
  const { samples, sampleRate } = audio;
  const width = bits / 8;
  const size = samples.length * width;
  const bytes = new Uint8Array(44 + size + (size % 2));
  const view = new DataView(bytes.buffer);
  const ascii = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  ascii(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  ascii(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * width, true);
  view.setUint16(32, width, true);
  view.setUint16(34, bits, true);
  ascii(36, 'data');
  view.setUint32(40, size, true);
  const full = 2 ** (bits - 1);
  samples.forEach((s, i) => {
    const value = Math.max(-full, Math.min(full - 1, Math.round(s * full)));
    for (let b = 0; b < width; b++) bytes[44 + i * width + b] = value >> (8 * b);
  });
  return bytes;
}

interface Chunk {
  /** Offset of its content in bytes. */
  start: number;
  size: number;
}

/** Walks the chunks; each but the last starts at an even offset. */
function findChunks(view: DataView, bytes: Uint8Array, name: string): { fmt: Chunk; data: Chunk } {
  const id = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  assertWav(bytes, id(0), id(8), name);
  const chunks = new Map<string, Chunk>();
  for (let at = 12; at + 8 <= bytes.length; ) {
    const start = at + 8;
    const rest = bytes.length - start;
    let size = view.getUint32(at + 4, true);
    if (id(at) === 'data') size = dataSize(view, size, rest, chunks.get('ds64'));
    if (size > rest) {
      throw new AudioError({
        what: `${name}: the WAV file is truncated`,
        expected: `${size} bytes in its '${id(at)}' chunk`,
        got: `${rest}`,
      });
    }
    if (!chunks.has(id(at))) chunks.set(id(at), { start, size });
    at = start + size + (size % 2);
  }
  const [fmt, data] = [chunks.get('fmt '), chunks.get('data')];
  if (!fmt || !data) {
    const what = `${name}: the WAV file has no '${fmt ? 'data' : 'fmt '}' chunk`;
    throw new AudioError({
      what,
      got: [...chunks.keys()].map((c) => `'${c}'`).join(', ') || 'no chunk at all',
    });
  }
  return { fmt, data };
}

function assertWav(bytes: Uint8Array, riff: string, wave: string, name: string): void {
  if (bytes.length === 0) throw new AudioError(`${name}: the file is empty`);
  if (['RIFF', 'RF64', 'BW64'].includes(riff) && wave === 'WAVE') return;
  if (bytes.length < 12 && 'RIFF'.startsWith(riff)) {
    throw new AudioError({ what: `${name}: the WAV file is truncated`, got: `${bytes.length} bytes in all` });
  }
  const other = otherContainer(bytes);
  throw new AudioError({
    what: `${name}: not a WAV file`,
    got: other ? `${/^[AMO]/.test(other) ? 'an' : 'a'} ${other} file` : undefined,
    todo: other ? `Convert it first, e.g. \`ffmpeg -i ${name.split(/[\\/]/).at(-1)} out.wav\`.` : undefined,
  });
}

/** The data chunk's size: RF64 keeps it in 'ds64'; a header that was written before the end was known takes all. */
function dataSize(view: DataView, declared: number, rest: number, ds64: Chunk | undefined): number {
  if (declared === 0xffffffff && ds64 && ds64.size >= 16) {
    return Number(view.getBigUint64(ds64.start + 8, true));
  }
  const riffIsWhole = view.getUint32(4, true) === view.byteLength - 8;
  const unknown = declared === 0 ? !riffIsWhole : declared >= STREAMED && declared > rest;
  return unknown ? rest : declared;
}

function readFormat(view: DataView, fmt: Chunk, name: string) {
  if (fmt.size < 16) {
    const what = `${name}: the WAV file's 'fmt ' chunk is too short`;
    throw new AudioError({ what, expected: 'at least 16 bytes', got: `${fmt.size}` });
  }
  let code = view.getUint16(fmt.start, true);
  const channels = view.getUint16(fmt.start + 2, true);
  const sampleRate = view.getUint32(fmt.start + 4, true);
  const blockAlign = view.getUint16(fmt.start + 12, true);
  const bits = view.getUint16(fmt.start + 14, true);
  if (code === EXTENSIBLE && fmt.size >= 40) {
    const tail = Array.from({ length: 14 }, (_, i) => view.getUint8(fmt.start + 26 + i));
    const standard = tail.map((b) => b.toString(16).padStart(2, '0')).join('') === GUID_TAIL;
    if (standard) code = view.getUint16(fmt.start + 24, true);
  }
  const read = readers[`${code === 1 ? 'pcm' : code === 3 ? 'float' : 'codec'}${bits}`];
  if (!read) {
    throw new AudioError({
      what: `${name}: unsupported WAV coding`,
      expected: 'PCM of 8, 16, 24 or 32 bit, or float of 32 or 64 bit',
      got: code === 1 || code === 3 ? `${bits} bit` : (codecs[code] ?? `format code ${code}`),
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
