// ResNet-18 as torchvision has it, with its parameters' names, for one channel of input.
import type { GraphBuilder } from '../src/graph/builder.ts';
import { staticDims } from '../src/graph/dims.ts';
import type { Parameter } from '../src/model/layers.ts';

/**
 * Emits the forward pass: 7 × 7 stem, four stages of two residual blocks (64-128-256-512 channels), the mean, a dense layer.
 * @param x [N, 1, bins, frames]
 * @see He et al., Deep Residual Learning for Image Recognition, 2016
 */
export function resnet18(
  g: GraphBuilder,
  x: string,
  classes: number,
  parameter: (p: Parameter) => string,
): string {
  const learnt = (name: string, dims: readonly number[], start: Parameter['start']) =>
    parameter({ name, dims, start, trained: true });
  const width = (value: string) => staticDims([g.shape(value)[1]], value)[0];
  const conv = (value: string, name: string, channels: number, size: number, stride: number) => {
    const from = width(value);
    const weight = learnt(`${name}.weight`, [channels, from, size, size], { fanIn: from * size * size });
    const side = (size - 1) / 2;
    const attributes = {
      kernel_shape: [size, size],
      pads: [side, side, side, side],
      strides: [stride, stride],
    };
    return g.emit('Conv', [value, weight], attributes);
  };
  const norm = (value: string, name: string) => {
    const of = (suffix: string, start: number) => learnt(`${name}.${suffix}`, [width(value)], start);
    const statistics = [of('weight', 1), of('bias', 0), of('running_mean', 0), of('running_var', 1)];
    return g.emit('BatchNormalization', [value, ...statistics], { epsilon: 1e-5 });
  };
  const residual = (value: string, name: string, channels: number, stride: number) => {
    const inner = g.relu(norm(conv(value, `${name}.conv1`, channels, 3, stride), `${name}.bn1`));
    const body = norm(conv(inner, `${name}.conv2`, channels, 3, 1), `${name}.bn2`);
    const same = stride === 1 && width(value) === channels;
    const way = `${name}.downsample`;
    const shortcut = same ? value : norm(conv(value, `${way}.0`, channels, 1, stride), `${way}.1`);
    return g.relu(g.add(body, shortcut));
  };
  let value = g.relu(norm(conv(x, 'conv1', 64, 7, 2), 'bn1'));
  value = g.emit('MaxPool', [value], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] });
  for (const [stage, channels] of [64, 128, 256, 512].entries()) {
    value = residual(value, `layer${stage + 1}.0`, channels, stage === 0 ? 1 : 2);
    value = residual(value, `layer${stage + 1}.1`, channels, 1);
  }
  const features = g.emit('Flatten', [g.emit('GlobalAveragePool', [value])], { axis: 1 });
  const units = width(features);
  const weight = learnt('fc.weight', [classes, units], { fanIn: units });
  return g.emit('Gemm', [features, weight, learnt('fc.bias', [classes], 0)], { transB: 1 });
}
