// The networks that Earmark can train by name, and what each listens to.
import { ModelError } from '../errors.ts';
import {
  defaultFeatures,
  type FeatureKind,
  type FeatureSettings,
  parseFeatureSettings,
} from '../features/settings.ts';
import type { Layer, Network } from './layers.ts';

/** What a network is made to listen to. */
export interface Listens {
  /** What it listens to if nothing else is said, and what else it takes. */
  readonly kinds: readonly FeatureKind[];
  /** Hz; where not given, the recordings' own. */
  readonly sampleRate?: number;
  /** Length of a clip, s; where not given, as the recordings need. */
  readonly clipSeconds?: number;
  /** The settings for a rate and a length. @throws FeatureError where they are too small */
  readonly settings: (kind: FeatureKind, sampleRate: number, clipSeconds: number) => FeatureSettings;
}

export interface Architecture {
  /** One sentence about it, with its source and where it differs from that. */
  readonly says: string;
  readonly layers: (classes: number) => readonly Layer[];
  readonly features: Listens;
}

const conv = (channels: number, extra: Partial<Extract<Layer, { kind: 'conv' }>> = {}): Layer => ({
  kind: 'conv',
  channels,
  kernel: [3, 3],
  ...extra,
});
const dense = (units: number): Layer => ({ kind: 'dense', units });
const relu: Layer = { kind: 'relu' };
const flatten: Layer = { kind: 'flatten' };
const dropout = (rate: number): Layer => ({ kind: 'dropout', rate });
const halved: Layer = { kind: 'averagepool', size: [2, 2] };

const normed = (channels: number): Layer[] => [conv(channels, { bias: false }), { kind: 'batchnorm' }, relu];

/** [N, 1, 48, 64] or so. */
const SPECTRAL: Listens = { kinds: ['logmel', 'mfcc'], settings: defaultFeatures };

/** The research notebook's block: conv, ReLU, batch norm, max pool, dropout. */
const mfccBlock = (channels: number): Layer[] => [
  conv(channels),
  relu,
  { kind: 'batchnorm' },
  { kind: 'maxpool', size: [2, 2] },
  dropout(0.25),
];

/** Two normed convolutions beside a shortcut, and a ReLU behind their sum. @see He et al., Deep Residual Learning, 2016 */
const residual = (channels: number, widens: boolean): Layer[] => [
  {
    kind: 'residual',
    layers: [...normed(channels), conv(channels, { bias: false }), { kind: 'batchnorm' }],
    shortcut: widens ? [conv(channels, { kernel: [1, 1], bias: false }), { kind: 'batchnorm' }] : [],
  },
  relu,
];

/** AudioNet's: a waveform's convolution of three samples and a pooling by two, the first of three that overlap. */
const waveBlock = (channels: number, i: number): Layer[] => [
  conv(channels, { kernel: [3] }),
  relu,
  i === 0 ? { kind: 'maxpool', size: [3], stride: 2, padding: [0, 1] } : { kind: 'maxpool', size: [2] },
];

const overlapping: Layer = { kind: 'maxpool', size: [3, 3], stride: 2 };
const wide = [dense(1024), relu, dropout(0.5)];

export const ARCHITECTURES = {
  'mel-cnn': {
    says: 'A small CNN made to be explained: silence stays 0 behind its first convolution, and it pools by averages.',
    // The first convolution has neither bias nor norm, so that silence, which is 0, takes no relevance; averages hand
    // relevance on evenly, and only at the end the maximum picks a place.
    layers: (classes) => [
      conv(8, { bias: false }),
      relu,
      halved,
      ...normed(48),
      halved,
      ...normed(96),
      ...normed(128),
      halved,
      ...normed(128),
      { kind: 'globalpool', of: 'max' },
      dropout(0.3),
      dense(classes),
    ],
    features: SPECTRAL,
  },
  'mfcc-cnn': {
    says: 'A widely copied Keras CNN on 40 × 130 MFCCs, 3.65 million parameters; padding is silence here, 0 there.',
    layers: (classes) => [
      ...[64, 128, 256, 512].flatMap(mfccBlock),
      flatten,
      dense(256),
      relu,
      dropout(0.5),
      dense(classes),
    ],
    features: {
      kinds: ['mfcc', 'logmel'],
      sampleRate: 22_050,
      clipSeconds: 3,
      // librosa's defaults: 130 frames in 3 s.
      settings: (kind, sampleRate, clipSeconds) =>
        parseFeatureSettings({
          kind,
          sampleRate,
          clipSamples: Math.round(clipSeconds * sampleRate),
          align: 'start',
          nMels: 128,
          nMfcc: 40,
        }),
    },
  },
  audionet: {
    says: 'AudioNet on one second of samples at 8 kHz (Becker et al. 2018, its prototxt: no ReLU between dense layers); recordings divided by their root mean square, not their 95th percentile.',
    layers: (classes) => [
      ...[100, 64, 128, 128, 128, 128].flatMap(waveBlock),
      flatten,
      dense(1024),
      dropout(0.5),
      dense(512),
      dropout(0.5),
      dense(classes),
    ],
    features: {
      kinds: ['waveform'],
      sampleRate: 8000,
      clipSeconds: 1,
      settings: (kind, sampleRate, clipSeconds) =>
        parseFeatureSettings({
          kind,
          sampleRate,
          clipSamples: Math.round(clipSeconds * sampleRate),
          normalize: 'rms',
          layout: ['batch', 'channel', 'time'],
        }),
    },
  },
  alexnet: {
    says: 'AlexNet on spectrograms of 8 kHz (Becker et al. 2018, its prototxt: two groups, no LRN): 227 frames, 228 bins of which the last is not read; levels (dB + 80)/80 for dB.',
    layers: (classes) => [
      conv(96, { kernel: [11, 11], stride: 4, padding: 'valid' }),
      relu,
      overlapping,
      conv(256, { kernel: [5, 5], groups: 2 }),
      relu,
      overlapping,
      conv(384),
      relu,
      conv(384, { groups: 2 }),
      relu,
      conv(256, { groups: 2 }),
      relu,
      overlapping,
      flatten,
      ...wide,
      ...wide,
      dense(classes),
    ],
    features: {
      kinds: ['spectrogram'],
      sampleRate: 8000,
      // 227 frames: 455 + 226 · 35 samples.
      clipSeconds: 8365 / 8000,
      settings: (kind, sampleRate, clipSeconds) =>
        parseFeatureSettings({
          kind,
          sampleRate,
          clipSamples: Math.round(clipSeconds * sampleRate),
          center: false,
          nFft: 455,
          hopLength: 35,
        }),
    },
  },
  resnet: {
    says: 'A small residual network, three stages of two blocks of 3 × 3 convolutions, 0.7 million parameters.',
    layers: (classes) => [
      conv(16, { bias: false }),
      relu,
      halved,
      ...residual(32, true),
      ...residual(32, false),
      halved,
      ...residual(64, true),
      ...residual(64, false),
      halved,
      ...residual(128, true),
      ...residual(128, false),
      { kind: 'globalpool', of: 'average' },
      dropout(0.2),
      dense(classes),
    ],
    features: SPECTRAL,
  },
} as const satisfies Readonly<Record<string, Architecture>>;

export type ArchitectureName = keyof typeof ARCHITECTURES;

/** The names of {@link ARCHITECTURES}, the default first. */
export const architectures = Object.keys(ARCHITECTURES) as ArchitectureName[];

/** An architecture by its name. @throws ModelError for an unknown name */
export function architectureOf(name: string): Architecture {
  const found = Object.hasOwn(ARCHITECTURES, name) && ARCHITECTURES[name as ArchitectureName];
  if (found) return found;
  throw new ModelError({ what: `unknown architecture "${name}"`, expected: architectures.join(', ') });
}

/** A network by its name. @throws ModelError for an unknown name */
export function architecture(name: string, classes: number): Network {
  return { name, layers: architectureOf(name).layers(classes) };
}
