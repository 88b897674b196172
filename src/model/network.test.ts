// Networks: the classifier is the graph one would write by hand, and fresh weights have He's variance and a seed.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { array64, interpret } from '../graph/interpret.ts';
import { sizeOf, tensor } from '../graph/types.ts';
import { architecture, architectures } from './architectures.ts';
import type { Network } from './layers.ts';
import { classifier, initialWeights, parametersOf, type Weights } from './network.ts';

const NETWORK: Network = {
  name: 'every kind',
  layers: [
    { kind: 'conv', channels: 4, kernel: [3, 2] },
    { kind: 'batchnorm' },
    { kind: 'relu' },
    { kind: 'maxpool', size: [2, 2] },
    { kind: 'dropout', rate: 0.5, channels: true },
    { kind: 'conv', channels: 3, kernel: [3, 3], stride: 2, bias: false },
    { kind: 'averagepool', size: [1, 2] },
    { kind: 'flatten' },
    { kind: 'dense', units: 5 },
    { kind: 'dropout', rate: 0.5 },
    { kind: 'dense', units: 2 },
  ],
};
const INPUT = [1, 8, 10];

describe('parameters', () => {
  it("are named, shaped and started as PyTorch's", () => {
    const listed = parametersOf(NETWORK, INPUT).map(({ name, dims, trained }) => [name, dims, trained]);
    expect(listed).toEqual([
      ['conv1.weight', [4, 1, 3, 2], true],
      ['conv1.bias', [4], true],
      ['bn1.weight', [4], true],
      ['bn1.bias', [4], true],
      ['bn1.running_mean', [4], false],
      ['bn1.running_var', [4], false],
      ['conv2.weight', [3, 4, 3, 3], true],
      ['fc1.weight', [5, 6], true],
      ['fc1.bias', [5], true],
      ['fc2.weight', [2, 5], true],
      ['fc2.bias', [2], true],
    ]);
  });
});

it('the classifier is the graph written by hand', () => {
  const drawn = initialWeights(parametersOf(NETWORK, INPUT), 3);
  // Statistics that do something.
  const weights: Weights = {
    ...drawn,
    'bn1.running_mean': Float32Array.of(0.1, -0.2, 0.3, 0),
    'bn1.running_var': Float32Array.of(0.5, 1, 2, 4),
    'bn1.bias': Float32Array.of(0.25, 0, -0.5, 1),
  };
  const g = new GraphBuilder();
  const w = (name: string, ...dims: number[]) => g.constant(tensor(weights[name], dims), name);
  let y = g.input('input', 'float32', ['N', ...INPUT]);
  // An even kernel is padded by the smaller half first, so that 10 columns stay 10.
  y = g.emit('Conv', [y, w('conv1.weight', 4, 1, 3, 2), w('conv1.bias', 4)], { pads: [1, 0, 1, 1] });
  const statistics = ['weight', 'bias', 'running_mean', 'running_var'].map((s) => w(`bn1.${s}`, 4));
  y = g.relu(g.emit('BatchNormalization', [y, ...statistics], { epsilon: 1e-5 }));
  y = g.emit('MaxPool', [y], { kernel_shape: [2, 2], strides: [2, 2] });
  y = g.emit('Conv', [y, w('conv2.weight', 3, 4, 3, 3)], { pads: [1, 1, 1, 1], strides: [2, 2] });
  y = g.emit('AveragePool', [y], { kernel_shape: [1, 2], strides: [1, 2] });
  y = g.emit('Flatten', [y]);
  y = g.emit('Gemm', [y, w('fc1.weight', 5, 6), w('fc1.bias', 5)], { transB: 1 });
  y = g.emit('Gemm', [y, w('fc2.weight', 2, 5), w('fc2.bias', 2)], { transB: 1 });
  g.output(y);

  const made = classifier(NETWORK, INPUT, weights);
  expect(made.outputs).toEqual([{ name: 'logits', dtype: 'float32', shape: ['N', 2] }]);
  const input = array64(
    Array.from({ length: 2 * sizeOf(INPUT) }, (_, i) => Math.sin(i)),
    [2, ...INPUT],
  );
  expect(interpret(made, { input }).logits).toEqual(interpret(g.build('by hand'), { input })[y]);
});

describe('initial weights', () => {
  const wide: Network = {
    name: 'wide',
    layers: [
      { kind: 'conv', channels: 64, kernel: [3, 3] },
      { kind: 'batchnorm' },
      { kind: 'conv', channels: 64, kernel: [3, 3] },
      { kind: 'globalpool', of: 'average' },
      { kind: 'dense', units: 200 },
    ],
  };
  const parameters = parametersOf(wide, [1, 8, 8]);

  it('are normal with variance 2/fan-in, within five standard errors', () => {
    const drawn = initialWeights(parameters, 1);
    for (const [name, fanIn] of [
      ['conv2.weight', 64 * 9],
      ['fc1.weight', 64],
    ] as const) {
      const values = Array.from(drawn[name]);
      const n = values.length;
      const moment = (k: number) => values.reduce((s, v) => s + (v * Math.sqrt(fanIn / 2)) ** k, 0) / n;
      // Of a standard normal: means 0, 1, 0, 3; their variances 1, 2, 15, 96 over n.
      for (const [k, mean, variance] of [
        [1, 0, 1],
        [2, 1, 2],
        [3, 0, 15],
        [4, 3, 96],
      ]) {
        expect(Math.abs(moment(k) - mean), `${name}: moment ${k}`).toBeLessThan(5 * Math.sqrt(variance / n));
      }
    }
  });

  it('biases start from 0, norms from the identity', () => {
    const drawn = initialWeights(parameters, 1);
    expect(new Set([...drawn['conv1.bias'], ...drawn['bn1.bias'], ...drawn['bn1.running_mean']])).toEqual(
      new Set([0]),
    );
    expect(new Set([...drawn['bn1.weight'], ...drawn['bn1.running_var']])).toEqual(new Set([1]));
  });

  it('are those of the seed', () => {
    const [a, again, b] = [1, 1, 2].map((seed) => initialWeights(parameters, seed));
    expect(again).toEqual(a);
    expect(b['conv1.weight']).not.toEqual(a['conv1.weight']);
    expect(a['conv1.weight']).not.toEqual(a['conv2.weight'].slice(0, a['conv1.weight'].length));
  });
});

it('every architecture listed is a classifier; another is refused', () => {
  for (const name of architectures) {
    const network = architecture(name, 7);
    const input = [1, 48, 64];
    const graph = classifier(network, input, initialWeights(parametersOf(network, input), 0));
    expect(graph.outputs[0].shape).toEqual(['N', 7]);
  }
  expect(() => architecture('resnet', 10)).toThrow(ModelError);
  expect(() => architecture('resnet', 10)).toThrow(/unknown architecture "resnet": expected mel-cnn/);
});
