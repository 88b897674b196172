// Dropout masks and running statistics: rates, seeds, and the unbiased variance by hand.
import { describe, expect, it } from 'vitest';
import { array64, interpret } from '../graph/interpret.ts';
import type { Network } from '../model/layers.ts';
import { initialWeights } from '../model/network.ts';
import { dropoutMask, maskDims } from './masks.ts';
import { compileStep } from './step.ts';

describe('dropout masks', () => {
  const numbers = (rate: number, seed = 1) => {
    return Array.from(dropoutMask({ name: 'm', shape: ['N', 4, 50, 25], rate }, 4, seed));
  };

  it.each([0.1, 0.3, 0.5])(
    'drop a share of %f, within five standard errors, and make the rest larger',
    (rate) => {
      const values = numbers(rate);
      const dropped = values.filter((v) => v === 0).length / values.length;
      expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / values.length));
      expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
    },
  );

  it('are those of the seed', () => {
    expect(numbers(0.5)).toEqual(numbers(0.5));
    const [a, b] = [numbers(0.5), numbers(0.5, 2)];
    const differing = a.filter((v, i) => v !== b[i]).length / a.length;
    expect(Math.abs(differing - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / a.length));
  });

  it('take the batch, and only that, for an open dimension', () => {
    const mask = { name: 'm', shape: ['N', 3, 1, 1], rate: 0.5 };
    expect([maskDims(mask, 7), dropoutMask(mask, 7, 1).length]).toEqual([[7, 3, 1, 1], 21]);
  });
});

it('running statistics: a tenth of the batch, its variance over n − 1', () => {
  const network: Network = {
    name: 'norm',
    layers: [{ kind: 'batchnorm' }, { kind: 'flatten' }, { kind: 'dense', units: 2 }],
  };
  const step = compileStep(network, [1, 2, 2]);
  const x = [1, 2, 4, 8, 3, -1, 0, 7];
  const weights = initialWeights(step.parameters, 1);
  const state = step.state.map(({ name, dims }) => {
    const start = name === 'bn1.running_mean' ? [5] : name === 'bn1.running_var' ? [3] : undefined;
    const zeros = new Float32Array(dims.reduce((a, b) => a * b, 1));
    return [name, array64(start ?? weights[name] ?? zeros, dims)] as const;
  });
  const got = interpret(step.graph, {
    input: array64(x, [2, 1, 2, 2]),
    target: array64([0.5, 0, 0, 0.5], [2, 2]),
    ...Object.fromEntries(
      Object.entries(step.scalars(0.01, 1)).map(([name, value]) => [name, array64([value], [])]),
    ),
    ...Object.fromEntries(state),
  });
  // Mean 3; deviations −2, −1, 1, 5, 0, −4, −3, 4, squares 72 in all.
  expect(got['next.bn1.running_mean'].data[0]).toBeCloseTo(0.9 * 5 + 0.1 * 3, 12);
  expect(got['next.bn1.running_var'].data[0]).toBeCloseTo(0.9 * 3 + (0.1 * 72) / 7, 12);
});
