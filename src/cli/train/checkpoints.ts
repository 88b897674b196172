// A run that can be interrupted: its checkpoint in the run's folder, and what Ctrl-C does.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainingError } from '../../errors.ts';
import { diskError, makeFolder, writeFileAtomic } from '../../files/atomic.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../training/checkpoint.ts';
import { CHECKPOINT } from './run-folder.ts';

/** The checkpoint of an unfinished run; undefined where there is none. @throws FileError, TrainingError where it is damaged */
export async function readCheckpoint(run: string): Promise<Checkpoint | undefined> {
  const path = join(run, CHECKPOINT);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw diskError(`cannot read ${path}`, cause);
  }
  return decodeCheckpoint(bytes, path);
}

/** Forgets an unfinished run, which another begins to replace. */
export async function dropCheckpoint(run: string): Promise<void> {
  await rm(join(run, CHECKPOINT), { force: true });
}

/** @throws FileError where it cannot be written; the one before is then still there */
export async function writeCheckpoint(run: string, checkpoint: Checkpoint): Promise<void> {
  await makeFolder(run);
  await writeFileAtomic(join(run, CHECKPOINT), encodeCheckpoint(checkpoint));
}

/**
 * Runs a fit that Ctrl-C, or being told to end, stops after its step and with a checkpoint; a second time ends it at once.
 * @throws TrainingError that says how to go on, where it was stopped
 */
export async function stoppable<T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals) => {
    release();
    controller.abort(
      new TrainingError({
        what: `training was stopped by ${signal}; what was learnt so far is kept`,
        todo: 'Go on with the same command and --resume.',
      }),
    );
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const release = () => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    return await act(controller.signal);
  } finally {
    release();
  }
}
