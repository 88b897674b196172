// Where a fit gets its inputs from: recordings in memory here, others in worker threads (hearing/batches.ts).
import { modelInput } from '../features/input.ts';
import { toLayout } from '../features/layout.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { augmentedInput, checkAugmentation } from './augmented.ts';
import type { Augmentation } from './settings.ts';

/** Labelled clips as a network takes them. */
export interface Examples {
  /** The class of each. */
  readonly labels: readonly number[];
  /**
   * Inputs of the chosen clips one after the other, each in the order of the model's layout; varied by a seed for each, as
   * they are without seeds.
   */
  inputs(chosen: readonly number[], seeds?: readonly number[]): Promise<Float32Array>;
}

/** The input of one clip in the order of the model's layout. @param seed undefined: as it is */
export function exampleInput(
  samples: Float32Array,
  settings: FeatureSettings,
  augmentation: Augmentation,
  seed: number | undefined,
): Float32Array {
  const input =
    seed === undefined
      ? modelInput(samples, settings)
      : augmentedInput(samples, settings, augmentation, seed);
  return toLayout(input, settings.layout);
}

/**
 * Recordings in memory, mono and at the model's rate, as examples.
 * @throws TrainingError where the model's input does not have what is to be varied
 */
export function examplesInMemory(
  recordings: readonly { readonly samples: Float32Array; readonly label: number }[],
  settings: FeatureSettings,
  augmentation: Augmentation,
): Examples {
  checkAugmentation(augmentation, settings);
  return {
    labels: recordings.map(({ label }) => label),
    inputs: async (chosen, seeds) =>
      joined(chosen.map((i, at) => exampleInput(recordings[i].samples, settings, augmentation, seeds?.[at]))),
  };
}

/** Inputs of one size, one after the other. */
export function joined(inputs: readonly Float32Array[]): Float32Array {
  const size = inputs[0]?.length ?? 0;
  const all = new Float32Array(inputs.length * size);
  inputs.forEach((input, i) => {
    all.set(input, i * size);
  });
  return all;
}
