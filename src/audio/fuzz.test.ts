// Property: a damaged file of any format gives samples or an AudioError, within 2 seconds and 512 MB, and no crash.
// EARMARK_FUZZ=2000 sets how many mutations of each format are tried.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { AudioError } from '../errors.ts';
import { crc8, crc16 } from '../files/crc.ts';
import { checksumOf } from './ogg.ts';
import { decodeInThread } from './thread.ts';
import { encodeWav } from './wav.ts';

const COUNT = Number(process.env.EARMARK_FUZZ ?? 300);
const golden = (name: string) => {
  const path = fileURLToPath(new URL(`../../test/golden/audio/${name}`, import.meta.url));
  return new Uint8Array(readFileSync(path));
};
const wav = (bits: 16 | 24 | 32) =>
  encodeWav(
    { samples: Float32Array.from({ length: 500 }, (_, i) => Math.sin(i / 9)), sampleRate: 8000 },
    { bits },
  );

/** Files of each format, and what makes their checksums right again, so that damage reaches the decoder. */
const FORMATS: Record<
  string,
  { files: Uint8Array[]; repair?: (bytes: Uint8Array, whole: Uint8Array) => void }
> = {
  WAV: { files: [wav(16), wav(24), wav(32)] },
  FLAC: {
    files: ['fixed', 'lpc-mid-side', 'verbatim-24', 'constant-wasted'].map((n) => golden(`${n}.flac`)),
    repair: repairFlac,
  },
  Vorbis: { files: ['low', 'middle', 'high', 'surround'].map((n) => golden(`${n}.ogg`)), repair: repairOgg },
  Opus: { files: ['speech', 'music'].map((n) => golden(`${n}.opus`)), repair: repairOgg },
  'FLAC in Ogg': { files: [golden('ogg.oga')], repair: repairOgg },
  MP3: { files: ['mpeg-1', 'mpeg-2'].map((n) => golden(`${n}.mp3`)) },
};

/** Flips bits, writes extreme numbers, cuts, doubles and moves parts; most of it near the beginning, where headers are. */
function mutate(whole: Uint8Array, draw: () => number): Uint8Array {
  const below = (n: number) => Math.floor(draw() * n);
  let bytes = whole.slice();
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(draw() < 0.6 ? Math.min(bytes.length, 120) : bytes.length);
    const kind = below(10);
    if (kind < 5) bytes[at] ^= 1 << below(8);
    else if (kind < 6) bytes.fill(255, at, at + 1 + below(8));
    else if (kind < 7) bytes.fill(0, at, at + 1 + below(8));
    else if (kind < 8) for (let i = at; i < Math.min(at + 8, bytes.length); i++) bytes[i] = below(256);
    else if (kind < 9) bytes = bytes.slice(0, 1 + below(bytes.length));
    else bytes.copyWithin(at, below(bytes.length), below(bytes.length));
  }
  return bytes;
}

function repairOgg(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 27 <= bytes.length && view.getUint32(at) === 0x4f676753; ) {
    const lacing = bytes.subarray(at + 27, at + 27 + bytes[at + 26]);
    const end = at + 27 + lacing.length + lacing.reduce((sum, b) => sum + b, 0);
    if (end <= bytes.length) view.setUint32(at + 22, checksumOf(bytes.subarray(at, end)), true);
    at = end;
  }
}

/** Frames begin where those of the whole file do: at a sync code with a header whose checksum is right. */
function repairFlac(bytes: Uint8Array, whole: Uint8Array): void {
  const frames: { start: number; header: number }[] = [];
  for (let at = 0; at + 16 < whole.length; at++) {
    if (whole[at] !== 0xff || whole[at + 1] >> 1 !== 0x7c) continue;
    const header = [5, 6, 7, 8, 9].find((n) => crc8(whole, at, at + n) === whole[at + n]);
    if (header) frames.push({ start: at, header: at + header });
  }
  for (const [i, { start, header }] of frames.entries()) {
    const end = (frames[i + 1]?.start ?? whole.length) - 2;
    if (end + 2 > bytes.length) return;
    bytes[header] = crc8(bytes, start, header);
    new DataView(bytes.buffer).setUint16(end, crc16(bytes, start, end));
  }
}

it.each(Object.entries(FORMATS))('%s', { timeout: 1_000_000 }, async (format, { files, repair }) => {
  const before = process.memoryUsage().rss;
  const outcomes = { samples: 0, refused: 0 };
  let [slowest, memory] = [0, 0];
  for (let i = 0; i < COUNT; i++) {
    const draw = random(i);
    const whole = files[i % files.length];
    const bytes = mutate(whole, draw);
    if (draw() < 0.7) repair?.(bytes, whole);
    const started = performance.now();
    try {
      const { samples, sampleRate } = await decodeInThread(bytes, `${format} ${i}`, { maxSeconds: 2 });
      if (!(samples.length > 0 && sampleRate > 0)) throw new Error(`${format} ${i}: nothing decoded`);
      outcomes.samples++;
    } catch (cause) {
      if (!(cause instanceof AudioError)) throw cause;
      if (process.env.EARMARK_FUZZ) console.log(cause.message);
      outcomes.refused++;
    }
    slowest = Math.max(slowest, performance.now() - started);
    memory = Math.max(memory, process.memoryUsage().rss - before);
  }
  if (process.env.EARMARK_FUZZ)
    console.log(format, outcomes, `${slowest.toFixed(0)} ms, ${memory / 2 ** 20} MB`);
  expect(slowest).toBeLessThan(2500);
  expect(memory).toBeLessThan(512 * 2 ** 20);
  expect(outcomes.samples).toBeGreaterThan(0);
  expect(outcomes.refused).toBeGreaterThan(0);
});
