// Networks as lists of layers, and the forward graph that a list comes to, for inference or for training.
import type { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import type { Shape } from '../graph/types.ts';

/** One layer; sizes are [bins, frames]. */
export type Layer =
  | {
      readonly kind: 'conv';
      readonly channels: number;
      readonly kernel: readonly number[];
      readonly stride?: number;
      readonly bias?: boolean;
    }
  | { readonly kind: 'batchnorm' }
  | { readonly kind: 'relu' }
  | { readonly kind: 'maxpool'; readonly size: readonly number[] }
  | { readonly kind: 'averagepool'; readonly size: readonly number[] }
  /** Over all positions. */
  | { readonly kind: 'globalpool'; readonly of: 'average' | 'max' }
  /** Drops single values with probability `rate` while training, or, after a convolution, whole channels. */
  | { readonly kind: 'dropout'; readonly rate: number; readonly channels?: boolean }
  | { readonly kind: 'flatten' }
  | { readonly kind: 'dense'; readonly units: number };

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

/** Batch norm as PyTorch has it: running = 0.9·running + 0.1·batch. */
const BATCH_NORM = { epsilon: 1e-5, momentum: 0.1 };

const PREFIX: Partial<Record<Layer['kind'], string>> = {
  conv: 'conv',
  batchnorm: 'bn',
  dense: 'fc',
  dropout: 'dropout',
};

/** Layers with their names: kinds with parameters or masks are counted, conv1, conv2, … */
function named(network: Network): { layer: Layer; name: string }[] {
  const counts = new Map<string, number>();
  return network.layers.map((layer) => {
    const prefix = PREFIX[layer.kind] ?? layer.kind;
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    return { layer, name: `${prefix}${counts.get(prefix)}` };
  });
}

function padding(kernel: readonly number[]): number[] {
  const begin = kernel.map((k) => Math.floor((k - 1) / 2));
  return [...begin, ...kernel.map((k, i) => k - 1 - begin[i])];
}

/** What a forward pass asks of its surroundings. */
interface Surroundings {
  /** The value of a parameter, which the callee declares as a constant or an input. */
  readonly parameter: (parameter: Parameter) => string;
  /** Training only: the value of a mask. */
  readonly mask?: (mask: Mask) => string;
  /** Training only: what a running statistic has become. */
  readonly updated?: (parameter: Parameter, value: string) => void;
}

/**
 * Emits a network's forward pass.
 * @param x [N, 1, bins, frames]
 * @returns the last layer's output
 */
export function forward(g: GraphBuilder, network: Network, x: string, around: Surroundings): string {
  let value = x;
  for (const { layer, name } of named(network)) value = forwardLayer(g, layer, name, value, around);
  return value;
}

function forwardLayer(g: GraphBuilder, layer: Layer, name: string, x: string, around: Surroundings): string {
  const shape = g.shape(x);
  const width = staticDims([shape[1]], name)[0];
  const learnt = (suffix: string, dims: readonly number[], start: Parameter['start']) =>
    around.parameter({ name: `${name}.${suffix}`, dims, start, trained: true });
  switch (layer.kind) {
    case 'conv': {
      const { channels, kernel, stride = 1, bias = true } = layer;
      const fanIn = kernel.reduce((n, k) => n * k, width);
      const weight = learnt('weight', [channels, width, ...kernel], { fanIn });
      return g.emit(
        'Conv',
        [x, weight, ...(bias ? [learnt('bias', [channels], 0)] : [])],
        { kernel_shape: kernel, pads: padding(kernel), strides: kernel.map(() => stride) },
        name,
      );
    }
    case 'batchnorm':
      return batchNorm(g, name, x, around, learnt('weight', [width], 1), learnt('bias', [width], 0));
    case 'relu':
      return g.emit('Relu', [x], {}, name);
    case 'maxpool':
      return g.emit('MaxPool', [x], { kernel_shape: layer.size, strides: layer.size }, name);
    case 'averagepool':
      return g.emit('AveragePool', [x], { kernel_shape: layer.size, strides: layer.size }, name);
    case 'globalpool': {
      const pooled = g.emit(layer.of === 'max' ? 'GlobalMaxPool' : 'GlobalAveragePool', [x], {}, name);
      return g.emit('Flatten', [pooled], { axis: 1 }, `${name}_flat`);
    }
    case 'dropout': {
      if (!around.mask || layer.rate === 0) return x;
      const each = layer.channels ? shape.map((d, i) => (i < 2 ? d : 1)) : shape;
      return g.mul(x, around.mask({ name, shape: each, rate: layer.rate }));
    }
    case 'flatten':
      return g.emit('Flatten', [x], { axis: 1 }, name);
    case 'dense': {
      const weight = learnt('weight', [layer.units, width], { fanIn: width });
      return g.emit('Gemm', [x, weight, learnt('bias', [layer.units], 0)], { transB: 1 }, name);
    }
  }
}

/** y = (x − μ)/√(σ² + ε)·γ + β; in training with the batch's μ and σ², towards which the running ones move. */
function batchNorm(
  g: GraphBuilder,
  name: string,
  x: string,
  around: Surroundings,
  scale: string,
  bias: string,
): string {
  const { epsilon, momentum } = BATCH_NORM;
  const [width] = staticDims([g.shape(x)[1]], name);
  const statistic = (suffix: string, start: number): Parameter => ({
    name: `${name}.${suffix}`,
    dims: [width],
    start,
    trained: false,
  });
  const mean = statistic('running_mean', 0);
  const variance = statistic('running_var', 1);
  const inputs = [x, scale, bias, around.parameter(mean), around.parameter(variance)];
  if (!around.updated) return g.emit('BatchNormalization', inputs, { epsilon }, name);

  const attributes = { epsilon, momentum: 1 - momentum, training_mode: 1 };
  const results = [name, `${name}_mean`, `${name}_var`];
  const [y, newMean, newVariance] = g.emitAll('BatchNormalization', inputs, attributes, results);
  // ONNX moves the running variance towards σ², PyTorch towards n/(n − 1)·σ².
  const count = g.div(g.cast(g.emit('Size', [x]), 'float32'), width);
  const kept = g.mul(inputs[4], 1 - momentum);
  const step = g.mul(g.sub(newVariance, kept), g.div(count, g.sub(count, 1)));
  around.updated(mean, newMean);
  around.updated(variance, g.add(kept, step));
  return y;
}
