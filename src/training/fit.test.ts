// The training loop on a problem that is easy to learn: it learns it, the same way every time, stops as it says, and goes on.
import { describe, expect, it } from 'vitest';
import { type Examples, joined } from '../augmentation/examples.ts';
import { hash32, random } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import type { Network } from '../model/layers.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { evaluate, score } from './evaluate.ts';
import { FIT, type FitOptions, type FitProgress, type FitSurroundings, fit as fitNetwork } from './fit.ts';

const INPUT = [1, 12, 8];
const SIZE = 96;

/** Inputs that are large in the upper half of the rows (class 0) or in the lower (class 1), with noise by seed. */
function examples(count: number, seed: number, change: (data: Float32Array) => void = () => {}): Examples {
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const one = (i: number, own: number) => {
    const next = random(hash32(hash32(seed, i), own));
    return Float32Array.from(
      { length: SIZE },
      (_, at) => next() * (at < SIZE / 2 === (labels[i] === 0) ? 1 : 0.1),
    );
  };
  return {
    labels,
    inputs: async (chosen, seeds) => {
      const data = joined(chosen.map((i, at) => one(i, seeds?.[at] ?? 0)));
      change(data);
      return data;
    },
  };
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
const options: FitOptions = {
  ...FIT,
  epochs: 6,
  batch: 8,
  patience: 6,
  seed: 1,
  mixup: 0.2,
  smoothing: 0.1,
  average: 0.9,
};
const train = (
  change: Partial<FitOptions> = {},
  around: FitSurroundings = {},
  training = examples(24, 1),
  validation = examples(10, 2),
) => fitNetwork(nodeRuntime, network, INPUT, training, validation, { ...options, ...change }, around);

describe('what can be separated', () => {
  it('is separated, on clips it has not seen', async () => {
    const { weights, history, bestEpoch, failure } = await train({
      epochs: 20,
      mixup: 0,
      smoothing: 0,
      average: 0.5,
    });
    expect(failure).toBeNull();
    expect(history[bestEpoch - 1].validationAccuracy).toBe(1);
    expect(history.at(-1)?.loss).toBeLessThan(history[0].loss);
    const unseen = examples(140, 3);
    const logits = await evaluate(nodeRuntime, network, INPUT, weights, unseen);
    expect(score(logits, unseen.labels).accuracy).toBe(1);
  });

  it('is learnt bit for bit the same with the same seed, and otherwise with another', async () => {
    const [a, again, b] = [await train(), await train(), await train({ seed: 2 })];
    expect(again.weights).toEqual(a.weights);
    expect(timeless(again.history)).toEqual(timeless(a.history));
    expect(b.weights['fc1.weight']).not.toEqual(a.weights['fc1.weight']);
  });
});

const timeless = (history: Awaited<ReturnType<typeof train>>['history']) =>
  history.map(({ seconds: _, ...epoch }) => epoch);

describe('a fit that is ended', () => {
  it('goes on from any of its checkpoints to the same weights, bit for bit', async () => {
    const saved: Uint8Array[] = [];
    const onCheckpoint = async (now: Checkpoint) => {
      saved.push(encodeCheckpoint(now));
    };
    const whole = await train({}, { onCheckpoint, checkpointSeconds: 0 });
    // After each of the 3 steps of 6 epochs, and after each epoch that another follows.
    expect(saved.length).toBe(18 + 6);
    for (const bytes of [saved[0], saved[2], saved[3], saved[13], saved.at(-2)!]) {
      const rest = await train({}, { resume: decodeCheckpoint(bytes) });
      expect(rest.weights).toEqual(whole.weights);
      expect(timeless(rest.history)).toEqual(timeless(whole.history));
      expect(rest.bestEpoch).toBe(whole.bestEpoch);
    }
  });

  it('by a signal saves its state after the step, and throws the reason', async () => {
    const controller = new AbortController();
    let saved: Checkpoint | undefined;
    const tried = train(
      {},
      {
        signal: controller.signal,
        onProgress: ({ step }) => step === 8 && controller.abort(new TrainingError('enough')),
        onCheckpoint: async (now) => {
          saved = now;
        },
      },
    );
    await expect(tried).rejects.toThrow('enough');
    expect(saved).toMatchObject({ step: 8, epoch: 3, batch: 2 });
    expect((await train({}, { resume: saved })).weights).toEqual((await train()).weights);
  });

  it.each([
    ['another batch', { batch: 12 }, /its options differs: expected batch 8, got batch 12/],
    ['another rate', { schedule: { kind: 'constant', rate: 1 } as const }, /its options differs/],
  ])('does not go on with %s', async (_, change, message) => {
    let saved: Checkpoint | undefined;
    const onCheckpoint = async (now: Checkpoint) => {
      saved = now;
    };
    await train({ epochs: 2 }, { onCheckpoint });
    const tried = train({ epochs: 2, ...change }, { resume: saved });
    await expect(tried).rejects.toThrow(TrainingError);
    await expect(tried).rejects.toThrow(message);
  });
});

describe('the course of training', () => {
  // One batch an epoch, so that an epoch's rate is a step's.
  const whole = { batch: 24, epochs: 20, patience: 20 };

  it('stops after as many epochs without a better one as patience allows, and keeps the best weights', async () => {
    const schedule = { kind: 'constant', rate: 0 } as const;
    const { history, bestEpoch, weights } = await train({ ...whole, schedule, patience: 3 });
    // Nothing is learnt but the running statistics, which may make a later epoch the best.
    expect(history).toHaveLength(bestEpoch + 3);
    const validation = examples(10, 2);
    const kept = score(await evaluate(nodeRuntime, network, INPUT, weights, validation), validation.labels);
    expect(kept.loss).toBe(history[bestEpoch - 1].validationLoss);
    expect(kept.accuracy).toBe(Math.max(...history.map((epoch) => epoch.validationAccuracy)));
  });

  it('reports every step and every epoch, of batches of nearly one size', async () => {
    const seen: FitProgress[] = [];
    const sizes: number[] = [];
    const training = examples(25, 1);
    const counting: Examples = {
      ...training,
      inputs: (chosen, seeds) => {
        sizes.push(chosen.length);
        return training.inputs(chosen, seeds);
      },
    };
    await train({ epochs: 2, batch: 10 }, { onProgress: (now) => seen.push(now) }, counting);
    expect(sizes).toEqual([8, 8, 9, 8, 8, 9]);
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

  it('each epoch varies each example, and takes them in another order', async () => {
    const seen: [number, number][][] = [];
    const training = examples(8, 1);
    const spying: Examples = {
      ...training,
      inputs: (chosen, seeds) => {
        seen.push(chosen.map((i, at) => [i, seeds![at]]));
        return training.inputs(chosen, seeds);
      },
    };
    await train({ epochs: 2 }, {}, spying);
    const [first, second] = seen;
    expect(first.map(([i]) => i)).not.toEqual(second.map(([i]) => i));
    expect(new Set([...first, ...second].map(([, seed]) => seed)).size).toBe(16);
    expect([...first].sort(([a], [b]) => a - b).map(([i]) => i)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('where the loss stops being a number after an epoch, that epoch is kept, and the reason', async () => {
    let steps = 0;
    const breaking = examples(24, 1, (data) => {
      if (++steps === 8) data.fill(Number.NaN);
    });
    const { failure, history, bestEpoch } = await train({}, {}, breaking);
    expect(failure?.message).toMatch(/an input of a training example: expected finite values, got NaN/);
    expect(history).toHaveLength(2);
    expect(bestEpoch).toBeGreaterThan(0);
  });
});

describe('refusals', () => {
  it('too few recordings', async () => {
    for (const [training, validation] of [
      [1, 4],
      [4, 0],
      [0, 0],
    ]) {
      const tried = train({}, {}, examples(training, 1), examples(validation, 2));
      await expect(tried).rejects.toThrow(TrainingError);
      await expect(tried).rejects.toThrow(`got ${training} and ${validation}`);
    }
  });

  it('a learning rate that leads nowhere', async () => {
    const tried = train({ schedule: { kind: 'constant', rate: 1e30 } });
    await expect(tried).rejects.toThrow(TrainingError);
    await expect(tried).rejects.toThrow(
      /the loss is (NaN|Infinity) at step \d+\. Train with a smaller learning rate/,
    );
  });
});
