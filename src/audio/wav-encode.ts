// Encodes mono WAV of 16, 24 or 32 bit PCM.
import type { Audio } from './audio.ts';

/** Encodes mono PCM; samples beyond the range are clipped. What was decoded from as many bits comes back exactly. */
export function encodeWav(audio: Audio, { bits = 16 }: { bits?: 16 | 24 | 32 } = {}): Uint8Array {
  const { samples, sampleRate } = audio;
  const width = bits / 8;
  const size = samples.length * width;
  const bytes = new Uint8Array(44 + size + (size % 2));
  const view = new DataView(bytes.buffer);
  const ascii = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  ascii(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  ascii(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * width, true);
  view.setUint16(32, width, true);
  view.setUint16(34, bits, true);
  ascii(36, 'data');
  view.setUint32(40, size, true);
  const full = 2 ** (bits - 1);
  samples.forEach((s, i) => {
    const value = Math.max(-full, Math.min(full - 1, Math.round(s * full)));
    for (let b = 0; b < width; b++) bytes[44 + i * width + b] = value >> (8 * b);
  });
  return bytes;
}
