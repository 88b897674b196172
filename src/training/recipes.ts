// How each architecture is trained where nothing else is said: its paper's settings, or what serves it.
import { AUGMENTATIONS, type Augmentation } from '../augmentation/settings.ts';
import type { ArchitectureName } from '../model/architectures.ts';
import { FIT, type FitOptions } from './fit.ts';
import { OPTIMIZERS } from './optimizers.ts';

export interface Recipe {
  readonly fit: FitOptions;
  readonly augmentation: Augmentation;
}

/** What a network without a recipe of its own takes. */
export const RECIPE: Recipe = { fit: FIT, augmentation: AUGMENTATIONS.light };

/**
 * Becker et al.'s, AudioMNIST, 2018: their solver, with iterations of 100 clips as epochs of 18,000 recordings, and each
 * recording at a random place in its clip.
 */
const paper = (fit: Partial<FitOptions>): Recipe => ({
  fit: { ...FIT, batch: 100, optimizer: OPTIMIZERS.sgd, ...fit },
  augmentation: { ...AUGMENTATIONS.none, shift: 0.2 },
});

/** By architecture. Weights start from He's distribution everywhere. */
export const RECIPES: Readonly<Record<ArchitectureName, Recipe>> = {
  'mel-cnn': RECIPE,
  // Keras' Adam.
  'mfcc-cnn': {
    fit: {
      ...FIT,
      epochs: 30,
      optimizer: { ...OPTIMIZERS.adam, epsilon: 1e-7 },
      schedule: { kind: 'constant', rate: 1e-3 },
    },
    augmentation: AUGMENTATIONS.none,
  },
  // 50,000 iterations.
  audionet: paper({ epochs: 278, patience: 40, schedule: { kind: 'constant', rate: 1e-4 } }),
  // 10,000 iterations, half the rate after each 2,500.
  alexnet: paper({
    epochs: 56,
    patience: 14,
    schedule: { kind: 'step', rate: 1e-3, every: 14, factor: 0.5 },
    clipNorm: 5,
  }),
  resnet: {
    fit: { ...FIT, epochs: 20, schedule: { kind: 'one-cycle', rate: 4e-3 } },
    augmentation: AUGMENTATIONS.light,
  },
};
