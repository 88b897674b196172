// Reads a recording from disk: WAV piece by piece, other formats whole, in a thread of their own.
import { closeSync } from 'node:fs';
import { AudioError } from '../errors.ts';
import { readBytes } from '../files/atomic.ts';
import type { Audio } from './audio.ts';
import type { ThreadOptions } from './decode-queue.ts';
import { FIRST, fileSource, openRecording } from './disk-source.ts';
import { formatOf, HEAD } from './formats.ts';
import type { ByteSource } from './source.ts';
import { decodeInThread } from './thread.ts';
import { decodeWav, type WavOptions } from './wav.ts';

/** What reading a recording may take. */
export interface ReadOptions extends WavOptions, ThreadOptions {
  /** Most bytes of a file that is not WAV; 2²⁸ by default (256 MB). */
  maxBytes?: number;
}

/**
 * Reads a WAV, FLAC, MP3, Ogg Vorbis, Ogg Opus or Ogg FLAC file as mono samples at its own sample rate (Opus: 48 kHz).
 * The format is told by the content, never by the name.
 *
 * @throws FileError where the file cannot be read
 * @throws AudioError where it is another format, which is named, or damaged, or longer than `options` allow, or takes
 *   longer to decode
 */
export async function readAudio(path: string, options: ReadOptions = {}): Promise<Audio> {
  const { maxBytes = 2 ** 28 } = options;
  return withFile(path, async (source) => {
    const head = source.read(0, HEAD);
    const isTagged = String.fromCharCode(...head.subarray(0, 3)) === 'ID3';
    if (!isTagged && formatOf(head, path).name === 'WAV') return decodeWav(source, path, options);
    if (source.size > maxBytes) {
      throw new AudioError({
        what: `${path}: the file is too large`,
        expected: `at most ${Math.round(maxBytes / 2 ** 20)} MB`,
        got: `${Math.round(source.size / 2 ** 20)} MB`,
        todo: `Cut it, e.g. \`ffmpeg -i ${path.split(/[\\/]/).at(-1)} -c copy -f segment -segment_time 600 part-%03d${/\.\w+$/.exec(path)?.[0] ?? ''}\`, or let a window slide over it (--window).`,
      });
    }
    return decodeInThread(await readBytes(path, 'recording'), path, options);
  });
}

/** Where a file's beginning is read to, and done with before anything is waited for. */
const room = new Uint8Array(FIRST);

/** Opens a file for a while. @throws FileError where that cannot be done */
async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = openRecording(path);
  try {
    return await use(fileSource(file, path, room));
  } finally {
    closeSync(file);
  }
}
