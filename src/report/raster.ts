// A grid of colours as a PNG data URI, without canvas or file: RGB, 8 bit, no filter (PNG 1.2, sections 3 and 4).
import { zlibSync } from 'fflate';
import type { Rgb } from './colours.ts';

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** A picture of `rows` × `columns` pixels, the first row at the top. */
export function rasterUri(
  rows: number,
  columns: number,
  colour: (row: number, column: number) => Rgb,
): string {
  const stride = 1 + 3 * columns;
  const pixels = new Uint8Array(rows * stride);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) pixels.set(colour(r, c), r * stride + 1 + 3 * c);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, columns);
  view.setUint32(4, rows);
  header.set([8, 2], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', zlibSync(pixels)),
    chunk('IEND', new Uint8Array()),
  ];
  return `data:image/png;base64,${base64(parts)}`;
}

/** Length, name, data, CRC-32 of name and data. */
function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  let crc = ~0;
  for (const byte of bytes.subarray(4, -4)) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8);
  view.setUint32(data.length + 8, ~crc >>> 0);
  return bytes;
}

function base64(parts: readonly Uint8Array[]): string {
  let binary = '';
  for (const part of parts) for (const byte of part) binary += String.fromCharCode(byte);
  return btoa(binary);
}
