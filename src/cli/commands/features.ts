// `earmark features`: spectrograms and MFCCs of a recording as librosa computes them, in a .npy file.
import { type Command, Option } from 'commander';
import type { Audio } from '../../audio/audio.ts';
import { resample } from '../../audio/resample.ts';
import { powerToDb } from '../../features/decibel.ts';
import type { Matrix } from '../../features/matrix.ts';
import { melspectrogram } from '../../features/mel.ts';
import { mfcc } from '../../features/mfcc.ts';
import { spectrogram } from '../../features/stft.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import { encodeNpy } from '../../files/npy.ts';
import { readAudible } from '../clips.ts';
import { type Arguments, addArguments, KINDS, type Kind, readArguments } from '../feature-arguments.ts';
import type { Frame, Result } from '../frame.ts';
import { jsonOption, wholeNumber } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface FeaturesOptions {
  readonly kind: Kind;
  /** .npy to write: float32 [bins, frames]. */
  readonly out: string;
  /** Hz; the file's own unless given. */
  readonly sampleRate?: number;
  /** librosa's arguments as text, by their camel-case names. */
  readonly [argument: string]: unknown;
}

const EXAMPLE = `
The options are the arguments of librosa.stft, librosa.feature.melspectrogram
(mel), that and librosa.power_to_db (logmel), and librosa.feature.mfcc, with
their defaults; in brackets, the kinds that take one, where not all do.

Example:
  earmark features three.wav --kind logmel --n-fft 512 --n-mels 40 --ref max --out f.npy`;

export function addFeatures(program: Command, { give }: Frame): void {
  const command = program
    .command('features')
    .summary('a spectrogram, mel spectrogram or MFCCs as a .npy file')
    .description("Compute a recording's spectrogram, mel spectrogram or MFCCs as librosa does.")
    .argument('<audio>', 'WAV file')
    .addOption(
      new Option('--kind <kind>', 'what to compute; stft gives the magnitude')
        .choices(KINDS)
        .makeOptionMandatory(),
    )
    .requiredOption('--out <f.npy>', 'where to write it: float32 [bins, frames]')
    .option('--sample-rate <hz>', "resample to this rate first (default: the file's own)", wholeNumber(1));
  addArguments(command)
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(async (audio: string, options: FeaturesOptions & { json?: boolean }) =>
      give(await features(audio, options), options.json),
    );
}

const COMPUTE: Readonly<Record<Kind, (audio: Audio, args: Arguments) => Matrix>> = {
  stft: ({ samples }, args) => spectrogram(samples, args),
  mel: ({ samples, sampleRate }, args) => melspectrogram(samples, { ...args, sampleRate }),
  logmel: ({ samples, sampleRate }, args) =>
    powerToDb(melspectrogram(samples, { ...args, sampleRate }), args),
  mfcc: ({ samples, sampleRate }, args) => mfcc(samples, { ...args, sampleRate }),
};

/** @throws FileError, AudioError, FeatureError, UsageError */
export async function features(path: string, { kind, out, ...options }: FeaturesOptions): Promise<Result> {
  const args = readArguments(kind, options);
  await checkOutputs(out);
  const audio = await readAudible(path);
  const heard = await resample(audio, options.sampleRate ?? audio.sampleRate);
  const { rows, columns, data } = COMPUTE[kind](heard, args);
  const shape = [rows, columns];
  await writeFileAtomic(out, encodeNpy({ dtype: 'float32', shape, data: Float32Array.from(data) }));
  const json = { file: path, kind, shape, sampleRate: heard.sampleRate, out };
  return { text: `${out}: ${kind} [${shape.join(', ')}] at ${heard.sampleRate} Hz`, json };
}
