// Files on disk: written whole or not at all, and one clear error where they cannot be.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileError } from '../errors.ts';
import { diskError, makeFolder, readBytes, writeFileAtomic } from './atomic.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'earmark-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('writes text and bytes, replaces what was there, and leaves nothing else', async () => {
  const path = join(folder, 'a.txt');
  await writeFileAtomic(path, 'first');
  await writeFileAtomic(path, Uint8Array.of(104, 105));
  expect(await readFile(path, 'utf8')).toBe('hi');
  expect(await readdir(folder)).toEqual(['a.txt']);
});

it('concurrent writers leave one whole file', async () => {
  const path = join(folder, 'a.txt');
  const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(50_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(await readFile(path, 'utf8'));
  expect(await readdir(folder)).toEqual(['a.txt']);
});

it('says why it cannot write, and removes the temporary file', async () => {
  await mkdir(join(folder, 'taken', 'full'), { recursive: true });
  await writeFile(join(folder, 'file'), '');
  const missing = join(folder, 'missing', 'x');
  await expect(writeFileAtomic(missing, '')).rejects.toThrow(
    /cannot write .*missing.x: no such file or folder/,
  );
  await expect(writeFileAtomic(join(folder, 'file', 'x'), '')).rejects.toThrow(/is a file, not a folder/);
  await expect(writeFileAtomic(join(folder, 'taken'), '')).rejects.toThrow(FileError);
  await expect(makeFolder(join(folder, 'file', 'x'))).rejects.toThrow(/cannot make the folder/);
  expect((await readdir(folder)).sort()).toEqual(['file', 'taken']);
});

it('makes folders with their parents, again and again', async () => {
  const path = join(folder, 'a', 'b');
  await makeFolder(path);
  await makeFolder(path);
  expect(await readdir(join(folder, 'a'))).toEqual(['b']);
});

it.skipIf(process.platform !== 'linux')('does not try for ever where no folder can be', async () => {
  await expect(makeFolder('/proc/x/y')).rejects.toThrow(/cannot make the folder \/proc\/x\/y/);
});

it('says why it cannot read', async () => {
  await expect(readBytes(join(folder, 'x'), 'model')).rejects.toThrow(/cannot read the model .*no such file/);
  await expect(readBytes(folder)).rejects.toThrow(/it is a folder, not a file/);
});

it('names full disks, and passes on what it does not know', () => {
  const error = (code: string) =>
    diskError('cannot write x', Object.assign(new Error('EXDEV: oops'), { code }));
  expect(error('ENOSPC').message).toBe('cannot write x: the disk is full. Free some space.');
  expect(error('EXDEV').message).toBe('cannot write x: EXDEV: oops');
});
