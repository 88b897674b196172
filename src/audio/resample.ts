// Changes the sample rate with libsamplerate's sinc converters.
import * as imported from '@alexanderolsen/libsamplerate-js';
import { AudioError } from '../errors.ts';
import { type Audio, makeAudio } from './audio.ts';

// The package is CommonJS without named exports that Node could see; bundlers give them directly.
const libsamplerate = 'default' in imported ? (imported.default as typeof imported) : imported;
type Converter = Awaited<ReturnType<typeof libsamplerate.create>>;

/** libsamplerate's own limit on the ratio of the rates, either way. */
const MAX_RATIO = 256;
/** Half the length of the sinc, in samples of the lower rate (340,239 coefficients, 2,381 to a sample), rounded up. */
const HALF_SINC = 150;
/** The converter's buffers hold 1,008,000 samples; longer recordings go through it in blocks. */
const MAX_BLOCK = 500_000;

/** libsamplerate's names; what they do was measured, the time is that of a second from 48 to 8 kHz. */
const QUALITIES = {
  /** Aliases below −145 dB, flat to 92 % of the band, −3 dB at 96 %; 53 ms. librosa's default, soxr's HQ, is flat to 91 %. */
  best: libsamplerate.ConverterType.SRC_SINC_BEST_QUALITY,
  /** Aliases below −120 dB, flat to 85 % of the band, −2 dB at 90 %; 14 ms. */
  medium: libsamplerate.ConverterType.SRC_SINC_MEDIUM_QUALITY,
};
export type ResampleQuality = keyof typeof QUALITIES;

const converters = new Map<string, Promise<Converter>>();

/**
 * Resamples to ⌈n · targetRate / sampleRate⌉ samples: sample i of the result is the recording at i / targetRate
 * seconds, without delay; beyond its ends the recording counts as 0. Equal rates give the same recording.
 *
 * @param targetRate Hz
 * @param quality `medium` takes a quarter of the time and loses the band's upper tenth
 * @throws AudioError where the rate is not a positive integer, or more than 256 times higher or lower
 */
export async function resample(
  audio: Audio,
  targetRate: number,
  quality: ResampleQuality = 'best',
): Promise<Audio> {
  const { samples, sampleRate } = audio;
  if (targetRate === sampleRate) return audio;
  const ratio = targetRate / sampleRate;
  if (!Number.isInteger(targetRate) || ratio > MAX_RATIO || ratio < 1 / MAX_RATIO) {
    throw new AudioError({
      what: `cannot resample from ${sampleRate} Hz`,
      expected: `a whole rate, at most ${MAX_RATIO} times higher or lower`,
      got: `${targetRate} Hz`,
    });
  }
  const length = Math.ceil(samples.length * ratio);
  // The converter ends where its filter would need samples after the last: zeros let it reach the end.
  const padded = new Float32Array(samples.length + Math.ceil(HALF_SINC * Math.max(1, 1 / ratio)) + 1);
  padded.set(samples);
  const block = Math.floor(MAX_BLOCK / Math.max(1, ratio));
  if (padded.length <= block) {
    const converter = await wholeConverter(sampleRate, targetRate, quality);
    return makeAudio(converter.simple(padded).slice(0, length), targetRate);
  }
  const converter = await makeConverter(sampleRate, targetRate, quality);
  const out = new Float32Array(length);
  for (let at = 0, done = 0; at < padded.length && done < length; at += block) {
    const part = converter.full(padded.subarray(at, at + block)).subarray(0, length - done);
    out.set(part, done);
    done += part.length;
  }
  return makeAudio(out, targetRate);
}

/** A converter keeps no state between whole recordings (only between blocks), so one serves all of a corpus. */
function wholeConverter(from: number, to: number, quality: ResampleQuality): Promise<Converter> {
  const key = `${from}/${to}/${quality}`;
  const converter = converters.get(key) ?? makeConverter(from, to, quality);
  converters.set(key, converter);
  return converter;
}

function makeConverter(from: number, to: number, quality: ResampleQuality): Promise<Converter> {
  // Only the ratio matters; in lowest terms it also stays below the package's limit of 192 kHz.
  const divisor = gcd(from, to);
  return libsamplerate.create(1, from / divisor, to / divisor, { converterType: QUALITIES[quality] });
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
