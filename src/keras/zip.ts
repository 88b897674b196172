// Entries of a zip archive by name, their checksums verified: fflate unpacks and does not compare them.
import { unzipSync } from 'fflate';
import { FileError } from '../errors.ts';

/**
 * Unpacks some entries of an archive.
 *
 * @param wanted names of the entries; those that are not there are left out
 * @param name how errors call the archive
 * @throws FileError where it is not a whole archive, or an entry is damaged
 */
export function unzipped(
  bytes: Uint8Array,
  wanted: readonly string[],
  name: string,
): { entries: Readonly<Record<string, Uint8Array>>; names: readonly string[] } {
  const names: string[] = [];
  let entries: Record<string, Uint8Array>;
  let checksums: ReadonlyMap<string, number>;
  try {
    checksums = checksumsOf(bytes);
    entries = unzipSync(bytes, {
      filter: (entry) => {
        names.push(entry.name);
        return wanted.includes(entry.name);
      },
    });
  } catch (cause) {
    const got = (cause as Error).message;
    throw new FileError({
      what: `${name}: not a whole zip archive`,
      got,
      todo: 'Copy the file again.',
      cause,
    });
  }
  const damaged = Object.keys(entries).find((entry) => crc32(entries[entry]) !== checksums.get(entry));
  if (damaged === undefined) return { entries, names };
  throw new FileError({ what: `${name}: ${damaged} has a wrong checksum`, todo: 'Copy the file again.' });
}

const END = 0x06054b50;
const END_SIZE = 22;
const ENTRY = 0x02014b50;
const ENTRY_SIZE = 46;

/**
 * CRC-32 of each entry, from the archive's directory.
 * @see PKWARE's APPNOTE.TXT 4.3.12 and 4.3.16
 */
function checksumsOf(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_SIZE;
  while (end > 0 && view.getUint32(end, true) !== END) end--;
  const checksums = new Map<string, number>();
  let at = view.getUint32(end + 16, true);
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    if (view.getUint32(at, true) !== ENTRY) throw new RangeError('an entry that is none');
    const [length, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const from = at + ENTRY_SIZE;
    checksums.set(
      new TextDecoder().decode(bytes.subarray(from, from + length)),
      view.getUint32(at + 16, true),
    );
    at = from + length + extra + comment;
  }
  return checksums;
}

/** x ↦ x·z⁸ modulo the reversed polynomial 0xEDB88320, for each byte. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 0xff] ^ (rest >>> 8);
  return ~rest >>> 0;
}
