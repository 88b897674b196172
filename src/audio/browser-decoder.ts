// Decodes in a browser what Earmark itself does not: AAC and whatever else the browser plays.
import type { Audio } from './audio.ts';
import { decodeAudio } from './decode.ts';
import { findFormat, withoutTag } from './formats.ts';
import type { AudioLimits } from './limits.ts';
import { MonoBuffer } from './mono.ts';

/** The browser resamples what it decodes to a rate that must be given. */
const RATE = 48000;

/**
 * Decodes as `decodeAudio` does, so that samples are those of Node; of other formats, such as M4A, the browser's own
 * decoder makes samples at 48 kHz. That one can be called in a page only, not in a worker.
 *
 * @param name how errors call the file
 * @throws AudioError where neither can decode it, or it is longer than `limits` allow
 */
export async function decodeInBrowser(
  bytes: Uint8Array,
  name = 'audio',
  limits: AudioLimits = {},
): Promise<Audio> {
  if (bytes.length === 0 || findFormat(withoutTag(bytes))) return decodeAudio(bytes, name, limits);
  const buffer = await decodeByBrowser(bytes);
  // What the browser cannot decode either is refused by name.
  if (!buffer) return decodeAudio(bytes, name, limits);
  const mono = new MonoBuffer(name, RATE, limits, buffer.length);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  mono.add(channels, buffer.length);
  return mono.finish();
}

async function decodeByBrowser(bytes: Uint8Array): Promise<AudioBuffer | undefined> {
  try {
    return await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes.slice().buffer);
  } catch {
    return undefined;
  }
}
