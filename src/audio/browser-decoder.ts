// Decodes in a browser what Earmark itself does not: AAC and whatever else the browser plays.
import { type Audio, makeAudio } from './audio.ts';
import type { ThreadOptions } from './decode-queue.ts';
import { findFormat, HEAD, withoutTag } from './formats.ts';
import { type AudioLimits, assertLength } from './limits.ts';
import { mixed } from './mono.ts';
import { sourceOf } from './source.ts';
import { decodeInWorker } from './worker.ts';

/** The browser resamples what it decodes to a rate that must be given. */
const RATE = 48000;

/**
 * Decodes as `decodeAudio` does, so that samples are those of Node, in a worker that is ended when it takes too long; of
 * other formats, such as M4A, the browser's own decoder makes samples at 48 kHz, if a page calls it and not a worker.
 *
 * @param name how errors call the file
 * @throws AudioError where neither can decode it, or it is longer than `options` allow, or takes longer to decode
 */
export async function decodeInBrowser(
  bytes: Uint8Array,
  name = 'audio',
  options: AudioLimits & ThreadOptions = {},
): Promise<Audio> {
  const head = withoutTag(sourceOf(bytes)).read(0, HEAD);
  if (bytes.length === 0 || findFormat(head)) return decodeInWorker(bytes, name, options);
  const buffer = await decodeByBrowser(bytes);
  // What the browser cannot decode either is refused by name.
  if (!buffer) return decodeInWorker(bytes, name, options);
  assertLength(buffer.length, RATE, name, options);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  return makeAudio(mixed(channels, buffer.length), RATE, name);
}

async function decodeByBrowser(bytes: Uint8Array): Promise<AudioBuffer | undefined> {
  try {
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes.slice().buffer);
  } catch {
    return undefined;
  }
}
