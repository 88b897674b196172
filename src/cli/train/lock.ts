// One process at a time writes to a run's folder: a lock file, named after the folder, that holds the process' number.
import { createHash } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FileError } from '../../errors.ts';
import { isAlive } from './kept-folder.ts';

/** A process that was killed takes a moment to end: so often it is looked for again, after so many milliseconds. */
const TRIES = 10;
const BETWEEN = 100;

/**
 * Does `act` while no other process of this machine does so for the same folder. A process that was killed holds nothing.
 * @throws FileError where another is at it
 */
export async function withLock<T>(folder: string, act: () => Promise<T>): Promise<T> {
  const name = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 16);
  const path = join(tmpdir(), `earmark-run-${name}.lock`);
  await take(path, folder);
  const release = () => rmSync(path, { force: true });
  process.on('exit', release);
  try {
    return await act();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function take(path: string, folder: string): Promise<void> {
  for (let tries = 0; !created(path); tries++) {
    const holder = holderOf(path);
    if (holder !== undefined && isAlive(holder)) {
      if (tries < TRIES) {
        await setTimeout(BETWEEN);
        continue;
      }
      throw new FileError({
        what: `${folder} is being written by another run`,
        got: `process ${holder}`,
        todo: `Wait until it has ended, or name another folder; if that process is none of Earmark's, remove ${path}.`,
      });
    }
    rmSync(path, { force: true });
  }
}

/** Makes a lock at once with its number in it, unless there is one. Where none can be written, a run goes without. */
function created(path: string): boolean {
  const own = `${path}.${process.pid}`;
  try {
    writeFileSync(own, `${process.pid}`);
    linkSync(own, path);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code !== 'EEXIST';
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process that holds a lock; undefined where it has just gone. */
function holderOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}
