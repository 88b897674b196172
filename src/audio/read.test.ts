// Recordings from disk.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AudioError, FileError } from '../errors.ts';
import { readAudio } from './read.ts';
import { encodeWav } from './wav.ts';

it('reads WAV; says of others what they are, and of missing ones that they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'earmark-'));
  try {
    const audio = { samples: Float32Array.of(0, 0.5, -0.5), sampleRate: 16000 };
    await writeFile(join(folder, 'a.wav'), encodeWav(audio));
    await writeFile(join(folder, 'b.wav'), 'OggS and so on, long enough');
    expect(await readAudio(join(folder, 'a.wav'))).toEqual(audio);
    await expect(readAudio(join(folder, 'b.wav'))).rejects.toThrow(AudioError);
    await expect(readAudio(join(folder, 'b.wav'))).rejects.toThrow(/got an Ogg file.*ffmpeg -i b\.wav/);
    await expect(readAudio(join(folder, 'c.wav'))).rejects.toThrow(FileError);
    await expect(readAudio(folder)).rejects.toThrow(/cannot read the recording .* it is a folder/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
