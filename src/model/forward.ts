// The forward graph that a network's layers come to, for inference or for training.
import { type ErrorParts, GraphError, ModelError } from '../errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import type { Extents, Layer, Mask, Network, Padding, Parameter } from './layers.ts';

/** What a forward pass asks of its surroundings. */
export interface Surroundings {
  /** The value of a parameter, which the callee declares as a constant or an input. */
  readonly parameter: (parameter: Parameter) => string;
  /** Training only: the value of a mask. */
  readonly mask?: (mask: Mask) => string;
  /** Training only: what a running statistic has become. */
  readonly updated?: (parameter: Parameter, value: string) => void;
}

/**
 * Emits a network's forward pass.
 * @param x [N, 1, bins, frames] or [N, 1, samples]
 * @returns the logits [N, classes]
 * @throws ModelError naming the layer that does not fit what comes in
 */
export function forward(g: GraphBuilder, network: Network, x: string, around: Surroundings): string {
  const logits = emitLayers({ g, around, prefix: '', where: `${network.name}: layers` }, network.layers, x);
  const shape = g.shape(logits);
  if (shape.length === 2) return logits;
  throw new ModelError({
    what: `${network.name}: its last layer`,
    expected: 'one value for each class, [N, classes]',
    got: `[${shape.join(', ')}]`,
    todo: 'End with {"kind": "flatten"} or a globalpool, and {"kind": "dense"}.',
  });
}

/** Where layers are emitted, and how names and errors begin there. */
interface Place {
  readonly g: GraphBuilder;
  readonly around: Surroundings;
  readonly prefix: string;
  readonly where: string;
}

type LayerOf<K extends Layer['kind']> = Layer & { readonly kind: K };
type Emit<L> = (at: Place & { readonly name: string }, layer: L, x: string) => string;

/** Names count each kind by itself, conv1, conv2, …; those that PyTorch's habits call otherwise: */
const NAMES: Partial<Record<Layer['kind'], string>> = { batchnorm: 'bn', dense: 'fc' };

function emitLayers(place: Place, layers: readonly Layer[], x: string): string {
  const counts = new Map<string, number>();
  return layers.reduce((value, layer, i) => {
    const base = NAMES[layer.kind] ?? layer.kind;
    const count = (counts.get(base) ?? 0) + 1;
    counts.set(base, count);
    const where = `${place.where}[${i}]`;
    try {
      const emit = EMIT[layer.kind] as Emit<Layer>;
      return emit({ ...place, where, name: `${place.prefix}${base}${count}` }, layer, value);
    } catch (cause) {
      if (!(cause instanceof GraphError)) throw cause;
      throw misfit(`${where} (${layer.kind})`, { ...cause.parts, cause });
    }
  }, x);
}

function misfit(where: string, parts: Partial<ErrorParts>): ModelError {
  return new ModelError({ ...parts, what: parts.what ? `${where}: ${parts.what}` : where });
}

/** Channels, and the extents of the axes behind them. */
function extentsOf({ g, where }: Place, x: string): { channels: number; spatial: number[] } {
  const [channels, ...spatial] = staticDims(g.shape(x).slice(1), where);
  return { channels: channels as number, spatial };
}

function each(value: Extents, rank: number): readonly number[] {
  return typeof value === 'number' ? new Array<number>(rank).fill(value) : value;
}

/** ONNX's pads. */
function padsOf(padding: Padding, size: readonly number[]): readonly number[] {
  if (padding === 'valid') return size.map(() => 0).concat(size.map(() => 0));
  if (padding !== 'same') return padding.length === size.length ? [...padding, ...padding] : padding;
  const begin = size.map((k) => Math.floor((k - 1) / 2));
  return [...begin, ...size.map((k, i) => k - 1 - begin[i])];
}

const pool =
  (op: 'MaxPool' | 'AveragePool'): Emit<LayerOf<'maxpool' | 'averagepool'>> =>
  ({ g, name }, { size, stride = size, padding = 'valid' }, x) => {
    const pads = padsOf(padding, size);
    const window = { kernel_shape: size, strides: each(stride, size.length) };
    return g.emit(op, [x], pads.some((p) => p > 0) ? { ...window, pads } : window, name);
  };

const EMIT: { readonly [K in Layer['kind']]: Emit<LayerOf<K>> } = {
  conv: (at, layer, x) => {
    const { channels, kernel, stride = 1, padding = 'same', dilation = 1, groups = 1, bias = true } = layer;
    const { channels: width, spatial } = extentsOf(at, x);
    const where = `${at.where} (conv)`;
    if (kernel.length !== spatial.length) {
      throw misfit(`${where}: kernel`, {
        expected: `${spatial.length} extents, for an input of [${[width, ...spatial].join(', ')}]`,
        got: `${kernel.length}`,
      });
    }
    if (width % groups || channels % groups) {
      throw misfit(`${where}: groups`, {
        expected: `a divisor of ${width} and ${channels}`,
        got: `${groups}`,
      });
    }
    const dilations = each(dilation, kernel.length);
    const reach = kernel.map((k, i) => dilations[i] * (k - 1) + 1);
    const dims = [channels, width / groups, ...kernel];
    const fanIn = dims.slice(1).reduce((n, d) => n * d, 1);
    const operands = [x, learnt(at, 'weight', dims, { fanIn })];
    if (bias) operands.push(learnt(at, 'bias', [channels], 0));
    const window = {
      kernel_shape: kernel,
      strides: each(stride, kernel.length),
      pads: padsOf(padding, reach),
    };
    return at.g.emit(
      'Conv',
      operands,
      { ...window, ...(dilation !== 1 && { dilations }), ...(groups > 1 && { group: groups }) },
      at.name,
    );
  },
  batchnorm: batchNorm,
  maxpool: pool('MaxPool'),
  averagepool: pool('AveragePool'),
  globalpool: ({ g, name }, layer, x) => {
    const pooled = g.emit(layer.of === 'max' ? 'GlobalMaxPool' : 'GlobalAveragePool', [x], {}, name);
    return g.emit('Flatten', [pooled], { axis: 1 }, `${name}_flat`);
  },
  dropout: ({ g, around, name }, { rate, channels }, x) => {
    if (!around.mask || rate === 0) return x;
    const shape = g.shape(x).map((d, i) => (channels && i > 1 ? 1 : d));
    return g.mul(x, around.mask({ name, shape, rate }));
  },
  flatten: ({ g, name }, _, x) => g.emit('Flatten', [x], { axis: 1 }, name),
  dense: (at, { units, bias = true }, x) => {
    const { channels: width, spatial } = extentsOf(at, x);
    if (spatial.length > 0) {
      throw misfit(`${at.where} (dense)`, {
        expected: 'one row of values for each clip',
        got: `[${[width, ...spatial].join(', ')}]`,
        todo: 'Put {"kind": "flatten"} or a globalpool in front of it.',
      });
    }
    const operands = [x, learnt(at, 'weight', [units, width], { fanIn: width })];
    if (bias) operands.push(learnt(at, 'bias', [units], 0));
    return at.g.emit('Gemm', operands, { transB: 1 }, at.name);
  },
  residual: (at, { layers, shortcut = [] }, x) => {
    const inside = (part: string, list: readonly Layer[], prefix: string) =>
      emitLayers({ ...at, prefix, where: `${at.where}.${part}` }, list, x);
    const a = inside('layers', layers, `${at.name}.`);
    const b = inside('shortcut', shortcut, `${at.name}.shortcut.`);
    const [left, right] = [a, b].map((value) => at.g.shape(value).slice(1).join(', '));
    if (left !== right) {
      throw misfit(`${at.where} (residual)`, {
        expected: `a shortcut of [${left}], what its layers give`,
        got: `[${right}]`,
        todo: 'Give it a shortcut with the same stride and channels: a conv of kernel 1.',
      });
    }
    return at.g.emit('Add', [a, b], {}, at.name);
  },
  relu: ({ g, name }, _, x) => g.emit('Relu', [x], {}, name),
  'leaky-relu': ({ g, name }, _, x) => g.emit('LeakyRelu', [x], { alpha: 0.01 }, name),
  elu: ({ g, name }, _, x) => g.emit('Elu', [x], {}, name),
  selu: ({ g, name }, _, x) => g.emit('Selu', [x], {}, name),
  // x/2 · (1 + erf(x/√2))
  gelu: ({ g, name }, _, x) => {
    const gate = g.add(g.emit('Erf', [g.div(x, Math.SQRT2)]), 1);
    return g.emit('Mul', [g.mul(x, gate), 0.5], {}, name);
  },
  silu: ({ g, name }, _, x) => g.emit('Mul', [x, g.emit('Sigmoid', [x])], {}, name),
  mish: ({ g, name }, _, x) => g.emit('Mish', [x], {}, name),
  softplus: ({ g, name }, _, x) => g.emit('Softplus', [x], {}, name),
  hardswish: ({ g, name }, _, x) => g.emit('HardSwish', [x], {}, name),
  sigmoid: ({ g, name }, _, x) => g.emit('Sigmoid', [x], {}, name),
  tanh: ({ g, name }, _, x) => g.emit('Tanh', [x], {}, name),
};

function learnt(
  { around, name }: Place & { readonly name: string },
  suffix: string,
  dims: readonly number[],
  start: Parameter['start'],
): string {
  return around.parameter({ name: `${name}.${suffix}`, dims, start, trained: true });
}

/** Batch norm as PyTorch has it: running = 0.9·running + 0.1·batch. */
const BATCH_NORM = { epsilon: 1e-5, momentum: 0.1 };

/** y = (x − μ)/√(σ² + ε)·γ + β; in training with the batch's μ and σ², towards which the running ones move. */
function batchNorm(at: Place & { readonly name: string }, _: LayerOf<'batchnorm'>, x: string): string {
  const { g, around, name } = at;
  const { epsilon, momentum } = BATCH_NORM;
  const { channels: width } = extentsOf(at, x);
  const statistic = (suffix: string, start: number): Parameter => ({
    name: `${name}.${suffix}`,
    dims: [width],
    start,
    trained: false,
  });
  const mean = statistic('running_mean', 0);
  const variance = statistic('running_var', 1);
  const scale = learnt(at, 'weight', [width], 1);
  const bias = learnt(at, 'bias', [width], 0);
  const inputs = [x, scale, bias, around.parameter(mean), around.parameter(variance)];
  if (!around.updated) return g.emit('BatchNormalization', inputs, { epsilon }, name);

  const attributes = { epsilon, momentum: 1 - momentum, training_mode: 1 };
  const results = [name, `${name}_mean`, `${name}_var`];
  const [y, newMean, newVariance] = g.emitAll('BatchNormalization', inputs, attributes, results);
  // ONNX moves the running variance towards σ², PyTorch towards n/(n − 1)·σ².
  const count = g.div(g.countOf(x, 'float32'), width);
  const kept = g.mul(inputs[4], 1 - momentum);
  const step = g.mul(g.sub(newVariance, kept), g.div(count, g.sub(count, 1)));
  around.updated(mean, newMean);
  around.updated(variance, g.add(kept, step));
  return y;
}
