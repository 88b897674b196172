// The training loop on a problem that is easy to learn: it learns it, the same way every time, and stops as it says.
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import { defaultFeatures } from '../features/settings.ts';
import type { Network } from '../model/layers.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { evaluate, score } from './evaluate.ts';
import { type Example, ExampleReader } from './examples.ts';
import { FIT, type FitOptions, type FitProgress, fit as fitNetwork } from './fit.ts';

const settings = defaultFeatures('logmel', 8000, 0.1);
const [bins, frames] = inputShape(settings);

/** Recordings that are loud in the lower half of the bands (class 0) or in the upper (class 1). */
function examples(count: number, seed: number): Example[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const label = i % 2;
    const data = Float64Array.from({ length: bins * frames }, (_, at) => {
      const upper = at / frames >= bins / 2 ? 1 : 0;
      return next() * (upper === label ? 1 : 1e-3);
    });
    return { power: { rows: bins, columns: frames, data }, label };
  });
}

const network: Network = {
  name: 'tiny',
  layers: [
    { kind: 'conv', channels: 4, kernel: [3, 3], bias: false },
    { kind: 'batchnorm' },
    { kind: 'relu' },
    { kind: 'averagepool', size: [4, 2] },
    { kind: 'flatten' },
    { kind: 'dropout', rate: 0.25 },
    { kind: 'dense', units: 2 },
  ],
};
const options: FitOptions = { ...FIT, epochs: 6, batch: 8, patience: 6, seed: 1 };
const train = (change: Partial<FitOptions> = {}, training = examples(24, 1), validation = examples(10, 2)) =>
  fitNetwork(nodeRuntime, network, settings, training, validation, { ...options, ...change });

describe('what can be separated', () => {
  it('is separated, on clips it has not seen', async () => {
    const { weights, history, bestEpoch } = await train();
    expect(history[bestEpoch - 1].validationAccuracy).toBe(1);
    expect(history.at(-1)?.loss).toBeLessThan(history[0].loss);
    const unseen = examples(40, 3);
    const reader = new ExampleReader(settings);
    const inputs = unseen.map((example) => reader.plain(example));
    const logits = await evaluate(nodeRuntime, network, settings, weights, inputs);
    expect(
      score(
        logits,
        unseen.map((e) => e.label),
      ).accuracy,
    ).toBe(1);
  });

  it('is learnt bit for bit the same with the same seed, and otherwise with another', async () => {
    const [a, again, b] = [await train(), await train(), await train({ seed: 2 })];
    expect(again.weights).toEqual(a.weights);
    const timeless = (f: typeof a) => f.history.map(({ seconds: _, ...epoch }) => epoch);
    expect(timeless(again)).toEqual(timeless(a));
    expect(b.weights['fc1.weight']).not.toEqual(a.weights['fc1.weight']);
  });
});

describe('the course of training', () => {
  // One batch an epoch, so that an epoch's rate is a step's.
  const whole = { batch: 24, epochs: 20, patience: 20, learningRate: 0.01 };

  it('the learning rate rises over a tenth of the steps, then falls along half a cosine to 0', async () => {
    const { history } = await train(whole);
    const rates = history.map((epoch) => epoch.learningRate);
    expect(rates.slice(0, 2)).toEqual([0.005, 0.01]);
    rates.slice(2).forEach((rate, i) => {
      expect(rate).toBeCloseTo((0.01 * (1 + Math.cos((Math.PI * (i + 1)) / 18))) / 2, 15);
    });
    expect(rates[10]).toBeCloseTo(0.005, 15);
    expect(rates.at(-1)).toBeCloseTo(0, 15);
  });

  it('stops after as many epochs without a better one as patience allows, and keeps the best weights', async () => {
    const { history, bestEpoch, weights } = await train({ ...whole, learningRate: 0, patience: 3 });
    // Nothing is learnt but the running statistics, which may make a later epoch the best.
    expect(history).toHaveLength(bestEpoch + 3);
    const validation = examples(10, 2);
    const reader = new ExampleReader(settings);
    const inputs = validation.map((example) => reader.plain(example));
    const kept = score(
      await evaluate(nodeRuntime, network, settings, weights, inputs),
      validation.map((e) => e.label),
    );
    expect(kept.loss).toBe(history[bestEpoch - 1].validationLoss);
    expect(kept.accuracy).toBe(Math.max(...history.map((epoch) => epoch.validationAccuracy)));
  });

  it('reports every step and every epoch', async () => {
    const seen: FitProgress[] = [];
    const given = { ...options, epochs: 2, batch: 10 };
    await fitNetwork(nodeRuntime, network, settings, examples(24, 1), examples(10, 2), given, (now) =>
      seen.push(now),
    );
    // Batches of 10, 10 and 4, and the epoch after them.
    expect(seen.map(({ step, steps, last }) => [step, steps, last?.epoch])).toEqual([
      [1, 6, undefined],
      [2, 6, undefined],
      [3, 6, undefined],
      [3, 6, 1],
      [4, 6, 1],
      [5, 6, 1],
      [6, 6, 1],
      [6, 6, 2],
    ]);
  });
});

describe('refusals', () => {
  it('too few recordings', async () => {
    for (const [training, validation] of [
      [1, 4],
      [4, 0],
      [0, 0],
    ]) {
      const tried = train({}, examples(training, 1), examples(validation, 2));
      await expect(tried).rejects.toThrow(TrainingError);
      await expect(tried).rejects.toThrow(`got ${training} and ${validation}`);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('%s in a recording, wherever it is', async (value) => {
    for (const part of ['training', 'validation'] as const) {
      const parts = { training: examples(24, 1), validation: examples(10, 2) };
      parts[part][5].power.data[40] = value;
      const tried = train({}, parts.training, parts.validation);
      await expect(tried, part).rejects.toThrow(TrainingError);
      await expect(tried, part).rejects.toThrow(
        new RegExp(`${part} example 5: expected finite power, got ${value}`),
      );
    }
  });

  it('a learning rate that leads nowhere', async () => {
    const tried = train({ learningRate: 1e30 });
    await expect(tried).rejects.toThrow(TrainingError);
    await expect(tried).rejects.toThrow(
      /the loss is (NaN|Infinity) at step \d+\. Train with a smaller learning rate/,
    );
  });
});
