// Recordings from disk: every format in its thread, what is refused, and a thread that is ended.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { AudioError, FileError } from '../errors.ts';
import { decodeAudio } from './decode.ts';
import { readAudio } from './read.ts';
import { streamAudio } from './stream.ts';
import { encodeWav } from './wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'earmark-'));
afterAll(() => rmSync(folder, { recursive: true }));
const golden = (name: string) => fileURLToPath(new URL(`../../test/golden/audio/${name}`, import.meta.url));
const audio = { samples: Float32Array.of(0, 0.5, -0.5), sampleRate: 16000 };
const stored = (name: string, content: Uint8Array | string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

it('reads WAV, whatever its name', async () => {
  expect(await readAudio(stored('a.mp3', encodeWav(audio)))).toEqual(audio);
});

it('reads all others, many at a time, as they are decoded in this thread', async () => {
  const names = ['fixed.flac', 'ogg.oga', 'middle.ogg', 'music.opus', 'mpeg-1.mp3'];
  const read = await Promise.all(names.map((name) => readAudio(golden(name))));
  for (const [i, name] of names.entries()) {
    expect(read[i]).toEqual(await decodeAudio(new Uint8Array(await readFile(golden(name))), name));
  }
});

it('says of others what they are, and of missing ones that they are', async () => {
  await expect(readAudio(stored('b.wav', '\0\0\0 ftypM4A and so on'))).rejects.toThrow(AudioError);
  await expect(readAudio(join(folder, 'b.wav'))).rejects.toThrow(/got an M4A .*ffmpeg -i b\.wav/);
  await expect(readAudio(join(folder, 'c.wav'))).rejects.toThrow(FileError);
  await expect(readAudio(folder)).rejects.toThrow(/cannot read the recording .* it is a folder/);
  await expect(readAudio(stored('d.ogg', 'OggS, but no page'))).rejects.toThrow(AudioError);
  await expect(readAudio(stored('e.wav', ''))).rejects.toThrow(/the file is empty/);
});

it.skipIf(process.platform === 'win32')('refuses a pipe, and does not wait for one', async () => {
  const pipe = join(folder, 'pipe.wav');
  execFileSync('mkfifo', [pipe]);
  for (const path of [pipe, '/dev/null']) {
    await expect(readAudio(path)).rejects.toThrow(/got a pipe or a device\. Save it first\.$/);
    await expect(streamAudio(path)).rejects.toThrow(FileError);
  }
});

it('refuses what is too long or too large before it is read', async () => {
  const path = stored('long.wav', encodeWav(audio));
  const bytes = new Uint8Array(await readFile(path));
  new DataView(bytes.buffer).setUint32(40, 3_000_000_000, true);
  truncateSync(stored('long.wav', bytes), 3_000_000_044); // takes no room on disk
  await expect(readAudio(path)).rejects.toThrow(/too long: expected at most 1 h 9 min .* got 26 h 2 min/);
  truncateSync(stored('large.flac', 'fLaC'), 300_000_000);
  await expect(readAudio(join(folder, 'large.flac'))).rejects.toThrow(
    /too large: expected at most 256 MB, got 286/,
  );
});

it('a thread that takes too long is ended, and the next recording gets another', async () => {
  await expect(readAudio(golden('middle.ogg'), { maxSeconds: 0 })).rejects.toThrow(
    /cannot be decoded: got a decoder that takes longer than 0\.0 s/,
  );
  expect((await readAudio(golden('fixed.flac'))).samples.length).toBe(960);
});
