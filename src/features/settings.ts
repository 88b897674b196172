// What a model listens to: the settings that turn a clip into its input, kept in the model's file.
import { z } from 'zod';
import { FeatureError } from '../errors.ts';
import { inputShape } from './input.ts';
import { AXES, type Axis, checkLayout, defaultLayout } from './layout.ts';
import type { Matrix } from './matrix.ts';
import { melFilters } from './mel.ts';
import { type PadMode, padModes } from './pad.ts';
import { windowNames } from './window.ts';

const count = z.int().positive();
/** One number for all rows, or one for each. */
const perBin = (one: z.ZodNumber) => z.union([one, z.array(one).min(1)]);

/** What a model can listen to. */
export const FEATURE_KINDS = ['logmel', 'mfcc', 'spectrogram', 'waveform'] as const;
/** How a spectrogram's values become a model's. */
export const SCALINGS = ['level', 'power_to_db', 'log', 'none'] as const;

const schema = z.strictObject({
  /** Mel spectrogram, the cosine transform of one, short-time Fourier transform, or the samples themselves. */
  kind: z.enum(FEATURE_KINDS),
  /** Hz; recordings at another rate are resampled. */
  sampleRate: count,
  /** Length of the clip in samples. */
  clipSamples: count,
  /** Where a shorter recording stands in the clip, and which part of a longer one is taken: the loudest, or the first. */
  align: z.enum(['center', 'start']).default('center'),
  /** Whether a recording is divided by its largest amount or by its root mean square. */
  normalize: z.enum(['peak', 'rms']).nullable().default(null),
  nFft: count.default(2048),
  hopLength: count.default(512),
  winLength: count.nullable().default(null),
  window: z
    .string()
    .refine((name) => windowNames.includes(name), 'unknown window')
    .default('hann'),
  center: z.boolean().default(true),
  padMode: z.enum(padModes as [PadMode, ...PadMode[]]).default('constant'),
  /** Exponent of the magnitude: 2 for power, 1 for magnitude. */
  power: z.number().positive().default(2),
  nMels: count.default(128),
  /** Hz. */
  fmin: z.number().nonnegative().default(0),
  /** Hz; null: half the sample rate. */
  fmax: z.number().positive().nullable().default(null),
  htk: z.boolean().default(false),
  /** Scaling of the mel filters. */
  norm: z.union([z.literal('slaney'), z.number().positive(), z.null()]).default('slaney'),
  /** 'level': dB re the clip's maximum from −topDb … 0 to 0 … 1; librosa's power_to_db; ln(value / ref + offset); none. */
  scaling: z.enum(SCALINGS).default('level'),
  /** Of power_to_db: what is 0 dB; of log: what values are divided by. 'max': the clip's largest value. */
  ref: z.union([z.number().positive(), z.literal('max')]).default(1),
  /** Of power_to_db: the smallest value that is told apart from 0. */
  amin: z.number().positive().default(1e-10),
  /** dB from the clip's loudest value down to what counts as silence; null (not of 'level'): no limit. */
  topDb: z.number().positive().nullable().default(80),
  /** Of log. */
  offset: z.number().positive().default(1e-6),
  nMfcc: count.default(20),
  dctType: z.union([z.literal(1), z.literal(2), z.literal(3)]).default(2),
  dctNorm: z.enum(['ortho', 'backward', 'forward']).nullable().default('ortho'),
  lifter: z.number().nonnegative().default(0),
  /**
   * Each row less its mean over the clip's frames, then by a standard deviation: 'bins' its own (cepstral mean and
   * variance normalization), 'bin-means' that of all rows together.
   */
  standardize: z.enum(['bins', 'bin-means']).nullable().default(null),
  /** What is subtracted from the input in the end, */
  mean: perBin(z.number()).default(0),
  /** and what it is divided by then; for all rows, or for each. */
  std: perBin(z.number().positive()).default(1),
  /** The axes of the model's input, in order. */
  layout: z.array(z.enum(AXES)).optional(),
});

/** Settings of a model's input, named and meant as librosa's arguments. */
export type FeatureSettings = Readonly<Omit<z.infer<typeof schema>, 'layout'> & { layout: readonly Axis[] }>;
export type FeatureKind = FeatureSettings['kind'];

const STFT = ['nFft', 'hopLength', 'winLength', 'window', 'center', 'padMode', 'power'] as const;
const MEL = ['nMels', 'fmin', 'fmax', 'htk', 'norm'] as const;
const CEPSTRUM = ['nMfcc', 'dctType', 'dctNorm', 'lifter'] as const;
const SCALES = {
  level: ['scaling', 'topDb'],
  power_to_db: ['scaling', 'ref', 'amin', 'topDb'],
  log: ['scaling', 'ref', 'offset'],
  none: ['scaling'],
} as const;

/** The settings that have a part in a model's input, in the order of its computation; others are of other kinds. */
export function relevantSettings(settings: FeatureSettings): Partial<FeatureSettings> {
  const { kind, scaling } = settings;
  const spectral =
    kind === 'waveform' ? [] : [...STFT, ...(kind === 'spectrogram' ? [] : MEL), ...SCALES[scaling]];
  const names: readonly (keyof FeatureSettings)[] = [
    ...(['kind', 'sampleRate', 'clipSamples', 'align', 'normalize'] as const),
    ...spectral,
    ...(kind === 'mfcc' ? CEPSTRUM : []),
    ...(['standardize', 'mean', 'std', 'layout'] as const),
  ];
  return Object.fromEntries(names.map((name) => [name, settings[name]]));
}

/**
 * Checks settings that come from a file or from a user; what is left out has librosa's default, 'level' for the
 * scaling, and the layout [batch, channel, bin, time], of a waveform [batch, time].
 *
 * @param name how errors call them
 * @throws FeatureError where a setting is missing, unknown or of the wrong kind, or contradicts another
 */
export function parseFeatureSettings(value: unknown, name = 'feature settings'): FeatureSettings {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw settingError(error.issues[0], name);
  const settings = { ...data, layout: data.layout ?? defaultLayout(data.kind) };
  checkLayout(settings.layout, settings.kind, name);
  const found = contradictions(settings).find(([wrong]) => wrong);
  if (found) throw new FeatureError({ what: name, expected: found[1], got: found[2] });
  return settings;
}

function settingError(issue: z.core.$ZodIssue, name: string): FeatureError {
  if (issue.code === 'unrecognized_keys') {
    const expected = `settings among ${Object.keys(schema.shape).join(', ')}`;
    return new FeatureError({ what: `${name}: unknown setting`, expected, got: issue.keys.join(', ') });
  }
  return new FeatureError(`${name}: ${issue.path.join('.') || 'value'}: ${issue.message}`);
}

/** What may be wrong about settings that are right one by one: whether it is, what was expected, what was found. */
function contradictions(s: FeatureSettings): [wrong: boolean, expected: string, got: string][] {
  const { kind, nFft, clipSamples, sampleRate, fmax, nMels, nMfcc } = s;
  const spectral = kind !== 'waveform';
  const mel = kind === 'logmel' || kind === 'mfcc';
  const [rows] = inputShape(s);
  const level = spectral && s.scaling === 'level';
  const lengths = [s.mean, s.std].map((v) => (typeof v === 'number' ? rows : v.length));
  return [
    [spectral && (s.winLength ?? 0) > nFft, `winLength at most nFft = ${nFft}`, `${s.winLength}`],
    [
      spectral && !s.center && clipSamples < nFft,
      `clips of at least nFft = ${nFft} samples`,
      `${clipSamples}`,
    ],
    [
      mel && (fmax ?? 0) > sampleRate / 2,
      `fmax at most half the sample rate, ${sampleRate / 2} Hz`,
      `${fmax}`,
    ],
    [mel && s.fmin >= (fmax ?? sampleRate / 2), 'fmin below fmax', `${s.fmin}`],
    [kind === 'mfcc' && nMfcc > nMels, `nMfcc at most nMels = ${nMels}`, `${nMfcc}`],
    [level && s.topDb === null, "topDb, a number of dB, for the scaling 'level'", 'null'],
    [level && s.power !== 2, "power 2 for the scaling 'level'", `${s.power}`],
    [lengths[0] !== rows, `mean to be one number, or one for each of ${rows} rows`, `${lengths[0]}`],
    [lengths[1] !== rows, `std to be one number, or one for each of ${rows} rows`, `${lengths[1]}`],
  ];
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
  const settings = {
    kind,
    sampleRate,
    clipSamples: Math.round(clipSeconds * sampleRate),
    nFft,
    hopLength: Math.round(0.01 * sampleRate),
    winLength: winLength === nFft ? null : winLength,
    nMels,
    nMfcc: Math.min(40, nMels),
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
