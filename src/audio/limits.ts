// How long a decoded recording may be, so that no file takes more memory than is there.
import { AudioError } from '../errors.ts';

/** What a decoder may use. */
export interface AudioLimits {
  /** Most samples in each channel; 2²⁶ by default: 23 minutes at 48 kHz, 256 MB once decoded. */
  maxSamples?: number;
}

export const MAX_SAMPLES = 2 ** 26;

/** Refuses a recording of more samples than may be decoded. @throws AudioError */
export function assertLength(samples: number, sampleRate: number, name: string, options: AudioLimits): void {
  const { maxSamples = MAX_SAMPLES } = options;
  if (samples <= maxSamples) return;
  const seconds = Math.floor(maxSamples / sampleRate);
  throw new AudioError({
    what: `${name}: the recording is too long`,
    expected: `at most ${duration(maxSamples / sampleRate)} at ${sampleRate} Hz`,
    got: Number.isFinite(samples) ? duration(samples / sampleRate) : 'more',
    todo: `Cut it, e.g. \`ffmpeg -i ${name.split(/[\\/]/).at(-1)} -f segment -segment_time ${seconds} part-%03d.wav\`, or let a window slide over it (--window).`,
  });
}

/** A time as people say it: "2 h 5 min", "5 min 3 s", "3 s". */
export function duration(seconds: number): string {
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (h > 0) return `${h} h ${m} min`;
  return m > 0 ? `${m} min ${s} s` : `${s} s`;
}
