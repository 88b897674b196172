// Keras' layers with weights: dense layers and convolutions, and the order of their weights in ONNX.
import type { Call, Kind } from '../call.ts';
import { featuresOf, permuted, pick } from '../canvas.ts';
import type { Weight } from '../hdf5.ts';
import type { Settings } from '../settings.ts';
import { activate } from './activations.ts';
import { channelsFirst, inFormat } from './formats.ts';

const withBias =
  (...kernels: string[]) =>
  (settings: Settings) => ({ trained: [...kernels, ...(settings.flag('use_bias', true) ? ['bias'] : [])] });

function bias(call: Call, units: number): string[] {
  return call.settings.flag('use_bias', true)
    ? [call.constant(call.weight('bias', [units]).data, [units], 'bias')]
    : [];
}

/** The kernel with its axes permuted. */
function turned(
  call: Call,
  { dims, data }: Weight,
  perm: readonly number[],
  shape?: readonly number[],
  part = 'kernel',
) {
  const turnedDims = shape ?? perm.map((axis) => dims[axis]);
  return call.constant(pick(data, permuted(dims, perm)), turnedDims, part);
}

/** x W + b along the last axis: Gemm of a vector, MatMul of more. */
const DENSE: Kind = {
  weights: withBias('kernel'),
  draw: (call) => {
    const { x, settings } = call;
    const units = settings.number('units', 0);
    const flat = typeof x.order === 'object' ? featuresOf(x.order.flat) : undefined;
    const width = call.canvas.dims(x).at(-1) as number;
    const kernel = call.weight('kernel', [width, units]);
    if (call.canvas.dims(x).length === 1) {
      // Flattened channels first, the features of Keras' kernel stand elsewhere.
      const rows = flat ?? Array.from({ length: width }, (_, i) => i);
      const data = Float32Array.from({ length: units * width }, (_, i) => {
        return kernel.data[rows[i % width] * units + Math.floor(i / width)];
      });
      const weight = call.constant(data, [units, width], 'kernel');
      const name = call.emit('Gemm', [x.name, weight, ...bias(call, units)], { transB: 1 });
      return activate(call, { name, order: 'keras' });
    }
    const name = call.emit('MatMul', [call.plain(), call.constant(kernel.data, kernel.dims, 'kernel')]);
    const [shift] = bias(call, units);
    return activate(call, {
      name: shift ? call.emit('Add', [name, shift], {}, 'add') : name,
      order: 'keras',
    });
  },
};

/** Strides, dilations and padding of a convolution over `rank` axes. */
function windowOf(settings: Settings, kernel: readonly number[]) {
  const rank = kernel.length;
  const padding = settings.word(
    'padding',
    rank === 1 ? (['valid', 'same', 'causal'] as const) : (['valid', 'same'] as const),
  );
  const dilations = settings.extents('dilation_rate', rank, 1);
  return {
    kernel_shape: kernel,
    strides: settings.extents('strides', rank, 1),
    dilations,
    ...(padding === 'same' && { auto_pad: 'SAME_UPPER' }),
    ...(padding === 'causal' && { pads: [dilations[0] * (kernel[0] - 1), 0] }),
  };
}

/** Kernels [k…, C/groups, filters] become [filters, C/groups, k…]. */
const convolution = (rank: number): Kind => ({
  weights: withBias('kernel'),
  draw: (call) => {
    const { settings } = call;
    const x = channelsFirst(call);
    const [filters, group] = [settings.number('filters', 0), settings.number('groups', 1)];
    const size = settings.extents('kernel_size', rank, 1);
    const kernel = call.weight('kernel', [...size, call.canvas.extents(x)[0] / group, filters]);
    const weight = turned(call, kernel, [rank + 1, rank, ...size.keys()]);
    const name = call.emit('Conv', [x, weight, ...bias(call, filters)], {
      ...windowOf(settings, size),
      group,
    });
    return activate(call, inFormat(call, name));
  },
});

/** Kernels [k…, C, m] become [C·m, 1, k…] of C groups. */
function depthwise(call: Call, rank: number, kernelName: string, biases: boolean, part?: string): string {
  const { settings } = call;
  const x = channelsFirst(call);
  const [channels] = call.canvas.extents(x);
  const multiplier = settings.number('depth_multiplier', 1);
  const size = settings.extents('kernel_size', rank, 1);
  const kernel = call.weight(kernelName, [...size, channels, multiplier]);
  const shape = [channels * multiplier, 1, ...size];
  const weight = turned(call, kernel, [rank, rank + 1, ...size.keys()], shape, kernelName);
  const operands = [x, weight, ...(biases ? bias(call, channels * multiplier) : [])];
  return call.emit('Conv', operands, { ...windowOf(settings, size), group: channels }, part);
}

/** Keras 2 calls the kernel depthwise_kernel; the order of the weights is the same. */
const depthwiseConvolution = (rank: number): Kind => ({
  weights: withBias('kernel'),
  draw: (call) => activate(call, inFormat(call, depthwise(call, rank, 'kernel', true))),
});

const separableConvolution = (rank: number): Kind => ({
  weights: withBias('depthwise_kernel', 'pointwise_kernel'),
  draw: (call) => {
    const x = depthwise(call, rank, 'depthwise_kernel', false, 'depthwise');
    const filters = call.settings.number('filters', 0);
    const ones = new Array<number>(rank).fill(1);
    const kernel = call.weight('pointwise_kernel', [...ones, call.canvas.extents(x)[0], filters]);
    const weight = turned(call, kernel, [rank + 1, rank, ...ones.keys()], undefined, 'pointwise_kernel');
    const name = call.emit('Conv', [x, weight, ...bias(call, filters)], { kernel_shape: ones });
    return activate(call, inFormat(call, name));
  },
});

/**
 * Kernels [k…, filters, C] become [C, filters, k…]. The result has in · stride elements with padding 'same', with 'valid'
 * as many more as the kernel is longer than the stride; output_padding, where given, says it otherwise.
 */
const transposedConvolution = (rank: number): Kind => ({
  weights: withBias('kernel'),
  draw: (call) => {
    const { settings } = call;
    const x = channelsFirst(call);
    const [channels, ...positions] = call.canvas.extents(x);
    const filters = settings.number('filters', 0);
    const size = settings.extents('kernel_size', rank, 1);
    const { strides, dilations } = windowOf(settings, size);
    const same = settings.word('padding', ['valid', 'same'] as const) === 'same';
    const extra =
      (settings.json.output_padding ?? null) === null
        ? undefined
        : settings.extents('output_padding', rank, 0);
    const output_shape = positions.map((n, i) => {
      const span = dilations[i] * (size[i] - 1) + 1;
      if (extra) return (n - 1) * strides[i] + span - (same ? 2 * Math.floor(span / 2) : 0) + extra[i];
      return n * strides[i] + (same ? 0 : Math.max(span - strides[i], 0));
    });
    const kernel = call.weight('kernel', [...size, filters, channels]);
    const weight = turned(call, kernel, [rank + 1, rank, ...size.keys()]);
    const name = call.emit('ConvTranspose', [x, weight, ...bias(call, filters)], {
      kernel_shape: size,
      strides,
      dilations,
      output_shape,
      auto_pad: 'SAME_UPPER',
    });
    return activate(call, inFormat(call, name));
  },
});

export const LINEAR: Readonly<Record<string, Kind>> = {
  Dense: DENSE,
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  DepthwiseConv1D: depthwiseConvolution(1),
  DepthwiseConv2D: depthwiseConvolution(2),
  SeparableConv1D: separableConvolution(1),
  SeparableConv2D: separableConvolution(2),
  Conv1DTranspose: transposedConvolution(1),
  Conv2DTranspose: transposedConvolution(2),
};
