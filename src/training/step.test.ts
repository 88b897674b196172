// Every kind of layer is trained: gradients of the compiled step equal central differences of its loss.
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { type Array64, array64, interpret } from '../graph/interpret.ts';
import { sizeOf } from '../graph/types.ts';
import { ACTIVATIONS, type Layer } from '../model/layers.ts';
import { initialWeights } from '../model/network.ts';
import { dropoutMasks, maskDims } from './masks.ts';
import { compileStep } from './step.ts';

const conv = (channels: number, extra: object = {}): Layer => ({
  kind: 'conv',
  channels,
  kernel: [3, 3],
  ...extra,
});
const normed = (channels: number): Layer[] => [
  conv(channels, { bias: false }),
  { kind: 'batchnorm' },
  { kind: 'tanh' },
];

/** What stands between a first convolution and the dense layer. */
const CASES: readonly (readonly [string, readonly number[], readonly Layer[]])[] = [
  ...ACTIVATIONS.map((kind) => [kind, [1, 5, 6], [{ kind }]] as const),
  ['groups, stride and dilation', [1, 7, 9], [conv(4, { groups: 2, stride: [2, 1], dilation: [1, 2] })]],
  [
    'valid padding, and padding by numbers',
    [1, 7, 8],
    [conv(3, { padding: 'valid' }), conv(2, { padding: [0, 1] })],
  ],
  ['wide convolutions', [1, 5, 6], [conv(10), { kind: 'softplus' }, conv(6)]],
  ['overlapping pools', [1, 7, 8], [{ kind: 'maxpool', size: [3, 3], stride: 2, padding: [0, 0, 0, 1] }]],
  ['averages over padding', [1, 7, 8], [{ kind: 'averagepool', size: [3, 3], stride: 2, padding: 'same' }]],
  ['dropout', [1, 5, 6], [{ kind: 'dropout', rate: 0.4 }]],
  ['residual', [1, 5, 6], [{ kind: 'residual', layers: normed(3), shortcut: [conv(3, { kernel: [1, 1] })] }]],
  ['residual around its own input', [1, 5, 6], [{ kind: 'residual', layers: normed(2) }]],
];

describe('gradients', () => {
  it.each(CASES)('%s', (name, input, middle) => {
    const layers = [conv(2), ...middle, { kind: 'flatten' } as const, { kind: 'dense', units: 3 } as const];
    const step = compileStep({ name, layers }, input, { gradients: true });
    const next = random(4);
    const drawn = (dims: readonly number[], from = -1) =>
      array64(
        Array.from({ length: sizeOf(dims) }, () => from + (1 - from) * next()),
        dims,
      );
    const weights = initialWeights(step.parameters, 5);
    const masks = dropoutMasks(step.masks, 2, 1, 1);
    const feeds: Record<string, Array64> = {
      input: drawn([2, ...input]),
      target: drawn([2, 3], 0),
      ...Object.fromEntries(
        Object.entries(step.scalars(0.1, 1)).map(([key, value]) => [key, array64([value], [])]),
      ),
      ...Object.fromEntries(
        step.state.map(({ name: key, dims }) => [
          key,
          array64(weights[key] ?? new Float64Array(sizeOf(dims)), dims),
        ]),
      ),
      ...Object.fromEntries(
        step.masks.map((m, i) => [m.name, array64(masks[i] as Float32Array, maskDims(m, 2))]),
      ),
    };
    const lossAt = (key: string, at: number, by: number) => {
      const moved = feeds[key] as Array64;
      const data = Float64Array.from(moved.data);
      data[at] = (data[at] as number) + by;
      return interpret(step.graph, { ...feeds, [key]: array64(data, moved.dims) }).loss?.data[0] as number;
    };
    const got = interpret(step.graph, feeds);
    for (const { name: key, dims } of step.parameters.filter((p) => p.trained)) {
      const at = Math.floor(next() * sizeOf(dims));
      const slope = (lossAt(key, at, 1e-5) - lossAt(key, at, -1e-5)) / 2e-5;
      const gradient = got[`gradient.${key}`]?.data[at] as number;
      expect(Math.abs(gradient - slope), `${key}[${at}]`).toBeLessThanOrEqual(1e-7 + 1e-6 * Math.abs(slope));
    }
  });
});
