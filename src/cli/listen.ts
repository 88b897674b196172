// What a model listens to as WAV files: the options that ask for them, and the files.
import { basename } from 'node:path';
import { Option } from 'commander';
import { encodeWav } from '../audio/wav.ts';
import { writeFileAtomic } from '../files/atomic.ts';
import { listen } from '../hertz/listen.ts';
import type { ExplainedClip } from './explained-clip.ts';
import { positiveNumber } from './options.ts';

/** `--listen`, and `--sharpness`, which implies it. */
export interface ListenFlags {
  readonly listen?: boolean;
  readonly sharpness?: number;
}

export function listenOptions(): [listen: Option, sharpness: Option] {
  return [
    new Option('--listen', 'also write NAME.for.wav, NAME.against.wav and NAME.whole.wav, to be heard'),
    new Option(
      '--sharpness <number>',
      'exponent of relevance in what is heard; the larger, the less is left beside the most relevant (0.5)',
    )
      .argParser(positiveNumber)
      .implies({ listen: true }),
  ];
}

/**
 * Writes `path`.for.wav and so on, at the rate and of the length that the model hears, in 16 bits.
 *
 * @returns what the JSON says of them
 * @throws FileError
 */
export async function writeSounds(
  { clip, relevance, spectrum, settings }: ExplainedClip,
  path: string,
  sharpness: ListenFlags['sharpness'],
) {
  const heard = { samples: clip.fit.samples, relevance };
  const { sounds, sampleRate, ...facts } = listen(
    heard,
    spectrum,
    settings,
    sharpness === undefined ? {} : { sharpness },
  );
  const files: { sound: string; file: string; gain: number | null }[] = [];
  for (const { name, samples, gain } of sounds) {
    const file = `${path}.${name}.wav`;
    await writeFileAtomic(file, encodeWav({ samples, sampleRate }));
    files.push({ sound: name, file: basename(file), gain });
  }
  return { sampleRate, ...facts, files };
}
