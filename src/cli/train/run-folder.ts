// The folder of a run: checked before the long work, then written whole or not at all.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FileError } from '../../errors.ts';
import { diskError, makeFolder, writeFileAtomic } from '../../files/atomic.ts';
import { undoneByInterrupt } from '../interrupt.ts';

/** What every run holds. */
const RUN_FILES = ['model.onnx', 'config.json'];
/** What a process that was killed while it wrote leaves behind. */
const LEFT_BEHIND = /^\.earmark-|^\..+\.tmp$/;

/** What a run that is under way, or was ended, holds. */
export const CHECKPOINT = 'checkpoint.safetensors';

/** What a folder of several runs holds from the beginning. */
export const FOLDS = 'folds-plan.json';

export interface RunFolder {
  readonly path: string;
  /** Whether what is there is replaced if it holds all of {@link marks}; anything else never is. */
  readonly replace: boolean;
  /** Whether a run that was ended, or is under way, may go on there. */
  readonly goesOn?: boolean;
  /** Whether it is a folder of several runs, which a single one never goes on in, nor the other way round. */
  readonly folds?: boolean;
  /** Files by which a run of this kind is known, beside those that every run holds. */
  readonly marks?: readonly string[];
}

/**
 * Makes sure that a run can be written: to a folder that is not there yet, is empty, or holds a run to replace.
 * @throws FileError
 */
export async function checkRunFolder({
  path,
  replace,
  goesOn = false,
  folds = false,
  marks = [],
}: RunFolder): Promise<void> {
  const what = `cannot write ${path}`;
  try {
    // A trial, since permissions do not tell of read-only disks and the like.
    await rmdir(await mkdtemp(join(await groundOf(path), '.earmark-')));
  } catch (cause) {
    throw diskError(what, cause);
  }
  const there = await contentsOf(path);
  const hasFolds = there.includes(FOLDS);
  const isRun = hasFolds || [...RUN_FILES, ...marks].every((name) => there.includes(name));
  const isBegun = there.includes(CHECKPOINT) || (hasFolds && !there.includes('metrics.json'));
  if (goesOn && !replace && (isRun || isBegun) && hasFolds !== folds) {
    throw new FileError({
      what: `${path} holds ${hasFolds ? 'a run for each fold' : 'a single run'}`,
      todo: `Resume ${hasFolds ? 'with' : 'without'} --folds, or name another folder.`,
    });
  }
  if (there.length === 0 || ((isRun || isBegun) && (replace || goesOn))) return;
  if (isBegun) {
    throw new FileError({
      what: `${path} holds a run that was not finished`,
      todo: 'Go on with it with --resume, begin anew with --replace, or name another folder.',
    });
  }
  throw new FileError({
    what: `${path} is there already`,
    expected: 'a new or empty folder',
    got: `one that holds ${there.slice(0, 3).join(', ')}${there.length > 3 ? ', …' : ''}`,
    todo: isRun ? 'Name another folder, or replace the run with --replace.' : 'Name another folder.',
  });
}

/** Whether a run is there that was finished. */
export async function isComplete(path: string): Promise<boolean> {
  const there = await contentsOf(path);
  return RUN_FILES.every((name) => there.includes(name)) && !there.includes(CHECKPOINT);
}

/** Whether a checkpoint is there to go on from. */
export async function isBegun(path: string): Promise<boolean> {
  return (await contentsOf(path)).includes(CHECKPOINT);
}

/** Empties a folder that {@link checkRunFolder} has found to be replaced. */
export async function dropRuns(path: string): Promise<void> {
  for (const name of await contentsOf(path)) await rm(join(path, name), { recursive: true, force: true });
}

/** What lies in a folder that may not be there. @throws FileError */
async function contentsOf(path: string): Promise<string[]> {
  const names: string[] = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw diskError(`cannot write ${path}`, cause);
  });
  return names.filter((name) => !LEFT_BEHIND.test(name));
}

/**
 * Writes a run; its folder is filled when all is there, and Ctrl-C before that leaves nothing.
 * @param files path inside the folder → contents
 * @throws FileError where it cannot be written, or something else is there by now
 */
export async function writeRunFolder(
  folder: RunFolder,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  await checkRunFolder(folder);
  const place = resolve(folder.path);
  const ground = await groundOf(place);
  const staging = join(ground, `.earmark-${randomUUID().slice(0, 8)}.tmp`);
  const undo = () => rmSync(staging, { recursive: true, force: true, maxRetries: 3 });
  await undoneByInterrupt(undo, async () => {
    try {
      for (const [name, contents] of Object.entries(files)) {
        await makeFolder(dirname(join(staging, name)));
        await writeFileAtomic(join(staging, name), contents);
      }
      publish(staging, place, ground);
    } catch (cause) {
      undo();
      throw cause instanceof FileError ? cause : diskError(`cannot write ${folder.path}`, cause);
    }
  });
}

/** The folder itself, or the nearest above it that is there. */
async function groundOf(path: string): Promise<string> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' && at !== dirname(at)) return undefined;
      throw cause;
    });
    if (found) return at;
  }
}

/**
 * A folder that is there keeps its place, since it may be a mount, a link, or where somebody's shell is. The checkpoint
 * goes last, so that a run that is killed meanwhile goes on from it.
 */
function publish(staging: string, place: string, ground: string): void {
  if (ground !== place) {
    mkdirSync(dirname(place), { recursive: true });
    renameSync(staging, place);
    return;
  }
  const drop = (name: string) => rmSync(join(place, name), { recursive: true, force: true });
  const fresh = readdirSync(staging);
  for (const name of fresh) {
    drop(name);
    renameSync(join(staging, name), join(place, name));
  }
  rmdirSync(staging);
  const old = readdirSync(place).filter((name) => !fresh.includes(name));
  for (const name of old.filter((name) => name !== CHECKPOINT)) drop(name);
  drop(CHECKPOINT);
}
