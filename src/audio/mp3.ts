// Decodes MPEG audio (MP3, and layers I and II) with mpg123 in WebAssembly.
import { MPEGDecoder } from 'mpg123-decoder';
import { AudioError } from '../errors.ts';
import { assertRate } from './audio.ts';
import { type AudioBlock, mixed } from './mono.ts';
import { type ByteSource, chunksOf } from './source.ts';

/** Bytes that are decoded at once: about four seconds. */
const PIECE = 2 ** 16;

/**
 * An MP3 file's blocks; the two channels that the decoder gives are mixed to mono by their mean. The silence that
 * an encoder put before and after is left out where a LAME tag tells how much.
 *
 * @throws AudioError where the decoder finds an error, or the sample rate changes
 */
export async function* mp3Blocks(source: ByteSource, name: string): AsyncGenerator<AudioBlock> {
  const damaged = (got: string, cause?: unknown) =>
    new AudioError({ what: `${name}: the MP3 file is damaged`, got, cause });
  const decoder = new MPEGDecoder();
  try {
    await decoder.ready;
    let [rate, at] = [0, 0];
    for (const piece of chunksOf(source, PIECE)) {
      const { channelData, samplesDecoded, sampleRate, errors } = decoder.decode(piece);
      if (errors.length > 0) throw damaged(`${errors[0].message} after byte ${at}`);
      at += piece.length;
      if (samplesDecoded === 0) continue;
      rate ||= sampleRate;
      if (sampleRate !== rate) throw damaged(`${sampleRate} Hz after ${rate} Hz`);
      assertRate(rate, name);
      yield { samples: mixed(channelData, samplesDecoded), sampleRate };
    }
    if (rate === 0) throw damaged('no frame that can be decoded');
  } finally {
    decoder.free();
  }
}
