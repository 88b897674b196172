// A folder for recordings that are kept only as long as a run lasts, and the end of those that killed runs left.
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes one, named after this process, which is who removes it. */
export async function makeKeptFolder(): Promise<string> {
  await dropOrphans();
  return mkdtemp(join(tmpdir(), `earmark-kept-${process.pid}-`));
}

/** Removes the folders of processes that are no more. */
async function dropOrphans(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid] = /^earmark-kept-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // Another user's stays.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether a process of this machine runs. One that was killed stays in the table until its parent has heard of it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !/^\d+ \(.*\) [ZX] /s.test(statOf(pid));
}

/** What Linux says of a process; other systems do not. */
function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}
