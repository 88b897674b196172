// Contract: training steps give the same losses and weights, whoever executes them.
import { describe, expect, it } from 'vitest';
import { random } from '../../src/corpus/random.ts';
import { sizeOf } from '../../src/graph/types.ts';
import { architecture } from '../../src/model/architectures.ts';
import type { Network } from '../../src/model/layers.ts';
import { initialWeights } from '../../src/model/network.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { TrainingLoop } from '../../src/training/loop.ts';
import { targets } from '../../src/training/loss.ts';
import { OPTIMIZERS, type Optimizer } from '../../src/training/optimizers.ts';
import { compileStep } from '../../src/training/step.ts';
import { interpreter } from './interpreter.ts';
import { noWebgpu, ONNX_RUNTIMES } from './runtimes.ts';

const CLASSES = 3;
const COUNT = 4;
const RATE = 1e-3;

/** Max pooling in pairs and with overlap, strides, a residual block. */
const POOLED: Network = {
  name: 'pooled',
  layers: [
    { kind: 'conv', channels: 8, kernel: [3, 3] },
    { kind: 'batchnorm' },
    { kind: 'relu' },
    { kind: 'maxpool', size: [2, 2] },
    { kind: 'residual', layers: [{ kind: 'conv', channels: 8, kernel: [3, 3] }, { kind: 'gelu' }] },
    { kind: 'maxpool', size: [3, 3], stride: 2 },
    { kind: 'conv', channels: 6, kernel: [3, 3], stride: 2 },
    { kind: 'dropout', rate: 0.3 },
    { kind: 'flatten' },
    { kind: 'dense', units: CLASSES },
  ],
};

interface Trained {
  readonly losses: readonly number[];
  readonly weights: readonly (readonly [name: string, values: Float32Array])[];
}

/** Three steps on noise. */
async function train(runtime: Runtime, network: Network, optimizer: Optimizer): Promise<Trained> {
  const input = [1, 16, 16];
  const step = compileStep(network, input, { optimizer, clipNorm: 1 });
  const state = initialWeights(step.parameters, 1);
  const loop = new TrainingLoop(step, await runtime.open(step.graph), { state, seed: 1 });
  const losses: number[] = [];
  for (let t = 0; t < 3; t++) {
    const next = random(t);
    const data = Float32Array.from({ length: COUNT * sizeOf(input) }, () => next());
    const target = targets([0, 1, 2, t], CLASSES);
    losses.push((await loop.step({ data, target, count: COUNT }, RATE)).loss);
  }
  await loop.session.release();
  return { losses, weights: Object.entries(loop.weights()) };
}

describe.each([
  ['mel-cnn', architecture('mel-cnn', CLASSES), 'sgd'],
  ['mel-cnn', architecture('mel-cnn', CLASSES), 'adamw'],
  ['pooled', POOLED, 'sgd'],
] as const)('%s', (_, network, optimizer) => {
  let exact: Promise<Trained> | undefined;

  it.each(ONNX_RUNTIMES)(
    `${optimizer}: %s trains as the float64 interpreter does`,
    async (_, runtime) => {
      exact ??= train(interpreter, network, OPTIMIZERS[optimizer]);
      const { losses, weights } = await exact;
      const got = await train(runtime, network, OPTIMIZERS[optimizer]);
      for (const [t, loss] of losses.entries()) {
        expect(Math.abs(got.losses[t] - loss), `loss ${t}`).toBeLessThanOrEqual(1e-5 * loss);
      }
      // Adam's quotients make steps of some RATE of gradients that are nothing but rounding.
      if (optimizer !== 'sgd') return;
      for (const [i, [name, values]] of weights.entries()) {
        const off = values.reduce((m, v, k) => Math.max(m, Math.abs(v - got.weights[i][1][k])), 0);
        const scale = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
        expect(off, name).toBeLessThanOrEqual(1e-5 * Math.max(scale, RATE));
      }
    },
    60_000,
  );
});

if (noWebgpu !== undefined) it.skip(`WebGPU: ${noWebgpu}`);
