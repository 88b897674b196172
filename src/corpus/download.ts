// Downloads a file over HTTP: goes on where it stopped, tries again, and checks what has come.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { setTimeout as pause } from 'node:timers/promises';
import { FileError } from '../errors.ts';
import { diskError, writeFileAtomic } from '../files/atomic.ts';
import { request } from './http-fetch.ts';
import { Offline, partOf, type RangeAnswer, readAnswer, refused, Transient } from './http-range.ts';

export interface DownloadOptions {
  /** What the file must be: its size, … */
  bytes?: number;
  /** … and its SHA-256, hexadecimal. */
  sha256?: string;
  /** Most bytes that are taken where the size is not known (2³⁴). */
  maxBytes?: number;
  /** How often in a row an attempt may bring nothing new (5). */
  attempts?: number;
  /** Seconds before the second attempt; doubled for each further one, up to 30 (1). */
  firstWait?: number;
  /** Seconds without a byte after which an attempt is given up (60). */
  patience?: number;
  /** Told the bytes that are there, and how many there will be where that is known. */
  onProgress?: (done: number, total: number | undefined) => void;
}

/** What is known of the part that is there, kept beside it. */
interface Memo {
  url: string;
  /** A strong ETag or a date: says that the server still has the same file. */
  validator: string | null;
  total: number | null;
}

const LONGEST_WAIT = 30;

/**
 * Downloads to `path`. Until all is there it is called `path.part`; another call goes on from that part, if the server
 * still has the same file and gives parts of it. A file that is there already and has the hash is kept. Proxies are those of
 * HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
 *
 * @throws FileError where the server has no such file, it does not answer, the file is not the one that is expected, or the
 *   disk is full; where calling again goes on, it says so
 */
export async function download(url: string, path: string, options: DownloadOptions = {}): Promise<void> {
  const { attempts = 5, firstWait = 1, sha256 } = options;
  if (sha256 !== undefined && (await sizeOf(path)) > 0 && (await hashOf(path)) === sha256) return;
  const part = `${path}.part`;
  let furthest = await sizeOf(part);
  for (let failures = 0; ; ) {
    try {
      await fetchRest(url, part, options);
      break;
    } catch (cause) {
      if (!(cause instanceof Transient)) throw cause;
      const size = await sizeOf(part);
      failures = size > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, size);
      const isHopeless = cause instanceof Offline && furthest === 0;
      if (isHopeless || failures >= attempts) {
        const todo = isHopeless
          ? 'Connect to a network, or name its proxy in HTTPS_PROXY. Else bring the archive from elsewhere and unpack it.'
          : 'Run the same command again: it goes on where it stopped.';
        throw new FileError({ what: `cannot download ${url}`, got: cause.message, todo, cause });
      }
      const wait = cause.retryAfter ?? Math.min(LONGEST_WAIT, firstWait * 2 ** (failures - 1));
      await pause(1000 * wait);
    }
  }
  const hash = sha256 && (await hashOf(part));
  if (hash !== sha256) {
    await discard(part);
    throw new FileError({
      what: `${url}: what came is damaged, or another file`,
      expected: `the SHA-256 ${sha256}`,
      got: `${hash}; it is deleted`,
      todo: 'Download it again.',
    });
  }
  await rename(part, path).catch((cause) => {
    throw diskError(`cannot write ${path}`, cause);
  });
  await discard(part);
}

/** One attempt: asks for what is missing and appends it. @throws Transient where another attempt may do better */
async function fetchRest(url: string, part: string, options: DownloadOptions): Promise<void> {
  const { bytes, maxBytes = bytes ?? 2 ** 34, patience = 60, onProgress } = options;
  const size = await sizeOf(part);
  const memo = await readMemo(part);
  const known = size > 0 && memo?.url === url && memo.validator !== null ? memo : undefined;
  const stop = new AbortController();
  const giveUp = () => stop.abort(new Error(`nothing came for ${patience} s`));
  let clock = setTimeout(giveUp, 1000 * patience);
  try {
    const response = await request(url, known?.validator ? partOf(size, known.validator) : {}, stop.signal);
    const answer = readAnswer(url, response, known && { size, ...known });
    if (answer.kind === 'complete') return;
    if (answer.kind === 'stale') {
      await discard(part);
      throw new Transient('the server has another file than before');
    }
    checkSize(url, answer, bytes, maxBytes);
    const { start, total, validator } = answer;
    await checkRoom(part, (total ?? bytes ?? 0) - start);
    if (start === 0) {
      await writeFileAtomic(
        memoOf(part),
        JSON.stringify({ url, validator, total: total ?? null } satisfies Memo),
      );
    }
    let done = start;
    onProgress?.(done, total);
    const file = await open(part, start > 0 ? 'a' : 'w').catch((cause) => {
      throw diskError(`cannot write ${part}`, cause);
    });
    try {
      for await (const chunk of bodyOf(response)) {
        clearTimeout(clock);
        clock = setTimeout(giveUp, 1000 * patience);
        done += chunk.length;
        if (done > maxBytes) throw refused(url, `at most ${maxBytes} bytes`, 'more');
        await file.writeFile(chunk).catch((cause) => {
          throw diskError(`cannot write ${part}`, cause);
        });
        onProgress?.(done, total);
      }
    } finally {
      await file.close();
    }
    if (done < (total ?? bytes ?? 0))
      throw new Transient(`it broke off after ${done} of ${total ?? bytes} bytes`);
  } catch (cause) {
    throw stop.signal.aborted ? new Transient(`nothing came for ${patience} s`) : cause;
  } finally {
    clearTimeout(clock);
    stop.abort();
  }
}

/** The body piece by piece; that it breaks off is no fault of ours. */
async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  try {
    if (response.body) yield* Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
  } catch (cause) {
    throw new Transient(`it broke off (${cause instanceof Error ? cause.message : cause})`);
  }
}

function checkSize(url: string, { total }: RangeAnswer, bytes: number | undefined, maxBytes: number): void {
  if (bytes !== undefined && total !== undefined && total !== bytes) {
    throw refused(url, `${bytes} bytes`, `${total}`);
  }
  if (total !== undefined && total > maxBytes) throw refused(url, `at most ${maxBytes} bytes`, `${total}`);
}

/** Refuses to begin what the disk cannot hold. */
async function checkRoom(part: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(part)).catch((cause) => {
    throw diskError(`cannot write ${part}`, cause);
  });
  if (needed <= bavail * bsize) return;
  const megabytes = (n: number) => `${Math.ceil(n / 1e6)} MB`;
  throw new FileError({
    what: `${dirname(part)}: the disk is too full`,
    expected: `${megabytes(needed)} free for the download`,
    got: megabytes(bavail * bsize),
    todo: 'Free some space, then run the same command again.',
  });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (s) => s.size,
    () => 0,
  );
}

const memoOf = (part: string) => `${part}.json`;

/** A memo that cannot be read is none: the file then comes from the start. */
async function readMemo(part: string): Promise<Memo | undefined> {
  try {
    const { url, validator, total } = JSON.parse(await readFile(memoOf(part), 'utf8'));
    return typeof url === 'string' ? { url, validator: validator ?? null, total: total ?? null } : undefined;
  } catch {
    return undefined;
  }
}

async function discard(part: string): Promise<void> {
  await Promise.all([rm(part, { force: true }), rm(memoOf(part), { force: true })]);
}
