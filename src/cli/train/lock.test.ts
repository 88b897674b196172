import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FileError } from '../../errors.ts';
import { withLock } from './lock.ts';

const folder = join(mkdtempSync(join(tmpdir(), 'earmark-lock-')), 'run');
const isHeld = () => withLock(folder, async () => 'free').catch((error: FileError) => error.message);

/** Where the lock of the folder lies, as its refusal tells. */
async function lockFile(): Promise<string> {
  const message = await withLock(folder, isHeld);
  return /remove (.+\.lock)/.exec(message)?.[1] ?? '';
}

it('one run at a time writes to a folder, others to theirs', async () => {
  await withLock(folder, async () => {
    await expect(withLock(folder, async () => {})).rejects.toThrow(FileError);
    expect(await withLock(`${folder}2`, async () => 'free')).toBe('free');
    expect(await isHeld()).toMatch(
      new RegExp(`run is being written by another run: got process ${process.pid}\\.`),
    );
  });
  expect(await isHeld()).toBe('free');
});

it('a run that fails holds nothing', async () => {
  await expect(withLock(folder, () => Promise.reject(new Error('enough')))).rejects.toThrow('enough');
  expect(await isHeld()).toBe('free');
});

it('a process that was killed holds nothing', async () => {
  const path = await lockFile();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  writeFileSync(path, `${pid}`);
  expect(await withLock(folder, async () => readFileSync(path, 'utf8'))).toBe(`${process.pid}`);
});
