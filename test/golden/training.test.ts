// Golden: five Adam steps against PyTorch 1.13's float64 (../shared/fixtures/training), in ONNX Runtime and in the interpreter.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeNpz } from '../../src/files/npz.ts';
import { type Array64, array64, interpret } from '../../src/graph/interpret.ts';
import type { Network } from '../../src/model/layers.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32, type RuntimeTensor } from '../../src/runtime/runtime.ts';
import { targets } from '../../src/training/loss.ts';
import { OPTIMIZERS } from '../../src/training/optimizers.ts';
import { compileStep } from '../../src/training/step.ts';
import { describeShared, sharedPath } from '../support/shared.ts';

const NETWORK: Network = {
  name: 'fixture',
  layers: [
    { kind: 'conv', channels: 6, kernel: [3, 3] },
    { kind: 'batchnorm' },
    { kind: 'relu' },
    { kind: 'maxpool', size: [2, 2] },
    { kind: 'conv', channels: 8, kernel: [3, 3], stride: 2 },
    { kind: 'relu' },
    { kind: 'averagepool', size: [2, 2] },
    { kind: 'flatten' },
    { kind: 'dense', units: 12 },
    { kind: 'relu' },
    { kind: 'dense', units: 4 },
  ],
};
const RATE = 1e-2;
const SHAPE = [8, 1, 16, 16];

function read(name: string): Record<string, number[]> {
  const arrays = decodeNpz(readFileSync(sharedPath(`fixtures/training/${name}.npz`)), name);
  return Object.fromEntries(
    Object.entries(arrays).map(([key, a]) => [key, Array.from(a.data as Float32Array, Number)]),
  );
}

function difference(got: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((v, i) => Math.abs(got[i] - v))) / scale;
}

describeShared('fixtures/training', 'five steps of Adam', () => {
  const step = compileStep(NETWORK, SHAPE.slice(1), {
    optimizer: OPTIMIZERS.adam,
    gradients: true,
  });
  const initial = read('initial');
  const batches = read('batches');
  const gradients = read('gradients_step1');
  const after = read('after5');
  const losses: number[] = JSON.parse(readFileSync(sharedPath('fixtures/training/meta.json'), 'utf8')).loss;

  /** Feeds of step t, numbers only. */
  function feeds(t: number, state: Record<string, ArrayLike<number>>) {
    const size = SHAPE.reduce((a, b) => a * b);
    return {
      input: [batches.x.slice((t - 1) * size, t * size), SHAPE] as const,
      target: [targets(batches.y.slice((t - 1) * 8, t * 8), 4), [8, 4]] as const,
      ...Object.fromEntries(
        Object.entries(step.scalars(RATE, t)).map(([name, value]) => [name, [[value], []] as const]),
      ),
      ...Object.fromEntries(step.state.map(({ name, dims }) => [name, [state[name], dims] as const])),
    };
  }

  function start(): Record<string, ArrayLike<number>> {
    return Object.fromEntries(
      step.state.map(({ name, dims }) => [
        name,
        initial[name] ?? new Array(dims.reduce((a, b) => a * b, 1)).fill(0),
      ]),
    );
  }

  it('in the float64 interpreter, all within 1e-6', () => {
    let state = start();
    for (let t = 1; t <= 5; t++) {
      const fed = Object.entries(feeds(t, state)).map(
        ([name, [data, dims]]) => [name, array64(data, dims)] as const,
      );
      const got: Record<string, Array64> = interpret(step.graph, Object.fromEntries(fed));
      expect(Math.abs(got.loss.data[0] - losses[t - 1]) / losses[t - 1]).toBeLessThanOrEqual(1e-6);
      for (const [name, expected] of Object.entries(t === 1 ? gradients : {})) {
        if (name === 'conv1.bias')
          expect(Math.max(...got[`gradient.${name}`].data.map(Math.abs))).toBeLessThanOrEqual(1e-12);
        else expect(difference(got[`gradient.${name}`].data, expected), name).toBeLessThanOrEqual(1e-6);
      }
      state = Object.fromEntries(step.state.map(({ name }) => [name, got[`next.${name}`].data]));
    }
    for (const [name, expected] of Object.entries(after)) {
      expect(difference(state[name], expected), name).toBeLessThanOrEqual(1e-6);
    }
  });

  it('in ONNX Runtime (float32), all within 1e-4 but for the bias before the batch norm', async () => {
    const session = await nodeRuntime.open(step.graph);
    let state = start();
    for (let t = 1; t <= 5; t++) {
      const fed = Object.entries(feeds(t, state)).map(
        ([name, [data, dims]]) => [name, float32(Float32Array.from(data), dims)] as const,
      );
      const got: Record<string, RuntimeTensor> = await session.run(Object.fromEntries(fed));
      const numbers = (name: string) => Array.from(got[name].data, Number);
      expect(Math.abs(numbers('loss')[0] - losses[t - 1]) / losses[t - 1]).toBeLessThanOrEqual(1e-4);
      for (const [name, expected] of Object.entries(t === 1 ? gradients : {})) {
        const gradient = numbers(`gradient.${name}`);
        // Its true gradient is 0.
        if (name === 'conv1.bias') expect(Math.max(...gradient.map(Math.abs))).toBeLessThanOrEqual(1e-6);
        else expect(difference(gradient, expected), name).toBeLessThanOrEqual(1e-4);
      }
      state = Object.fromEntries(step.state.map(({ name }) => [name, numbers(`next.${name}`)]));
    }
    for (const [name, expected] of Object.entries(after)) {
      if (name === 'conv1.bias' || name === 'bn1.running_mean') continue;
      expect(difference(state[name], expected), name).toBeLessThanOrEqual(1e-4);
    }
    await session.release();
  });
});
