// How training examples are varied: every amount with its unit, checked where people write them.
import { z } from 'zod';
import { TrainingError } from '../errors.ts';

const amount = z.number().nonnegative();
const share = z.number().min(0).max(1);
const rangeFrom = (least: number) => {
  const end = z.number().min(least);
  return z
    .tuple([end, end], 'two numbers, the smaller first, as in 0.1:0.8')
    .refine(([low, high]) => low <= high, 'two numbers, the smaller first');
};
const range = rangeFrom(-200);

const schema = z.strictObject({
  /** Largest shift in time either way, as a share of the model's clip; what fits into the clip stays inside. */
  shift: share.default(0),
  /** Largest change of level either way, dB. */
  gain: amount.max(60).default(0),
  /** Largest relative change of speed either way, by resampling: tempo, pitch and formants together. */
  speed: amount.max(0.5).default(0),
  /** Largest change of pitch either way, semitones; the tempo stays. */
  pitch: amount.max(12).default(0),
  /** Largest relative change of tempo either way; the pitch stays. */
  tempo: amount.max(0.5).default(0),
  /** Largest relative change of the vocal tract's length either way: formants move, pitch and tempo stay. */
  tract: amount.max(0.5).default(0),
  /** Share of the examples that get noise, white, pink or brown. */
  noise: share.default(0),
  /** Range of their signal-to-noise ratio, dB. */
  snr: range.default([5, 50]),
  /** Share of the noisy ones whose noise ends with the recording, as where words were cut out of longer recordings. */
  cut: share.default(0),
  /** Share of the examples that are put into a room. */
  reverb: share.default(0),
  /** Range of the time in which its sound falls by 60 dB, s, */
  decay: rangeFrom(0.01).default([0.1, 0.8]),
  /** and of the direct sound's energy relative to it, dB. */
  direct: range.default([-2, 14]),
  /** Largest gain or loss of an octave either way, dB: microphones and lines. */
  equalizer: amount.max(40).default(0),
  /** Share of the examples whose band is limited as by a telephone or a muffled microphone. */
  band: share.default(0),
  /** Number of stripes of frames that are blanked, each of up to an eighth of the clip. */
  timeMasks: z.int().nonnegative().max(16).default(0),
  /** Number of stripes of bins that are blanked, each of up to a sixth of them. */
  binMasks: z.int().nonnegative().max(16).default(0),
  /** α of mixup: λ ~ Beta(α, α) of one example and 1 − λ of another; 0 mixes none. */
  mixup: amount.max(10).default(0),
});

/** What is varied, and by how much; what is 0 is left as it is. */
export type Augmentation = Readonly<z.infer<typeof schema>>;

/** Settings by name, from nothing to what unheard voices and rooms ask for. */
export const AUGMENTATIONS = {
  none: schema.parse({}),
  light: schema.parse({ shift: 0.1, noise: 0.5 }),
  strong: schema.parse({
    shift: 0.3,
    speed: 0.2,
    tempo: 0.15,
    tract: 0.15,
    noise: 0.7,
    snr: [0, 40],
    cut: 0.5,
    reverb: 0.4,
    equalizer: 10,
    band: 0.5,
    timeMasks: 2,
    binMasks: 2,
  }),
} as const satisfies Record<string, Augmentation>;

/**
 * Checks settings that come from a file or from a user; what is left out is left as it is.
 * @throws TrainingError for an unknown name, or a value out of its range
 */
export function parseAugmentation(value: unknown, name = 'augmentation'): Augmentation {
  const { success, data, error } = schema.safeParse(value, { error: inWords });
  if (success) return data;
  const [issue] = error.issues;
  const unknown = issue.code === 'unrecognized_keys';
  throw new TrainingError({
    what: unknown ? name : `${name}: ${issue.path.join('.') || 'value'}`,
    expected: unknown ? `settings among ${Object.keys(schema.shape).join(', ')}` : issue.message,
    got: unknown ? issue.keys.join(', ') : shown(valueAt(value, issue.path)),
  });
}

/** What a value should have been, where the schema itself does not say. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'too_small':
      return `a number from ${issue.minimum} on`;
    case 'too_big':
      return `a number up to ${issue.maximum}`;
    case 'invalid_type':
      return issue.expected === 'int' ? 'a whole number' : 'a number';
    default:
      return undefined;
  }
};

/** As it was typed; JSON has no NaN. */
const shown = (value: unknown) => (typeof value === 'number' ? `${value}` : JSON.stringify(value));

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown>)?.[key], value);

/**
 * Settings as typed: a name, single amounts, or both: `strong`, `shift=0.2,noise=0.5,snr=0:30`, `strong,pitch=0`.
 * @throws TrainingError
 */
export function augmentationFromText(text: string): Augmentation {
  const changes: Record<string, unknown> = {};
  for (const part of text.split(',').map((p) => p.trim())) {
    const [key, value] = part.split('=');
    if (value === undefined && key in AUGMENTATIONS) {
      Object.assign(changes, AUGMENTATIONS[key as keyof typeof AUGMENTATIONS]);
      continue;
    }
    if (value === undefined) {
      throw new TrainingError({
        what: 'augmentation',
        expected: `${Object.keys(AUGMENTATIONS).join(', ')}, or settings like shift=0.1`,
        got: part,
      });
    }
    const numbers = value.split(':').map(Number);
    changes[key] = numbers.length === 1 ? numbers[0] : numbers;
  }
  return parseAugmentation(changes);
}
