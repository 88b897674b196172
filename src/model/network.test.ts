// Networks: the classifier is the graph one would write by hand, and fresh weights have He's variance and a seed.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../graph/builder.ts';
import { array64, interpret } from '../graph/interpret.ts';
import { sizeOf, type Tensor, tensor } from '../graph/types.ts';
import type { Layer, Network } from './layers.ts';
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

describe('layers', () => {
  /** The output for an input of the shape, with weights of one seed; and what a graph by hand makes of them. */
  function compared(
    layers: readonly Layer[],
    input: readonly number[],
    byHand: (g: GraphBuilder, x: string, w: (name: string) => string) => string,
  ) {
    const network: Network = { name: 'one', layers: [...layers, { kind: 'flatten' }] };
    const parameters = parametersOf(network, input);
    const weights = initialWeights(parameters, 2);
    const g = new GraphBuilder();
    const constants = new Map(parameters.map(({ name, dims }) => [name, tensor(weights[name], dims)]));
    const y = byHand(g, g.input('input', 'float32', ['N', ...input]), (name) =>
      g.constant(constants.get(name) as Tensor, name),
    );
    g.output(g.emit('Flatten', [y], { axis: 1 }, 'expected'));
    const x = array64(
      Array.from({ length: 2 * sizeOf(input) }, (_, i) => Math.sin(3 * i)),
      [2, ...input],
    );
    const got = interpret(classifier(network, input, weights), { input: x }).logits;
    expect(got).toEqual(interpret(g.build('by hand'), { input: x }).expected);
    return got;
  }

  it('conv: groups, strides and dilations for each axis; same padding of what is dilated', () => {
    const grouped: Layer = {
      kind: 'conv',
      channels: 6,
      kernel: [3, 2],
      stride: [2, 1],
      dilation: [1, 3],
      groups: 2,
    };
    compared([{ kind: 'conv', channels: 4, kernel: [1, 1], bias: false }, grouped], [1, 7, 9], (g, x, w) =>
      g.emit('Conv', [g.emit('Conv', [x, w('conv1.weight')]), w('conv2.weight'), w('conv2.bias')], {
        kernel_shape: [3, 2],
        strides: [2, 1],
        dilations: [1, 3],
        group: 2,
        pads: [1, 1, 1, 2],
      }),
    );
  });

  it('conv: valid, and padding by numbers', () => {
    for (const [padding, pads] of [
      ['valid', [0, 0]],
      [[2], [2, 2]],
      [
        [1, 0],
        [1, 0],
      ],
    ] as const) {
      compared([{ kind: 'conv', channels: 2, kernel: [4], padding, bias: false }], [3, 9], (g, x, w) =>
        g.emit('Conv', [x, w('conv1.weight')], { pads }),
      );
    }
  });

  it('pools: strides, and padding at one end', () => {
    compared([{ kind: 'maxpool', size: [3], stride: 2, padding: [0, 1] }], [2, 8], (g, x) =>
      g.emit('MaxPool', [x], { kernel_shape: [3], strides: [2], pads: [0, 1] }),
    );
    compared([{ kind: 'averagepool', size: [3, 3], stride: [1, 2], padding: 'same' }], [2, 6, 8], (g, x) =>
      g.emit('AveragePool', [x], { kernel_shape: [3, 3], strides: [1, 2], pads: [1, 1, 1, 1] }),
    );
  });

  it('residual: its parameters are named after it, its input is added', () => {
    const inside: Layer[] = [{ kind: 'conv', channels: 2, kernel: [3], bias: false }, { kind: 'relu' }];
    const shortcut: Layer[] = [{ kind: 'conv', channels: 2, kernel: [1], bias: false }];
    const layers: Layer[] = [
      { kind: 'residual', layers: inside, shortcut },
      { kind: 'residual', layers: inside },
    ];
    compared(layers, [1, 6], (g, x, w) => {
      const convolved = (v: string, name: string) => g.relu(g.emit('Conv', [v, w(name)], { pads: [1, 1] }));
      const short = g.emit('Conv', [x, w('residual1.shortcut.conv1.weight')]);
      const first = g.add(convolved(x, 'residual1.conv1.weight'), short);
      return g.add(convolved(first, 'residual2.conv1.weight'), first);
    });
  });

  // PyTorch 1.13, float64, of −2, −0.5, 0, 0.5, 2.
  it.each([
    ['relu', [0, 0, 0, 0.5, 2]],
    ['leaky-relu', [-0.02, -0.005, 0, 0.5, 2]],
    ['elu', [-0.8646647167633873, -0.3934693402873666, 0, 0.5, 2]],
    ['selu', [-1.5201664685956948, -0.6917581878028713, 0, 0.5253504936777402, 2.101401974710961]],
    ['gelu', [-0.04550026389635841, -0.15426876936299347, 0, 0.34573123063700656, 1.9544997361036416]],
    ['silu', [-0.2384058440442351, -0.18877033439907273, 0, 0.3112296656009273, 1.7615941559557649]],
    ['mish', [-0.25250148269571493, -0.22074377465173, 0, 0.3752452113048951, 1.9439589595339946]],
    ['softplus', [0.1269280110429725, 0.4740769841801067, Math.LN2, 0.9740769841801067, 2.1269280110429727]],
    ['hardswish', [-0.3333333333333333, -0.20833333333333334, 0, 0.2916666666666667, 1.6666666666666667]],
    ['sigmoid', [0.11920292202211755, 0.3775406687981454, 0.5, 0.6224593312018546, 0.8807970779778823]],
    ['tanh', [-0.9640275800758169, -0.46211715726000974, 0, 0.46211715726000974, 0.9640275800758169]],
  ] as const)('%s is as PyTorch has it', (kind, expected) => {
    const network: Network = { name: kind, layers: [{ kind }, { kind: 'flatten' }] };
    const input = array64([-2, -0.5, 0, 0.5, 2], [1, 1, 5]);
    const got = interpret(classifier(network, [1, 5], {}), { input }).logits.data;
    expected.forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 6);
    });
  });
});
