// Decodes any recording that can be read, by its content; runs anywhere.
import { AudioError, EarmarkError } from '../errors.ts';
import type { Audio } from './audio.ts';
import { formatOf, HEAD, withoutTag } from './formats.ts';
import type { AudioLimits } from './limits.ts';
import { type AudioBlock, wholeOf } from './mono.ts';
import { type ByteSource, sourceOf } from './source.ts';

/**
 * Decodes a WAV, FLAC, MP3, Ogg Vorbis, Ogg Opus or Ogg FLAC file to mono samples at its own sample rate (Opus: 48 kHz).
 * The format is told by the bytes, never by the name. It runs in the thread that calls it, however long that takes: for
 * files of strangers there are `readAudio` in Node and `decodeInBrowser`, which end a decoder that takes too long.
 *
 * @param name how errors call the file
 * @throws AudioError where it is another format, which is named, or damaged, or longer than `options` allow
 */
export async function decodeAudio(
  bytes: Uint8Array,
  name = 'audio',
  options: AudioLimits = {},
): Promise<Audio> {
  return wholeOf(decodeBlocks(sourceOf(bytes), name), name, options);
}

/** A recording's blocks, decoded as they are asked for. @throws AudioError as {@link decodeAudio}, but for the length */
export async function* decodeBlocks(source: ByteSource, name: string): AsyncGenerator<AudioBlock> {
  const content = withoutTag(source);
  try {
    yield* formatOf(content.read(0, HEAD), name).decode(content, name);
  } catch (cause) {
    if (cause instanceof EarmarkError) throw cause;
    // A decoder in WebAssembly that failed; what it says is of no use to a user.
    throw new AudioError({ what: `${name}: the recording cannot be decoded, it is damaged`, cause });
  }
}
