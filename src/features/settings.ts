// What a model listens to: the settings that turn a clip into its input, kept in the model's file.
import { z } from 'zod';
import { FeatureError } from '../errors.ts';
import type { Matrix } from './matrix.ts';
import { melFilters } from './mel.ts';
import { type PadMode, padModes } from './pad.ts';
import { windowNames } from './window.ts';

const count = z.int().positive();

const schema = z.strictObject({
  /** Log-mel spectrogram, or the cosine transform of one. */
  kind: z.enum(['logmel', 'mfcc']),
  /** Hz; recordings at another rate are resampled. */
  sampleRate: count,
  /** Length of the clip in samples. */
  clipSamples: count,
  nFft: count,
  hopLength: count,
  winLength: count.nullable(),
  window: z.string().refine((name) => windowNames.includes(name), 'unknown window'),
  center: z.boolean(),
  padMode: z.enum(padModes as [PadMode, ...PadMode[]]),
  nMels: count,
  /** Hz. */
  fmin: z.number().nonnegative(),
  /** Hz; null: half the sample rate. */
  fmax: z.number().positive().nullable(),
  htk: z.boolean(),
  /** Scaling of the mel filters. */
  norm: z.union([z.literal('slaney'), z.number().positive(), z.null()]),
  /** dB from the clip's loudest value down to what counts as silence. */
  topDb: z.number().positive(),
  nMfcc: count,
  dctType: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  lifter: z.number().nonnegative(),
});

/** Settings of a model's input, named and meant as librosa's arguments. */
export type FeatureSettings = Readonly<z.infer<typeof schema>>;

/**
 * Checks settings that come from a file or from a user.
 *
 * @param name how errors call them
 * @throws FeatureError where a setting is missing, unknown or of the wrong kind, or contradicts another
 */
export function parseFeatureSettings(value: unknown, name = 'feature settings'): FeatureSettings {
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const issue = error.issues[0];
    throw new FeatureError(`${name}: ${issue.path.join('.') || 'value'}: ${issue.message}`);
  }
  const contradictions: [boolean, string, string][] = [
    [(data.winLength ?? 0) > data.nFft, `winLength at most nFft = ${data.nFft}`, `${data.winLength}`],
    [
      !data.center && data.clipSamples < data.nFft,
      `clips of at least nFft = ${data.nFft} samples`,
      `${data.clipSamples}`,
    ],
    [
      (data.fmax ?? 0) > data.sampleRate / 2,
      `fmax at most half the sample rate, ${data.sampleRate / 2} Hz`,
      `${data.fmax}`,
    ],
    [data.fmin >= (data.fmax ?? data.sampleRate / 2), 'fmin below fmax', `${data.fmin}`],
    [data.kind === 'mfcc' && data.nMfcc > data.nMels, `nMfcc at most nMels = ${data.nMels}`, `${data.nMfcc}`],
  ];
  const found = contradictions.find(([wrong]) => wrong);
  if (found) throw new FeatureError({ what: name, expected: found[1], got: found[2] });
  return data;
}

/**
 * Settings for speech at any sample rate: a Hann window of 32 ms every 10 ms, as many mel bands (up to 48) as leave
 * no filter empty, 80 dB; at 8 kHz nFft 256, hop 80.
 *
 * @param sampleRate Hz
 * @param clipSeconds length of a clip in seconds
 * @throws FeatureError where they are too small for a single frame or filter
 */
export function defaultFeatures(
  kind: FeatureSettings['kind'],
  sampleRate: number,
  clipSeconds: number,
): FeatureSettings {
  const winLength = Math.round(0.032 * sampleRate);
  const nFft = 2 ** Math.ceil(Math.log2(winLength));
  let nMels = 48;
  while (nMels > 1 && hasEmptyFilter(melFilters(sampleRate, nFft, { nMels }))) nMels -= 4;
  const settings: FeatureSettings = {
    kind,
    sampleRate,
    clipSamples: Math.round(clipSeconds * sampleRate),
    nFft,
    hopLength: Math.round(0.01 * sampleRate),
    winLength: winLength === nFft ? null : winLength,
    window: 'hann',
    center: true,
    padMode: 'constant',
    nMels,
    fmin: 0,
    fmax: null,
    htk: false,
    norm: 'slaney',
    topDb: 80,
    nMfcc: Math.min(40, nMels),
    dctType: 2,
    lifter: 0,
  };
  return parseFeatureSettings(settings, `features at ${sampleRate} Hz`);
}

/** Whether a filter passes nothing, because no bin of the transform lies under its triangle. */
export function hasEmptyFilter(filters: Matrix): boolean {
  const { rows, columns, data } = filters;
  return Array.from({ length: rows }, (_, m) => data.subarray(m * columns, (m + 1) * columns)).some(
    (filter) => filter.every((weight) => weight === 0),
  );
}
