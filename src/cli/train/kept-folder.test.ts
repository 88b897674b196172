// Folders of recordings: what a process that is no more has left is removed, what a living one uses is not.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeKeptFolder } from './kept-folder.ts';

it('drops the folders of processes that are no more', async () => {
  // No process has a number above 2²², Linux' largest.
  const [orphan, used] = [2 ** 22 + 1, process.pid].map((pid) => join(tmpdir(), `earmark-kept-${pid}-test`));
  for (const folder of [orphan, used]) mkdirSync(join(folder!, 'ab'), { recursive: true });
  const made = await makeKeptFolder();
  expect(existsSync(made)).toBe(true);
  expect(existsSync(orphan!)).toBe(false);
  expect(existsSync(used!)).toBe(true);
  for (const folder of [made, used]) rmSync(folder!, { recursive: true });
});
