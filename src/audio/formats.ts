// Which formats there are, recognised by their first bytes, and who decodes them.
import { AudioError } from '../errors.ts';
import type { Audio } from './audio.ts';
import { decodeFlac } from './flac.ts';
import type { AudioLimits } from './limits.ts';
import { decodeMp3 } from './mp3.ts';
import { concatenate, type OggCodec, type Packet, readOgg } from './ogg.ts';
import { decodeOpus } from './opus.ts';
import { decodeVorbis } from './vorbis/decode.ts';
import { decodeWav } from './wav.ts';

/** Makes samples of a file's bytes. */
type Decode = (bytes: Uint8Array, name: string, options: AudioLimits) => Audio | Promise<Audio>;

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
  { name: 'WAV', is: (head) => /^(RIFF|RF64|BW64)....WAVE/s.test(head), decode: decodeWav },
  { name: 'FLAC', is: starts('fLaC'), decode: decodeFlac },
  { name: 'Ogg', is: starts('OggS'), decode: decodeOgg },
  { name: 'MP3', is: isMpegFrame, decode: decodeMp3 },
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

const Ogg: Record<
  OggCodec,
  (packets: Packet[], name: string, options: AudioLimits) => Audio | Promise<Audio>
> = {
  Opus: decodeOpus,
  Vorbis: decodeVorbis,
  // The first packet is a native file's beginning behind nine bytes (RFC 9639, 10.1).
  FLAC: ([first, ...rest], name, options) =>
    decodeFlac(concatenate([first!.data.subarray(9), ...rest.map((p) => p.data)]), name, options),
  Speex: (_, name) => {
    throw unreadable(name, 'Speex in Ogg');
  },
};

function decodeOgg(bytes: Uint8Array, name: string, options: AudioLimits): Audio | Promise<Audio> {
  const { codec, packets } = readOgg(bytes, name);
  return Ogg[codec](packets, name, options);
}

/** An MPEG frame's header: 11 bits of ones, and neither of the reserved versions, layers, bit rates and sample rates. */
function isMpegFrame(head: string): boolean {
  const [a, b, c] = [head.charCodeAt(0), head.charCodeAt(1), head.charCodeAt(2)];
  return a === 0xff && b >= 0xe0 && (b & 0x18) !== 0x08 && (b & 6) !== 0 && c >> 4 !== 15 && (c & 12) !== 12;
}

/** The format of a file, undefined where it cannot be decoded. */
export function findFormat(bytes: Uint8Array): Format | undefined {
  const head = headOf(bytes);
  return FORMATS.find(({ is }) => is(head));
}

/** The format of a file that can be decoded. @throws AudioError where there is none, naming what it is */
export function formatOf(bytes: Uint8Array, name: string): Format {
  if (bytes.length === 0) throw new AudioError(`${name}: the file is empty`);
  const format = findFormat(bytes);
  if (format) return format;
  const head = headOf(bytes);
  throw unreadable(name, OTHERS.find(([, is]) => is(head))?.[0]);
}

/** The file without an ID3v2 tag before it, which MP3 has, and FLAC may have. */
export function withoutTag(bytes: Uint8Array): Uint8Array {
  if (!headOf(bytes).startsWith('ID3') || bytes.length < 10) return bytes;
  const size = bytes.subarray(6, 10).reduce((sum, b) => sum * 128 + (b & 127), 0);
  const footer = bytes[5] & 16 ? 10 : 0;
  return bytes.subarray(Math.min(bytes.length, 10 + size + footer));
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
    todo: got ? `${reason}Convert it first, e.g. \`ffmpeg -i ${file} out.flac\`.` : undefined,
  });
}
