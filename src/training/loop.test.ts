// The loop goes on where it was left, bit for bit; dropout masks: rates, seeds; the unbiased variance by hand.
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { array64, interpret } from '../graph/interpret.ts';
import type { Network } from '../model/layers.ts';
import { initialWeights } from '../model/network.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { TrainingLoop } from './loop.ts';
import { targets } from './loss.ts';
import { dropoutMask, dropoutMasks, maskDims } from './masks.ts';
import { OPTIMIZERS } from './optimizers.ts';
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

describe('the loop', () => {
  const network: Network = {
    name: 'small',
    layers: [
      { kind: 'conv', channels: 3, kernel: [3, 3] },
      { kind: 'batchnorm' },
      { kind: 'relu' },
      { kind: 'dropout', rate: 0.25 },
      { kind: 'flatten' },
      { kind: 'dense', units: 2 },
    ],
  };
  const input = [1, 4, 6];
  const batch = (t: number) => {
    const next = random(t);
    return {
      data: Float32Array.from({ length: 4 * 24 }, () => next()),
      target: targets([0, 1, 1, 0], 2),
      count: 4,
    };
  };

  it.each(Object.values(OPTIMIZERS))(
    'goes on from its state as if it had not stopped: $kind',
    async (optimizer) => {
      const step = compileStep(network, input, { optimizer });
      const session = await nodeRuntime.open(step.graph);
      const run = async (loop: TrainingLoop, count: number) => {
        const losses: number[] = [];
        for (let i = 0; i < count; i++) losses.push((await loop.step(batch(loop.done + 1), 0.05)).loss);
        return losses;
      };
      const start = { state: initialWeights(step.parameters, 1), seed: 7 };
      const whole = new TrainingLoop(step, session, start);
      const losses = await run(whole, 6);

      const first = new TrainingLoop(step, session, start);
      const begun = await run(first, 2);
      const kept = first.state();
      await run(first, 1);
      const second = new TrainingLoop(step, session, { state: kept, done: 2, seed: 7 });
      expect([...begun, ...(await run(second, 4))]).toEqual(losses);
      expect(second.state()).toEqual(whole.state());
      expect(second.done).toBe(6);
      await session.release();
    },
  );

  it('takes masks that were made elsewhere for its own', async () => {
    const step = compileStep(network, input);
    const session = await nodeRuntime.open(step.graph);
    const start = { state: initialWeights(step.parameters, 1), seed: 7 };
    const loss = async (masks?: Float32Array[]) =>
      (await new TrainingLoop(step, session, start).step({ ...batch(1), ...(masks && { masks }) }, 0.1)).loss;
    expect(await loss(dropoutMasks(step.masks, 4, 7, 1))).toBe(await loss());
    expect(await loss(dropoutMasks(step.masks, 4, 7, 2))).not.toBe(await loss());
    await session.release();
  });

  it('a step that fails leaves the state as it was', async () => {
    const step = compileStep(network, input);
    const session = await nodeRuntime.open(step.graph);
    const loop = new TrainingLoop(step, session, { state: initialWeights(step.parameters, 1), seed: 7 });
    await loop.step(batch(1), 0.1);
    const before = loop.state();
    const data = batch(2).data.fill(Number.NaN);
    await expect(loop.step({ ...batch(2), data }, 0.1)).rejects.toThrow(TrainingError);
    expect([loop.state(), loop.done]).toEqual([before, 1]);
    await session.release();
  });

  it.each([
    [{ ...OPTIMIZERS.sgd, momentum: 1 }, /sgd: momentum: expected from 0 to below 1, got 1/],
    [{ ...OPTIMIZERS.adam, weightDecay: -1 }, /adam: weightDecay: expected a number from 0 on, got -1/],
  ])('refuses an optimizer out of range: %j', (optimizer, message) => {
    expect(() => compileStep(network, input, { optimizer })).toThrow(message);
  });

  it.each([0, -1, Number.NaN])('refuses to clip at %f', (clipNorm) => {
    expect(() => compileStep(network, input, { clipNorm })).toThrow(TrainingError);
  });
});
