// Takes an Ogg file apart into the packets of its audio stream: RFC 3533.
import { AudioError } from '../errors.ts';
import { crc32 } from '../files/crc.ts';
import { ByteWindow, concatenate } from './source.ts';

/** What an Ogg file holds, by the first bytes of a stream's first packet. */
const codecs = {
  Opus: 'OpusHead',
  Vorbis: '\x01vorbis',
  FLAC: '\x7fFLAC',
  Speex: 'Speex   ',
} as const;
export type OggCodec = keyof typeof codecs;

/** A packet, and the granule position of its page where it is the last that ends there. */
export interface Packet {
  data: Uint8Array;
  granule?: number;
}

/** The first audio stream of a file. */
export interface OggStream {
  codec: OggCodec;
  /** At least one. */
  packets: Iterator<Packet> & Iterable<Packet>;
}

/** Bytes of a page's header before its lacing values; the last tells how many these are. */
const LACING = 27;
/** Bytes of a packet at most, so that no file takes more memory than is there. */
const MAX_PACKET = 2 ** 24;

interface Page {
  /** A packet goes on from the page before. */
  continued: boolean;
  first: boolean;
  /** Samples of the stream up to the end of the last packet that ends here; −1 where none does. */
  granule: number;
  serial: number;
  /** Number of the page in its stream. */
  number: number;
  /** The parts of packets on it; the last is `open` where it goes on. */
  parts: Uint8Array[];
  open: boolean;
}

/**
 * The packets of the first audio stream, read one by one.
 *
 * @param chunks the file's bytes
 * @param name how errors call the file
 * @throws AudioError where the file is damaged, truncated or chained, or holds no stream of a known codec; some of it as
 *   packets are read
 */
export function readOgg(chunks: Iterable<Uint8Array>, name: string): OggStream {
  const pages = readPages(chunks, name);
  for (let next = pages.next(); !next.done; next = pages.next()) {
    const codec = codecOf(next.value);
    if (codec) return { codec, packets: joinParts(pagesOf(next.value, pages, name), name) };
  }
  throw new AudioError({ what: `${name}: the Ogg file holds no audio that can be read` });
}

/** The pages of a stream from its first on. */
function* pagesOf(first: Page, others: Iterable<Page>, name: string): Generator<Page> {
  yield first;
  for (const page of others) {
    if (codecOf(page) || (page.first && page.serial === first.serial)) {
      throw new AudioError({
        what: `${name}: the Ogg file holds several recordings`,
        expected: 'one audio stream',
        todo: `Take one, e.g. \`ffmpeg -i ${name.split(/[\\/]/).at(-1)} out.flac\`.`,
      });
    }
    if (page.serial === first.serial) yield page;
  }
}

/** Of the page that begins a stream of audio, its codec. */
function codecOf({ first, parts }: Page): OggCodec | undefined {
  if (!first) return undefined;
  const head = String.fromCharCode(...(parts[0]?.subarray(0, 8) ?? []));
  return (Object.keys(codecs) as OggCodec[]).find((codec) => head.startsWith(codecs[codec]));
}

function* readPages(chunks: Iterable<Uint8Array>, name: string): Generator<Page> {
  const window = new ByteWindow(chunks);
  while (window.fill(1)) {
    const at = window.offset;
    const isPage = !window.fill(4) || viewOf(window.bytes).getUint32(0) === 0x4f676753; // OggS
    if (!isPage) throw damaged(name, `no page at byte ${at}`);
    const body = window.fill(LACING) ? LACING + window.bytes[LACING - 1] : LACING;
    let end = body;
    if (window.fill(body)) for (let i = LACING; i < body; i++) end += window.bytes[i];
    if (!window.fill(end)) throw new AudioError(`${name}: the Ogg file is truncated`);
    const bytes = window.bytes.subarray(0, end);
    const view = viewOf(bytes);
    if (checksumOf(bytes) !== view.getUint32(22, true)) {
      throw damaged(name, `a wrong checksum in the page at byte ${at}`);
    }
    const flags = bytes[5];
    yield {
      continued: (flags & 1) !== 0,
      first: (flags & 2) !== 0,
      granule: Number(view.getBigInt64(6, true)),
      serial: view.getUint32(14, true),
      number: view.getUint32(18, true),
      ...splitBody(bytes, LACING, body - LACING),
    };
    window.skip(end);
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The lacing values add up to parts of packets: each ends at a value below 255. */
function splitBody(bytes: Uint8Array, lacing: number, count: number): Pick<Page, 'parts' | 'open'> {
  const parts: Uint8Array[] = [];
  let start = lacing + count;
  let size = 0;
  for (let i = 0; i < count; i++) {
    size += bytes[lacing + i];
    const ends = bytes[lacing + i] < 255;
    if (!ends && i < count - 1) continue;
    parts.push(bytes.subarray(start, start + size));
    start += size;
    size = 0;
  }
  return { parts, open: count > 0 && bytes[lacing + count - 1] === 255 };
}

function* joinParts(pages: Iterable<Page>, name: string): Generator<Packet> {
  let [pending, size]: [Uint8Array[], number] = [[], 0];
  let expected: number | undefined;
  for (const page of pages) {
    expected ??= page.number;
    if (page.number !== expected || page.continued !== pending.length > 0) {
      throw damaged(name, `page ${page.number} where ${expected} should be`);
    }
    expected++;
    for (const [p, part] of page.parts.entries()) {
      const isLast = p === page.parts.length - 1;
      pending.push(part);
      size += part.length;
      if (size > MAX_PACKET) throw damaged(name, `a packet of more than ${MAX_PACKET} bytes`);
      if (isLast && page.open) break;
      const ends = isLast || (page.open && p === page.parts.length - 2);
      yield { data: concatenate(pending), ...(ends ? { granule: page.granule } : {}) };
      [pending, size] = [[], 0];
    }
  }
}

function damaged(name: string, got: string): AudioError {
  return new AudioError({ what: `${name}: the Ogg file is damaged`, got });
}

/** Of a page, in which bytes 22 to 25, the checksum itself, count as 0. */
export function checksumOf(page: Uint8Array): number {
  return crc32(page.subarray(26), crc32(new Uint8Array(4), crc32(page.subarray(0, 22))));
}
