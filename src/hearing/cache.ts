// Remembers what was computed of recordings, on disk: one file to an answer, whole or not there, the oldest dropped first.
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { diskError } from '../files/atomic.ts';

/** Most bytes that are kept by default: AudioMNIST's mel spectrograms take 1.2 GB. */
export const MAX_CACHE = 4e9;

/** Where answers are kept: in `$XDG_CACHE_HOME/earmark`, else in `~/.cache/earmark`. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'earmark', 'recordings');
}

/** What was used counts as new, to the hour; to tell so each time would cost as much as to read it. */
const HOUR = 3600e3;

/** Answers by their key, which is hexadecimal. It waits for the disk: for threads that have nothing else to do. */
export class Cache {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What is remembered; undefined where nothing is, or it is damaged. */
  get(key: string): unknown {
    const path = this.path(key);
    try {
      const bytes = readFileSync(path);
      const body = bytes.subarray(4);
      if (bytes.readUInt32LE(0) !== crc32(body)) return undefined;
      touch(path);
      return deserialize(body);
    } catch {
      return undefined;
    }
  }

  /** Remembers. @returns why that cannot be done, where it cannot */
  put(key: string, value: unknown): string | undefined {
    const path = this.path(key);
    const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
    const body = serialize(value);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(body));
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, Buffer.concat([sum, body]));
      renameSync(temporary, path);
      return undefined;
    } catch (cause) {
      attempt(() => rmSync(temporary, { force: true }));
      return diskError(`cannot write to ${this.folder}`, cause).message;
    }
  }

  private path(key: string): string {
    return join(this.folder, key.slice(0, 2), key.slice(2));
  }
}

/** Says that a file was used. */
function touch(path: string): void {
  attempt(() => {
    const now = Date.now();
    if (now - statSync(path).mtimeMs > HOUR) utimesSync(path, now / 1000, now / 1000);
  });
}

/** Does what does no harm where it fails. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {}
}

/** Drops what was used longest ago until at most `maxBytes` are left, and what interrupted runs left behind. */
export async function pruneCache(folder: string, maxBytes: number = MAX_CACHE): Promise<void> {
  const files: { path: string; size: number; used: number }[] = [];
  // Tens of thousands: a folder after the other, without a promise for each file.
  for (const place of namesIn(folder).map((name) => join(folder, name))) {
    for (const path of namesIn(place).map((name) => join(place, name))) {
      const found = statSync(path, { throwIfNoEntry: false });
      if (found?.isFile()) files.push({ path, size: found.size, used: found.mtimeMs });
    }
    await setImmediate();
  }
  const hourAgo = Date.now() - HOUR;
  let total = 0;
  for (const { path, size, used } of files.sort((a, b) => b.used - a.used)) {
    total += size;
    const isLeftBehind = path.endsWith('.tmp') && used < hourAgo;
    if (total > maxBytes || isLeftBehind) await rm(path, { force: true }).catch(() => {});
  }
}

/** What lies in a folder; nothing where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const piece = new Uint8Array(2 ** 18);

/**
 * SHA-256 of a file's bytes, read piece by piece, without waiting: for threads that have nothing else to do, since a stream takes
 * three times as long for a recording of a second.
 * @throws FileError
 */
export function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  try {
    const file = openSync(path, 'r');
    try {
      for (let got = 1; got > 0; ) {
        got = readSync(file, piece);
        hash.update(piece.subarray(0, got));
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw diskError(`cannot read the recording ${path}`, cause);
  }
  return hash.digest('hex');
}
