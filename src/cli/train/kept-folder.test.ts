// Folders of recordings: what a process that is no more has left is removed, what a living one uses is not; which processes live.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { isAlive, makeKeptFolder } from './kept-folder.ts';

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

it.runIf(process.platform === 'linux')(
  'a process that has ended, and whose parent does not ask, is no more',
  async () => {
    // `sleep 5` takes the shell's place, and never asks what became of the shell's child.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 5']);
    const [line] = await once(parent.stdout, 'data');
    await vi.waitFor(() => expect(isAlive(Number(line))).toBe(false));
    expect(() => process.kill(Number(line), 0)).not.toThrow();
    expect(isAlive(parent.pid!)).toBe(true);
    parent.kill();
  },
);
