// Golden: losses, optimizers and learning rates as PyTorch computes them (test/golden/training.json, float64).
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { gradient } from '../../src/graph/gradient.ts';
import { array64, interpret } from '../../src/graph/interpret.ts';
import type { Network } from '../../src/model/layers.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { TrainingLoop } from '../../src/training/loop.ts';
import { crossEntropy, targets } from '../../src/training/loss.ts';
import { OPTIMIZERS, type Optimizer } from '../../src/training/optimizers.ts';
import { learningRate, type Schedule } from '../../src/training/schedule.ts';
import { compileStep } from '../../src/training/step.ts';
import golden from './training.json' with { type: 'json' };

/** Largest difference, over the largest amount. */
function difference(got: ArrayLike<number>, expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((v, i) => Math.abs(got[i] - v))) / largest;
}

describe('cross-entropy', () => {
  const { logits, labels, cases } = golden.losses;
  const g = new GraphBuilder();
  const shape = [labels.length, logits.length / labels.length];
  const z = g.input('logits', 'float32', shape);
  crossEntropy(g, z, g.input('target', 'float32', shape), 'loss');
  g.output('loss');
  const graph = gradient(g.build('loss'), 'loss', ['logits']);

  it.each(cases)('smoothing $smoothing, class weights $classWeights, mixed $mix', (c) => {
    const { smoothing, classWeights, mix } = c;
    const target = targets(labels, shape[1], { smoothing, classWeights, mix });
    const got = interpret(graph, { logits: array64(logits, shape), target: array64(target, shape) });
    // The targets are float32.
    expect(Math.abs(got.loss.data[0] - c.loss) / c.loss).toBeLessThanOrEqual(1e-7);
    expect(difference(got['gradient.logits'].data, c.gradient)).toBeLessThanOrEqual(1e-7);
  });
});

describe('five steps', () => {
  const { initial, x, y, rates, cases } = golden.steps;
  const network: Network = {
    name: 'fixture',
    layers: [
      { kind: 'conv', channels: 2, kernel: [3, 3], stride: 2 },
      { kind: 'relu' },
      { kind: 'flatten' },
      { kind: 'dense', units: 3 },
    ],
  };
  const start: Readonly<Record<string, readonly number[]>> = initial;

  /** PyTorch's arguments as ours. */
  function optimizerOf({ kind, arguments: a }: (typeof cases)[number]): Optimizer {
    const [beta1, beta2] = a.betas ?? [];
    const given = {
      momentum: a.momentum,
      nesterov: a.nesterov,
      weightDecay: a.weight_decay,
      epsilon: a.eps,
      beta1,
      beta2,
    };
    const set = Object.entries(given).filter(([, value]) => value !== undefined);
    return { ...OPTIMIZERS[kind as Optimizer['kind']], ...Object.fromEntries(set) };
  }

  const compiled = (c: (typeof cases)[number]) =>
    compileStep(network, [1, 5, 6], { optimizer: optimizerOf(c), clipNorm: c.clip });

  it.each(cases)('of $kind with $arguments, clipped at $clip, in float64', (c) => {
    const step = compiled(c);
    let state = Object.fromEntries(
      step.state.map(({ name, dims }) => {
        const size = dims.reduce((a, b) => a * b, 1);
        return [name, array64(start[name] ?? new Array(size).fill(0), dims)];
      }),
    );
    rates.forEach((rate, i) => {
      const scalars = Object.entries(step.scalars(rate, i + 1)).map(
        ([name, value]) => [name, array64([value], [])] as const,
      );
      const got = interpret(step.graph, {
        input: array64(x[i], [4, 1, 5, 6]),
        target: array64(targets(y[i], 3), [4, 3]),
        ...Object.fromEntries(scalars),
        ...state,
      });
      // Targets are float32, and a quarter is exact.
      if (c.clip) expect(Math.abs(got.gradient_norm.data[0] / c.norms[i] - 1)).toBeLessThanOrEqual(1e-12);
      state = Object.fromEntries(step.state.map(({ name }) => [name, got[`next.${name}`]]));
    });
    for (const [name, expected] of Object.entries(c.after)) {
      expect(difference(state[name].data, expected), name).toBeLessThanOrEqual(1e-12);
    }
  });

  it.each(cases)('of $kind with $arguments, clipped at $clip, in ONNX Runtime', async (c) => {
    const step = compiled(c);
    const given = Object.entries(start).map(([name, values]) => [name, Float32Array.from(values)]);
    const loop = new TrainingLoop(step, await nodeRuntime.open(step.graph), {
      state: Object.fromEntries(given),
      seed: 0,
    });
    for (const [i, rate] of rates.entries()) {
      const batch = { data: Float32Array.from(x[i]), target: targets(y[i], 3), count: 4 };
      const { gradientNorm } = await loop.step(batch, rate);
      expect(gradientNorm === undefined).toBe(c.clip === undefined);
      if (gradientNorm) expect(Math.abs(gradientNorm / c.norms[i] - 1)).toBeLessThanOrEqual(1e-5);
    }
    const weights = loop.weights();
    for (const [name, expected] of Object.entries(c.after)) {
      expect(difference(weights[name], expected), name).toBeLessThanOrEqual(1e-5);
    }
    await loop.session.release();
  });
});

describe('learning rates', () => {
  it.each(golden.schedules)('$schedule', ({ schedule, rates }) => {
    const course = { steps: rates.length, perEpoch: 1 };
    rates.forEach((rate, i) => {
      expect(learningRate(schedule as Schedule, i + 1, course)).toBeCloseTo(rate, 14);
    });
  });
});
