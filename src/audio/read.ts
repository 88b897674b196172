// Reads a recording from disk.
import { readBytes } from '../files/atomic.ts';
import type { Audio } from './audio.ts';
import { decodeWav } from './wav.ts';

/**
 * Reads a WAV file as mono samples at the file's own sample rate.
 *
 * @throws FileError where the file cannot be read
 * @throws AudioError where it is not WAV (a FLAC, MP3, Ogg … file is named as such) or cannot be decoded
 */
export async function readAudio(path: string): Promise<Audio> {
  return decodeWav(await readBytes(path, 'recording'), path);
}
