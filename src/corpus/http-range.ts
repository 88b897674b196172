// What a server's answer to a request for the rest of a file means (RFC 9110, sections 13.1.5 and 14).
import { FileError } from '../errors.ts';

/** Something that may go better another time. */
export class Transient extends Error {
  /** Seconds that the server asks to wait, at most a minute. */
  readonly retryAfter: number | undefined;

  constructor(message: string, retryAfter?: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** That the server cannot be reached at all. */
export class Offline extends Transient {}

/** Bytes from `start` on follow. */
export interface RangeAnswer {
  kind: 'bytes';
  start: number;
  /** Of the whole file, where the server says it. */
  total: number | undefined;
  /** What the server tells versions of the file apart by; null where it says nothing that is good for parts. */
  validator: string | null;
}

/** What is there already. */
export interface Held {
  size: number;
  validator: string | null;
  total: number | null;
}

/** The headers that ask for all from `start` on, if the file is still the same. */
export function partOf(start: number, validator: string): Record<string, string> {
  return { range: `bytes=${start}-`, 'if-range': validator };
}

/**
 * Reads status and headers: bytes to append or to begin with, that all is there, or that what is there is of another file.
 *
 * @throws Transient where the server is busy; FileError where it refuses
 */
export function readAnswer(
  url: string,
  { status, headers }: Response,
  held: Held | undefined,
): RangeAnswer | { kind: 'complete' } | { kind: 'stale' } {
  const validator = validatorOf(headers);
  if (status === 200) {
    const length = Number(headers.get('content-length') ?? Number.NaN);
    return { kind: 'bytes', start: 0, total: Number.isFinite(length) ? length : undefined, validator };
  }
  if (status === 206 && held) {
    const [, first, , all] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    const total = Number(all);
    const isSame =
      Number(first) === held.size &&
      (validator === null || validator === held.validator) &&
      (held.total === null || total === held.total);
    if (!isSame || !Number.isFinite(total)) return { kind: 'stale' };
    return { kind: 'bytes', start: held.size, total, validator };
  }
  if (status === 416 && held) {
    const isAll =
      headers.get('content-range') === `bytes */${held.size}` &&
      (validator === null || validator === held.validator);
    return { kind: isAll ? 'complete' : 'stale' };
  }
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    throw new Transient(
      `the server says ${status}`,
      Number.isFinite(seconds) ? Math.min(60, seconds) : undefined,
    );
  }
  throw refused(url, 'the file', `the status ${status}`);
}

/** A strong ETag or, failing that, the date: a weak ETag does not promise the same bytes. */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get('etag');
  return tag?.startsWith('"') ? tag : headers.get('last-modified');
}

/** An answer that no further attempt would change. */
export function refused(url: string, expected: string, got: string): FileError {
  const todo = 'See whether it has moved, and name another address with --url.';
  return new FileError({ what: `cannot download ${url}`, expected, got, todo });
}
