// Decodes MPEG audio (MP3, and layers I and II) with mpg123 in WebAssembly.
import { MPEGDecoder } from 'mpg123-decoder';
import { AudioError } from '../errors.ts';
import type { Audio } from './audio.ts';
import type { AudioLimits } from './limits.ts';
import { MonoBuffer } from './mono.ts';

/** Bytes that are decoded at once: about four seconds. */
const PIECE = 2 ** 16;

/**
 * Decodes an MP3 file; the two channels that the decoder gives are mixed to mono by their mean. The silence that
 * an encoder put before and after is left out where a LAME tag tells how much.
 *
 * @param name how errors call the file
 * @throws AudioError where the decoder finds an error, the sample rate changes, or the recording is too long
 */
export async function decodeMp3(
  bytes: Uint8Array,
  name = 'audio',
  options: AudioLimits = {},
): Promise<Audio> {
  const damaged = (got: string, cause?: unknown) =>
    new AudioError({ what: `${name}: the MP3 file is damaged`, got, cause });
  const decoder = new MPEGDecoder();
  try {
    await decoder.ready;
    let mono: MonoBuffer | undefined;
    let rate = 0;
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      const { channelData, samplesDecoded, sampleRate, errors } = decoder.decode(piece);
      if (errors.length > 0) throw damaged(`${errors[0].message} after byte ${at}`);
      if (samplesDecoded === 0) continue;
      mono ??= new MonoBuffer(name, sampleRate, options);
      rate ||= sampleRate;
      if (sampleRate !== rate) throw damaged(`${sampleRate} Hz after ${rate} Hz`);
      mono.add(channelData, samplesDecoded);
    }
    if (!mono) throw damaged('no frame that can be decoded');
    return mono.finish();
  } finally {
    decoder.free();
  }
}
