// Batches from threads: the same inputs as in memory, of recordings kept once; what has gone wrong is said.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { encodeWav } from '../audio/wav.ts';
import { examplesInMemory, joined } from '../augmentation/examples.ts';
import { AUGMENTATIONS } from '../augmentation/settings.ts';
import { AudioError, type EarmarkError } from '../errors.ts';
import { fitClip } from '../features/clip.ts';
import { defaultFeatures } from '../features/settings.ts';
import { BatchThreads, type KeptRecording } from './batches.ts';

const root = mkdtempSync(join(tmpdir(), 'earmark-batches-'));
afterAll(() => rmSync(root, { recursive: true }));
const settings = defaultFeatures('logmel', 8000, 0.5);
const { strong } = AUGMENTATIONS;

/** Two tones, of which the second is louder; 16-bit samples, so that what is read is what was written. */
function recording(seconds: number, hertz: number): Float32Array {
  return Float32Array.from({ length: 8000 * seconds }, (_, n) => {
    const amount = n < 4000 * seconds ? 0.1 : 0.5;
    return Math.round(32767 * amount * Math.sin((2 * Math.PI * hertz * n) / 8000)) / 32768;
  });
}
const recordings = [recording(0.4, 300), recording(0.5, 440), recording(3, 500)];
const paths = recordings.map((samples, i) => {
  const path = join(root, `${i}.wav`);
  writeFileSync(path, encodeWav({ samples, sampleRate: 8000 }));
  return path;
});

async function withThreads<T>(folder: string, act: (threads: BatchThreads) => Promise<T>): Promise<T> {
  const threads = new BatchThreads(settings, strong, join(root, folder), 2);
  try {
    return await act(threads);
  } finally {
    await threads.close();
  }
}

it('gives the inputs that recordings in memory give, plain; varied, where all of the recording is kept', async () => {
  await withThreads('cache', async (threads) => {
    const kept = (await threads.keep(paths)) as KeptRecording[];
    const [threaded, inMemory] = [
      threads.examples(kept, [0, 1, 0]),
      examplesInMemory(
        recordings.map((samples) => ({ samples, label: 0 })),
        settings,
        strong,
      ),
    ];
    expect(threaded.labels).toEqual([0, 1, 0]);
    const [got, wanted] = await Promise.all([threaded, inMemory].map((e) => e.inputs([2, 0, 1])));
    expect(got).toEqual(wanted);
    expect(await threads.samples([kept[2], kept[0]])).toEqual(
      joined([recordings[2], recordings[0]].map((s) => fitClip(s, 4000, 'center').samples)).map((v) => v + 0),
    );
    const [varied, again] = await Promise.all([threaded, threaded].map((e) => e.inputs([0, 1], [7, 8])));
    expect(again).toEqual(varied);
    expect(varied).toEqual(await inMemory.inputs([0, 1], [7, 8]));
  });
});

it('keeps of a long recording its loudest window and a margin', async () => {
  await withThreads('cache', async (threads) => {
    const [, , long] = (await threads.keep(paths)) as KeptRecording[];
    expect(long.fit.cut).toBe(true);
    expect(-long.fit.start).toBeGreaterThanOrEqual(12_000);
  });
});

it('hears each recording once, in whatever file, and again where what was kept is gone', async () => {
  const folder = join(root, 'other');
  writeFileSync(join(root, 'copy.wav'), encodeWav({ samples: recordings[0], sampleRate: 8000 }));
  await withThreads('other', async (threads) => {
    const [a, copy] = (await threads.keep([paths[0], join(root, 'copy.wav')])) as KeptRecording[];
    expect(copy.key).toBe(a.key);
    expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).length > 2)).toHaveLength(
      1,
    );
    rmSync(folder, { recursive: true });
    expect(await threads.examples([a], [0]).inputs([0])).toHaveLength(settings.nMels * 51);
  });
});

it('a recording that has changed since, or cannot be read, is an error with its path', async () => {
  const path = join(root, 'changing.wav');
  writeFileSync(path, encodeWav({ samples: recordings[0], sampleRate: 8000 }));
  const text = join(root, 'text.wav');
  writeFileSync(text, 'no sound');
  await withThreads('third', async (threads) => {
    const [kept, bad] = await threads.keep([path, text]);
    expect(bad).toBeInstanceOf(AudioError);
    expect((bad as EarmarkError).message).toContain(text);
    writeFileSync(path, encodeWav({ samples: recordings[1], sampleRate: 8000 }));
    rmSync(join(root, 'third'), { recursive: true });
    await expect(threads.examples([kept as KeptRecording], [0]).inputs([0])).rejects.toThrow(
      /changing.wav has changed while it was trained on/,
    );
  });
});

it('says once that nothing can be kept, and goes on', async () => {
  writeFileSync(join(root, 'file'), '');
  const notes: string[] = [];
  const threads = new BatchThreads(settings, strong, join(root, 'file', 'inside'), 1);
  const kept = (await threads.keep(paths, { onNote: (line) => notes.push(line) })) as KeptRecording[];
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(/recordings are not kept, so that each epoch reads them again: cannot write/);
  expect(await threads.examples(kept, [0, 0, 0]).inputs([0, 1, 2])).toHaveLength(3 * settings.nMels * 51);
  await threads.close();
});
