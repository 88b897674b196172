// Checksums of FLAC frames, Ogg pages and checkpoints: cyclic redundancy codes, highest bit first, starting from 0.

/** The remainders of all bytes, for a polynomial of `width` bits without its leading one. */
function table(width: number, polynomial: number): Uint32Array {
  const top = 2 ** (width - 1);
  const mask = 2 ** width - 1;
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let r = (byte << (width - 8)) >>> 0;
    for (let bit = 0; bit < 8; bit++) r = ((r & top ? (r << 1) ^ polynomial : r << 1) & mask) >>> 0;
    return r;
  });
}

const table8 = table(8, 0x07);
const table16 = table(16, 0x8005);
const table32 = table(32, 0x04c11db7);

/** FLAC's frame header, x⁸ + x² + x + 1. */
export function crc8(bytes: Uint8Array, start: number, end: number): number {
  let r = 0;
  for (let i = start; i < end; i++) r = table8[r ^ bytes[i]];
  return r;
}

/** FLAC's frame, x¹⁶ + x¹⁵ + x² + 1. */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let r = 0;
  for (let i = start; i < end; i++) r = ((r << 8) & 0xffff) ^ table16[(r >> 8) ^ bytes[i]];
  return r;
}

/** Ogg's pages and checkpoints, the polynomial of IEEE 802.3. @param r the remainder of what came before */
export function crc32(bytes: Uint8Array, r = 0): number {
  let remainder = r;
  for (let i = 0; i < bytes.length; i++) {
    remainder = ((remainder << 8) ^ table32[(remainder >>> 24) ^ bytes[i]]) >>> 0;
  }
  return remainder;
}
