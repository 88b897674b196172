// The recipe of the digit classifier in models/digits: what it listens to, its layers, how it is trained.
import { AUGMENTATIONS, type Augmentation } from '../../src/augmentation/settings.ts';
import { parseFeatureSettings } from '../../src/features/settings.ts';
import type { Layer, Network } from '../../src/model/layers.ts';
import { FIT, type FitOptions } from '../../src/training/fit.ts';
import { OPTIMIZERS } from '../../src/training/optimizers.ts';

/**
 * One second at 8 kHz, so that telephones are heard as well as studios. Each mel band less its mean over the clip, all by
 * one deviation: microphones and rooms scale bands, and that takes it out. (By a deviation of each, bands in which little is
 * heard would count as much as the others: that costs 10 points of recordings by people who were not trained on.)
 */
export const FEATURES = parseFeatureSettings({
  kind: 'logmel',
  sampleRate: 8000,
  clipSamples: 8000,
  nFft: 256,
  hopLength: 100,
  nMels: 40,
  fmin: 60,
  fmax: 3800,
  topDb: 60,
  standardize: 'bin-means',
});

const conv = (channels: number): Layer => ({ kind: 'conv', channels, kernel: [3, 3], bias: false });
const normed = (channels: number): Layer[] => [conv(channels), { kind: 'batchnorm' }, { kind: 'relu' }];
const halved: Layer = { kind: 'averagepool', size: [2, 2] };

/** [N, 1, 40, 81] → [N, 10] */
export const NETWORK: Network = {
  name: 'digits',
  layers: [
    conv(16),
    { kind: 'relu' },
    halved,
    ...normed(32),
    halved,
    ...normed(48),
    ...normed(64),
    halved,
    ...normed(96),
    { kind: 'globalpool', of: 'average' },
    { kind: 'dropout', rate: 0.2 },
    { kind: 'dense', units: 10 },
  ],
};

export const VARIED = AUGMENTATIONS.strong;

export const EPOCHS = 32;

export const FIT_DIGITS: FitOptions = {
  ...FIT,
  epochs: EPOCHS,
  patience: EPOCHS,
  batch: 32,
  optimizer: { ...OPTIMIZERS.adamw, weightDecay: 0.05 },
  schedule: { kind: 'one-cycle', rate: 3e-3, rise: 0.15 },
  clipNorm: 2,
  smoothing: 0.1,
  average: 0.998,
};

/** What is made of the test recordings: each as it is, and as it might have been recorded. */
export const CONDITIONS = {
  clean: AUGMENTATIONS.none,
  'noise, 10 dB': { ...AUGMENTATIONS.none, noise: 1, snr: [10, 10] },
  room: { ...AUGMENTATIONS.none, reverb: 1 },
  'band-limited': { ...AUGMENTATIONS.none, band: 1 },
} satisfies Record<string, Augmentation>;
