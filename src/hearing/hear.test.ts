// Threads and cache: the same answers as without them, whatever dies, is cut off, damaged or changed.
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder, tinyWav } from '../../test/support/corpus.ts';
import { readAudio } from '../audio/read.ts';
import { AudioError, FileError } from '../errors.ts';
import { melPower } from '../features/input.ts';
import { defaultFeatures } from '../features/settings.ts';
import { Cache, pruneCache } from './cache.ts';
import { hearRecordings, measureRecordings } from './hear.ts';
import { inThreads } from './pool.ts';
import { type Heard, perform } from './task.ts';

const settings = defaultFeatures('logmel', 8000, 0.1);
const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}.wav`);
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());

it('gives what one thread gives, in order, and tells how far it is', async () => {
  const root = temporaryFolder(names(50));
  const paths = names(50).map((name) => join(root, name));
  const seen: number[] = [];
  const heard = await hearRecordings(paths, settings, { workers: 3, onProgress: (done) => seen.push(done) });
  for (const [i, path] of paths.entries()) {
    const { samples } = await readAudio(path);
    expect((heard[i] as Heard).power).toEqual(melPower(samples, settings));
  }
  expect(seen).toEqual(paths.map((_, i) => i + 1));
});

it('answers with the error of a recording that cannot be read', async () => {
  const root = temporaryFolder(['a.wav'], { 'b.wav': 'nothing' });
  const [a, b, c] = await measureRecordings(['a.wav', 'b.wav', 'c.wav'].map((name) => join(root, name)));
  expect(a).toMatchObject({ samples: 800, sampleRate: 8000 });
  expect(b).toBeInstanceOf(AudioError);
  expect(c).toBeInstanceOf(FileError);
});

it('an error among others leaves theirs as they are, heard or remembered', async () => {
  const root = temporaryFolder(names(40), { 'bad.wav': 'nothing' });
  const paths = names(40).map((name) => join(root, name));
  const withBad = paths.toSpliced(17, 0, join(root, 'bad.wav'));
  const alone = await hearRecordings(paths, settings);
  for (const cache of [undefined, join(root, 'cache'), join(root, 'cache')]) {
    const heard = await hearRecordings(withBad, settings, { workers: 1, cache });
    expect(heard[17]).toBeInstanceOf(AudioError);
    expect(heard.toSpliced(17, 1)).toEqual(alone);
  }
});

it('gives the same from the cache; computes anew where file or settings changed, or an entry is damaged', async () => {
  const root = temporaryFolder(['a.wav', 'b.wav']);
  const paths = ['a.wav', 'b.wav'].map((name) => join(root, name));
  const cache = join(root, 'cache');
  const hear = (s = settings) => hearRecordings(paths, s, { cache });
  const first = await hear();
  expect(filesIn(cache)).toHaveLength(2);
  expect(await hear()).toEqual(first);
  expect(filesIn(cache)).toHaveLength(2);

  for (const file of filesIn(cache)) truncateSync(file, 100);
  expect(await hear()).toEqual(first);

  await hear({ ...settings, hopLength: 40 });
  expect(filesIn(cache)).toHaveLength(4);
  writeFileSync(paths[0], tinyWav(1000));
  const [a, b] = await hear();
  expect(a).not.toEqual(first[0]);
  expect(b).toEqual(first[1]);
});

it('takes the cache, not the recording, where there is an entry', async () => {
  const root = temporaryFolder(['a.wav']);
  const task = { path: join(root, 'a.wav'), cache: join(root, 'cache') };
  const answer = await perform(task);
  const [file] = filesIn(task.cache);
  const key = file.slice(task.cache.length + 1).replace('/', '');
  new Cache(task.cache).put(key, 'remembered');
  expect(answer).toMatchObject({ value: { samples: 800 } });
  expect(await perform(task)).toEqual({ value: 'remembered' });
});

it('does without a cache that cannot be written, and says so once', async () => {
  const root = temporaryFolder(['a.wav', 'b.wav'], { file: '' });
  const notes: string[] = [];
  const paths = ['a.wav', 'b.wav'].map((name) => join(root, name));
  const heard = await hearRecordings(paths, settings, {
    cache: join(root, 'file/cache'),
    onNote: (line) => notes.push(line),
  });
  expect(heard.every((h) => 'power' in h)).toBe(true);
  expect(notes).toEqual([expect.stringMatching(/^features are not kept: cannot write to/)]);
});

it('bounds the cache: what was used longest ago goes first, and what was left behind', async () => {
  const root = temporaryFolder([]);
  const cache = new Cache(root);
  const keys = ['aa1', 'ab2', 'ac3', 'ad4'];
  for (const [i, key] of keys.entries()) {
    cache.put(key, new Uint8Array(1000));
    utimesSync(join(root, key.slice(0, 2), key.slice(2)), 1000 + i, 1000 + i);
  }
  mkdirSync(join(root, 'ae'));
  writeFileSync(join(root, 'ae/5.tmp'), 'cut');
  utimesSync(join(root, 'ae/5.tmp'), 999, 999);
  expect(cache.get('aa1')).toBeDefined();
  await pruneCache(root, 2500);
  const left = keys.map((key) => cache.get(key) !== undefined);
  expect(left).toEqual([true, false, false, true]);
  expect(filesIn(root)).toHaveLength(2);
});

it.each([
  ['throws', 'throw new Error("broken")', /broken/],
  ['ends', 'process.exit(3)', /exit code 3/],
  ['takes all memory', 'const all = []; for (;;) all.push(new Array(1e5).fill({}))', /memory/],
  ['says nothing', 'for (;;) {}', /no answer for 0.5 s/],
])('a thread that %s ends its task, not the others', async (name, act, message) => {
  const patience = name === 'says nothing' ? 0.5 : 60;
  const root = temporaryFolder([], {
    'thread.mjs': `import { parentPort } from 'node:worker_threads';
      const answer = ({ path }) => { if (path === 'bad') { ${act} } return { path }; };
      parentPort.on('message', (tasks) => parentPort.postMessage(tasks.map(answer)));`,
  });
  const script = pathToFileURL(join(root, 'thread.mjs'));
  const answers: unknown[] = [];
  // As many as make two to a message.
  const tasks = ['a', 'bad', ...'cdefghijklmnop'].map((path) => ({ path }));
  await inThreads(tasks, (i, answer) => (answers[i] = answer), { script, patience, maxHeap: 64 });
  expect(answers[1]).toEqual({ crashed: expect.stringMatching(message) });
  expect(answers.toSpliced(1, 1)).toEqual(tasks.toSpliced(1, 1));
});

it('a thread that fails once is given another chance', async () => {
  const root = temporaryFolder([], {
    'thread.mjs': `import { existsSync, writeFileSync } from 'node:fs';
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', (tasks) => {
        if (!existsSync(tasks[0].path)) { writeFileSync(tasks[0].path, ''); process.exit(1); }
        parentPort.postMessage(tasks);
      });`,
  });
  const answers: unknown[] = [];
  const path = join(root, 'once');
  await inThreads([{ path }], (_, answer) => answers.push(answer), {
    script: pathToFileURL(join(root, 'thread.mjs')),
  });
  expect(answers).toEqual([{ path }]);
  expect(readFileSync(path, 'utf8')).toBe('');
});

it('ends where whoever takes the answers fails', async () => {
  const root = temporaryFolder(names(40));
  const tasks = names(40).map((name) => ({ path: join(root, name) }));
  let taken = 0;
  const failing = inThreads(tasks, () => {
    if (++taken === 3) throw new Error('enough');
  });
  await expect(failing).rejects.toThrow('enough');
  expect(taken).toBeLessThan(10);
});

it('what is remembered is of this computation: where these numbers change, raise COMPUTATION', async () => {
  const root = temporaryFolder(['a.wav']);
  const [heard] = (await hearRecordings([join(root, 'a.wav')], settings)) as Heard[];
  const { rows, columns, data } = heard.power;
  expect([rows, columns]).toEqual([settings.nMels, 11]);
  expect(data.reduce((a, b) => a + b, 0).toPrecision(8)).toMatchInlineSnapshot(`"76.293712"`);
});
