// Methods that run a compiled graph many times, as data: their parameters.
import type { ParameterSpec } from './rules.ts';

interface LoopDefinition {
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
}

export const LOOPS = {
  /** Points of the Gauss–Legendre rule on the line from the baseline to the input. */
  'integrated-gradients': {
    parameters: { steps: { default: 32, least: 1, whole: true }, baseline: { default: 0 } },
  },
  /** `noise` is the standard deviation as a part of the clip's range. */
  smoothgrad: {
    parameters: {
      samples: { default: 32, least: 1, whole: true },
      noise: { default: 0.1, least: 0 },
      seed: { default: 0, least: 0, whole: true },
    },
  },
  /** Tiles of `rows` × `columns` of the last two axes, an eighth of each axis unless given, moved on by half a tile. */
  occlusion: {
    parameters: {
      rows: { least: 1, whole: true },
      columns: { least: 1, whole: true },
      baseline: { default: 0 },
    },
  },
} as const satisfies Record<string, LoopDefinition>;

export type LoopName = keyof typeof LOOPS;

export interface Loop {
  readonly name: LoopName;
  readonly parameters: Readonly<Record<string, number>>;
}
