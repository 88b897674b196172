// Networks as lists of layers; sizes are [bins, frames], of a waveform's network [samples].
import type { Shape } from '../graph/types.ts';

/** One number for all axes, or one for each. */
export type Extents = number | readonly number[];

/**
 * 'same': k − 1 in all along each axis, the smaller half in front, so that a stride of 1 keeps the size; 'valid': none;
 * or numbers: one for both ends of each axis, or all fronts and then all ends, as ONNX has them.
 */
export type Padding = 'same' | 'valid' | readonly number[];

interface Pooling {
  readonly size: readonly number[];
  /** The size, if not given. */
  readonly stride?: Extents | undefined;
  /** 'valid', if not given; an average is over what lies inside. */
  readonly padding?: Padding | undefined;
}

/** Activations, each as PyTorch has it by default. */
export const ACTIVATIONS = [
  'relu',
  'leaky-relu',
  'elu',
  'selu',
  'gelu',
  'silu',
  'mish',
  'softplus',
  'hardswish',
  'sigmoid',
  'tanh',
] as const;

/** One layer. */
export type Layer =
  | {
      readonly kind: 'conv';
      readonly channels: number;
      /** As many extents as the input has axes beside its channels. */
      readonly kernel: readonly number[];
      readonly stride?: Extents | undefined;
      /** 'same', if not given. */
      readonly padding?: Padding | undefined;
      readonly dilation?: Extents | undefined;
      /** Channels are taken in so many groups, each by itself. */
      readonly groups?: number | undefined;
      readonly bias?: boolean | undefined;
    }
  | { readonly kind: 'batchnorm' }
  | { readonly kind: (typeof ACTIVATIONS)[number] }
  | ({ readonly kind: 'maxpool' | 'averagepool' } & Pooling)
  /** Over all positions. */
  | { readonly kind: 'globalpool'; readonly of: 'average' | 'max' }
  /** Drops single values with probability `rate` while training, or, after a convolution, whole channels. */
  | { readonly kind: 'dropout'; readonly rate: number; readonly channels?: boolean | undefined }
  | { readonly kind: 'flatten' }
  | { readonly kind: 'dense'; readonly units: number; readonly bias?: boolean | undefined }
  /** What its layers make of their input, plus the input itself, or what the shortcut makes of it. */
  | {
      readonly kind: 'residual';
      readonly layers: readonly Layer[];
      readonly shortcut?: readonly Layer[] | undefined;
    };

/**
 * A network: a name and its layers, from the input [1, bins, frames] or [1, samples] to one logit for each class.
 * @example
 * const network: Network = {
 *   name: 'mine',
 *   layers: [
 *     { kind: 'conv', channels: 16, kernel: [5, 5], stride: 2 },
 *     { kind: 'batchnorm' },
 *     { kind: 'gelu' },
 *     { kind: 'globalpool', of: 'average' },
 *     { kind: 'dense', units: 10 },
 *   ],
 * };
 */
export interface Network {
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** A parameter or running statistic of a network, named as PyTorch would: `conv1.weight`, `bn1.running_mean`. */
export interface Parameter {
  readonly name: string;
  readonly dims: readonly number[];
  /** What it starts from: He's normal distribution of that fan-in, or a constant. */
  readonly start: { readonly fanIn: number } | number;
  /** Statistics are carried along, not learnt. */
  readonly trained: boolean;
}

/** A dropout mask that the training step takes: 0 or 1/(1 − rate). */
export interface Mask {
  readonly name: string;
  readonly shape: Shape;
  readonly rate: number;
}
