// Streams against whole recordings: the same samples whatever the blocks, the same refusals, and what is kept meanwhile.
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { AudioError, FileError } from '../errors.ts';
import type { Audio } from './audio.ts';
import { decodeAudio, decodeBlocks } from './decode.ts';
import { readAudio } from './read.ts';
import { sourceOf } from './source.ts';
import { streamAudio } from './stream.ts';
import { answers } from './stream-task.ts';
import { encodeWav } from './wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'earmark-'));
afterAll(() => rmSync(folder, { recursive: true }));
const goldens = fileURLToPath(new URL('../../test/golden/audio/', import.meta.url));
const stored = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const wave = (length: number): Audio => ({
  samples: Float32Array.from({ length }, (_, i) => Math.sin(i * i)),
  sampleRate: 8000,
});

async function streamed(path: string, blockSeconds?: number) {
  const stream = await streamAudio(path, blockSeconds === undefined ? {} : { blockSeconds });
  const blocks: Float32Array[] = [];
  for await (const block of stream) blocks.push(block);
  const samples = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    samples.set(block, at);
    at += block.length;
  }
  return { stream, blocks, audio: { samples, sampleRate: stream.sampleRate } };
}

/** Header and samples with a size in the header that is not theirs, as programs write that do not know it yet. */
function wavOfUnknownSize(size: number): Uint8Array {
  const bytes = encodeWav(wave(999));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, size, true);
  view.setUint32(40, size, true);
  return bytes;
}

const files = [
  ...readdirSync(goldens)
    .filter((name) => /\.(flac|oga|ogg|opus|mp3)$/.test(name))
    .map((name) => join(goldens, name)),
  ...([16, 24, 32] as const).map((bits) => stored(`${bits}.wav`, encodeWav(wave(70_001), { bits }))),
  stored('zero.wav', wavOfUnknownSize(0)),
  stored('most.wav', wavOfUnknownSize(0xffffffff)),
];

it.each(files)('%s: the samples of the whole file, to the bit', async (path) => {
  const { streamed: _, ...whole } = await readAudio(path);
  expect((await streamed(path)).audio).toEqual(whole);
});

it.each(files)('%s: property: in blocks of any length', async (path) => {
  const whole = await readAudio(path);
  const file = openSync(path, 'r');
  const property = fc.asyncProperty(fc.integer({ min: 1, max: 2 * whole.samples.length }), async (length) => {
    let at = 0;
    for await (const answer of answers({ file, name: path, blockSeconds: length / whole.sampleRate })) {
      if (!('block' in answer)) continue;
      const { samples } = answer.block;
      expect(samples.length).toBe(Math.min(length, whole.samples.length - at));
      expect(samples).toEqual(whole.samples.subarray(at, at + samples.length));
      at += samples.length;
    }
    expect(at).toBe(whole.samples.length);
  });
  await fc.assert(property, { numRuns: 5 });
  closeSync(file);
});

it.each(files)('%s: property: read in pieces of any size', async (path) => {
  const bytes = new Uint8Array(await readFile(path));
  const whole = await decodeAudio(bytes);
  const few = { ...sourceOf(bytes), read: (start: number, n: number) => bytes.slice(start, start + n) };
  let at = 0;
  for await (const { samples } of decodeBlocks(few, path)) {
    expect(samples).toEqual(whole.samples.subarray(at, at + samples.length));
    at += samples.length;
  }
  expect(at).toBe(whole.samples.length);
});

it('tells what a header does, and how far it is', async () => {
  const { stream } = await streamed(join(goldens, 'fixed.flac'));
  expect(stream).toMatchObject({ format: 'FLAC', sampleRate: 8000, length: 960, progress: 1 });
  const { stream: mp3 } = await streamed(join(goldens, 'mpeg-1.mp3'));
  expect(mp3).toMatchObject({ format: 'MP3', length: undefined, progress: 1 });
});

it('streams what is too long to be read whole', async () => {
  const bytes = encodeWav(wave(8));
  new DataView(bytes.buffer).setUint32(40, 3_000_000_000, true);
  truncateSync(stored('long.wav', bytes), 3_000_000_044); // takes no room on disk
  await expect(readAudio(join(folder, 'long.wav'))).rejects.toThrow(/too long/);
  const stream = await streamAudio(join(folder, 'long.wav'), { blockSeconds: 60 });
  const before = process.memoryUsage().rss;
  let [samples, most] = [0, 0];
  for await (const block of stream) {
    samples += block.length;
    most = Math.max(most, process.memoryUsage().rss - before);
    if (samples > 5e7) break; // a hundred minutes
  }
  expect(samples).toBeGreaterThan(5e7);
  expect(most).toBeLessThan(150 * 2 ** 20);
  expect(stream.progress).toBeLessThan(0.1);
});

describe('refusals', () => {
  it('as whole files are', async () => {
    await expect(streamAudio(join(folder, 'none.wav'))).rejects.toThrow(FileError);
    await expect(streamAudio(folder)).rejects.toThrow(/cannot read the recording .* it is a folder/);
    await expect(streamAudio(stored('a.wav', '\0\0\0 ftypM4A and so on'))).rejects.toThrow(/got an M4A/);
    await expect(streamAudio(stored('b.wav', ''))).rejects.toThrow(/the file is empty/);
    await expect(streamAudio(stored('c.wav', encodeWav(wave(0))))).rejects.toThrow(/holds no samples/);
    const blocks = streamAudio(files[0]!, { blockSeconds: 0 });
    await expect(blocks).rejects.toThrow(/blockSeconds: expected above 0/);
  });

  it.each(['lpc-mid-side.flac', 'middle.ogg', 'music.opus', 'ogg.oga'])('%s cut short', async (name) => {
    const cut = stored(name, (await readFile(join(goldens, name))).subarray(0, -3));
    await expect(streamed(cut, 0.01)).rejects.toThrow(/is truncated/);
    await expect(readAudio(cut)).rejects.toThrow(/is truncated/);
  });

  it('a sample that is no number, by its place', async () => {
    const bytes = encodeWav(wave(5000), { bits: 32 });
    const view = new DataView(bytes.buffer);
    view.setUint16(20, 3, true); // IEEE float
    for (let i = 0; i < 5000; i++) view.setFloat32(44 + 4 * i, i === 4321 ? Number.NaN : 0.5, true);
    const path = stored('nan.wav', bytes);
    await expect(streamed(path, 0.1)).rejects.toThrow(/nan\.wav: sample 4321 is not a number/);
  });

  it('a decoder that makes no progress is ended', async () => {
    const stream = streamAudio(join(goldens, 'middle.ogg'), { maxSeconds: 0 });
    await expect(stream).rejects.toThrow(AudioError);
    await expect(stream).rejects.toThrow(/a decoder that takes longer than 0\.0 s for a block/);
  });
});
