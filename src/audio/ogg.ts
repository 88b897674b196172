// Takes an Ogg file apart into the packets of its audio stream: RFC 3533.
import { AudioError } from '../errors.ts';
import { crc32 } from './crc.ts';

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
  packets: Packet[];
}

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
 * The packets of the first audio stream.
 *
 * @param name how errors call the file
 * @throws AudioError where the file is damaged, truncated or chained, or holds no stream of a known codec
 */
export function readOgg(bytes: Uint8Array, name: string): OggStream {
  const pages = readPages(bytes, name);
  const begins = pages.filter((page) => page.first);
  const audio = begins.filter((page) => codecOf(page) !== undefined);
  const [stream] = audio;
  if (!stream) throw new AudioError({ what: `${name}: the Ogg file holds no audio that can be read` });
  const codec = codecOf(stream) as OggCodec;
  const own = pages.filter((page) => page.serial === stream.serial);
  if (audio.length > 1 || own.filter((page) => page.first).length > 1) {
    throw new AudioError({
      what: `${name}: the Ogg file holds several recordings`,
      expected: 'one audio stream',
      todo: `Take one, e.g. \`ffmpeg -i ${name.split(/[\\/]/).at(-1)} out.flac\`.`,
    });
  }
  return { codec, packets: joinParts(own, name) };
}

function codecOf(page: Page): OggCodec | undefined {
  const head = String.fromCharCode(...(page.parts[0]?.subarray(0, 8) ?? []));
  return (Object.keys(codecs) as OggCodec[]).find((codec) => head.startsWith(codecs[codec]));
}

function readPages(bytes: Uint8Array, name: string): Page[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pages: Page[] = [];
  for (let at = 0; at < bytes.length; ) {
    const isPage = bytes.length < at + 4 || view.getUint32(at) === 0x4f676753; // OggS
    if (!isPage) throw damaged(name, `no page at byte ${at}`);
    const lacing = at + 27;
    const count = lacing <= bytes.length ? bytes[at + 26] : 0;
    const body = lacing + count;
    let end = body;
    for (let i = lacing; i < Math.min(body, bytes.length); i++) end += bytes[i];
    if (end > bytes.length) throw new AudioError(`${name}: the Ogg file is truncated`);
    if (crc32(bytes.subarray(at, end)) !== view.getUint32(at + 22, true)) {
      throw damaged(name, `a wrong checksum in the page at byte ${at}`);
    }
    const flags = bytes[at + 5];
    pages.push({
      continued: (flags & 1) !== 0,
      first: (flags & 2) !== 0,
      granule: Number(view.getBigInt64(at + 6, true)),
      serial: view.getUint32(at + 14, true),
      number: view.getUint32(at + 18, true),
      ...splitBody(bytes, lacing, count),
    });
    at = end;
  }
  return pages;
}

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

function joinParts(pages: readonly Page[], name: string): Packet[] {
  const packets: Packet[] = [];
  let pending: Uint8Array[] = [];
  for (const [i, page] of pages.entries()) {
    if (page.number !== pages[0].number + i || page.continued !== pending.length > 0) {
      throw damaged(name, `page ${page.number} where ${pages[0].number + i} should be`);
    }
    for (const [p, part] of page.parts.entries()) {
      const isLast = p === page.parts.length - 1;
      pending.push(part);
      if (isLast && page.open) break;
      const ends = isLast || (page.open && p === page.parts.length - 2);
      packets.push({ data: concatenate(pending), ...(ends ? { granule: page.granule } : {}) });
      pending = [];
    }
  }
  return packets;
}

/** One array of several; a single one is not copied. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function damaged(name: string, got: string): AudioError {
  return new AudioError({ what: `${name}: the Ogg file is damaged`, got });
}

/**
 * Which of the decoded samples are the recording's. Granule positions count from the stream's beginning: what the first
 * page's leaves out comes before the recording; where it counts more, the stream was cut from a longer one. The last
 * page's says where it ends (Vorbis I, A.2; RFC 7845, 4).
 *
 * @param packets audio packets only
 * @param durations samples of each packet
 */
export function granuleRange(
  packets: readonly Packet[],
  durations: readonly number[],
): [from: number, to: number] {
  const total = durations.reduce((sum, d) => sum + d, 0);
  const ends = packets.flatMap((p, i) => (p.granule !== undefined && p.granule >= 0 ? [i] : []));
  const [first, last] = [ends[0], ends.at(-1)];
  if (first === undefined || last === undefined) return [0, total];
  const before = durations.slice(0, first + 1).reduce((sum, d) => sum + d, 0);
  const offset = first === last ? 0 : packets[first].granule! - before;
  return [Math.max(0, -offset), Math.min(total, packets[last].granule! - offset)];
}
