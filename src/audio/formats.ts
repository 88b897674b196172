// Which formats there are, recognised by their first bytes, and who decodes them.
import { AudioError } from '../errors.ts';
import { flacBlocks } from './flac.ts';
import type { AudioBlocks } from './mono.ts';
import { mp3Blocks } from './mp3.ts';
import { type OggCodec, type OggStream, readOgg } from './ogg.ts';
import { opusBlocks } from './opus.ts';
import { type ByteSource, chunksOf, sourceFrom } from './source.ts';
import { vorbisBlocks } from './vorbis/decode.ts';
import { wavBlocks } from './wav.ts';

/** Makes samples of a file, block by block. */
type Decode = (source: ByteSource, name: string) => AudioBlocks;

interface Format {
  name: string;
  /** @param head the file's first bytes as characters, at most {@link HEAD} */
  is(head: string): boolean;
  decode: Decode;
}

/** Bytes that are enough to recognise a format. */
export const HEAD = 64;

const starts =
  (magic: string, offset = 0) =>
  (head: string) =>
    head.startsWith(magic, offset);

const FORMATS: readonly Format[] = [
  { name: 'WAV', is: (head) => /^(RIFF|RF64|BW64)....WAVE/s.test(head), decode: wavBlocks },
  { name: 'FLAC', is: starts('fLaC'), decode: (source, name) => flacBlocks(chunksOf(source), name) },
  { name: 'Ogg', is: starts('OggS'), decode: decodeOgg },
  { name: 'MP3', is: isMpegFrame, decode: mp3Blocks },
];

/** Names of what can be read, for error messages. */
const READABLE = 'WAV, FLAC, MP3, Ogg Vorbis or Opus';

const OTHERS: readonly [name: string, is: (head: string) => boolean][] = [
  ['an M4A or MP4 file (AAC or ALAC)', (head) => /^....ftyp(?!3g)/s.test(head)],
  ['a 3GP file', starts('ftyp3g', 4)],
  ['an AAC file', (head) => /^(ADIF|\xff[\xf0\xf1\xf8\xf9])/.test(head)],
  ['an AIFF file', (head) => /^FORM....AIF[FC]/s.test(head)],
  ['an AU file', starts('.snd')],
  ['a CAF file', starts('caff')],
  ['a WebM or Matroska file', starts('\x1a\x45\xdf\xa3')],
  ['a WMA or ASF file', starts('\x30\x26\xb2\x75')],
  ['an AMR file', starts('#!AMR')],
  ['a MIDI file, which holds notes and no sound', starts('MThd')],
  ['a Wave64 file', starts('riff')],
  ['a big-endian WAV file (RIFX)', starts('RIFX')],
  ['a NIST SPHERE file', starts('NIST_1A')],
  ['a WavPack file', starts('wvpk')],
  ["a Monkey's Audio file", starts('MAC ')],
  ['an AVI file', (head) => /^RIFF....AVI /s.test(head)],
];

const Ogg: Record<OggCodec, (packets: OggStream['packets'], name: string) => AudioBlocks> = {
  Opus: opusBlocks,
  Vorbis: vorbisBlocks,
  FLAC: (packets, name) => flacBlocks(nativeFlac(packets), name),
  Speex: (_, name) => {
    throw unreadable(name, 'Speex in Ogg');
  },
};

function decodeOgg(source: ByteSource, name: string): AudioBlocks {
  const { codec, packets } = readOgg(chunksOf(source), name);
  return Ogg[codec](packets, name);
}

/** The first packet is a native file's beginning behind nine bytes (RFC 9639, 10.1). */
function* nativeFlac(packets: OggStream['packets']): Generator<Uint8Array> {
  yield packets.next().value!.data.subarray(9);
  for (const { data } of packets) yield data;
}

/** An MPEG frame's header: 11 bits of ones, and neither of the reserved versions, layers, bit rates and sample rates. */
function isMpegFrame(head: string): boolean {
  const [a, b, c] = [head.charCodeAt(0), head.charCodeAt(1), head.charCodeAt(2)];
  return a === 0xff && b >= 0xe0 && (b & 0x18) !== 0x08 && (b & 6) !== 0 && c >> 4 !== 15 && (c & 12) !== 12;
}

/** The format of a file by its first bytes, undefined where it cannot be decoded. */
export function findFormat(bytes: Uint8Array): Format | undefined {
  const head = headOf(bytes);
  return FORMATS.find(({ is }) => is(head));
}

/** The format of a file that can be decoded, by its first bytes. @throws AudioError where there is none, naming what it is */
export function formatOf(bytes: Uint8Array, name: string): Format {
  if (bytes.length === 0) throw new AudioError(`${name}: the file is empty`);
  const format = findFormat(bytes);
  if (format) return format;
  const head = headOf(bytes);
  throw unreadable(name, OTHERS.find(([, is]) => is(head))?.[0]);
}

/** The file without an ID3v2 tag before it, which MP3 has, and FLAC may have. */
export function withoutTag(source: ByteSource): ByteSource {
  const head = source.read(0, 10);
  if (!headOf(head).startsWith('ID3') || head.length < 10) return source;
  const size = head.subarray(6, 10).reduce((sum, b) => sum * 128 + (b & 127), 0);
  const footer = head[5] & 16 ? 10 : 0;
  return sourceFrom(source, 10 + size + footer);
}

const headOf = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, HEAD));

/** M4A is named apart, as it is asked for most. */
function unreadable(name: string, got: string | undefined): AudioError {
  const file = name.split(/[\\/]/).at(-1);
  const reason = got?.includes('AAC')
    ? 'AAC is under patents, and its free decoders are under the GPL. '
    : '';
  return new AudioError({
    what: `${name}: not a recording that can be read`,
    expected: READABLE,
    got: got ?? 'another kind of file',
    todo: `${reason}${got ? 'Convert it first' : 'Should it hold sound, convert it'}, e.g. \`ffmpeg -i ${file} out.flac\`.`,
  });
}
