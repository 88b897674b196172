// The classes of Keras layers that can be drawn as graphs, by name.
import type { Kind } from './call.ts';
import { ACTIVATIONS } from './layers/activations.ts';
import { ARRANGING } from './layers/arrangement.ts';
import { LINEAR } from './layers/linear.ts';
import { MERGING } from './layers/merging.ts';
import { NORMALIZING } from './layers/normalization.ts';
import { POOLING } from './layers/pooling.ts';

const KINDS: Readonly<Record<string, Kind>> = {
  ...LINEAR,
  ...NORMALIZING,
  ...ACTIVATIONS,
  ...POOLING,
  ...MERGING,
  ...ARRANGING,
};

/** Every class that is known, by Keras' names. */
export const KERAS_LAYERS: readonly string[] = Object.keys(KINDS);

export function kindOf(className: string): Kind | undefined {
  return Object.hasOwn(KINDS, className) ? KINDS[className] : undefined;
}
