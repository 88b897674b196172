// Golden and property: batches of any size give zennit's relevances; what does not fit is refused before it runs.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { type EarmarkError, MethodError, ModelError } from '../errors.ts';
import { decodeNpy } from '../files/npy.ts';
import { decodeOnnx } from '../graph/onnx.ts';
import type { Graph } from '../graph/types.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { Explainer, PREDICTED } from './explainer.ts';
import { parseMethod } from './method.ts';

const folder = 'fixtures/lrp/cnn_mel';

describeShared(folder, 'Explainer', () => {
  const floats = (file: string) => {
    const { data, shape } = decodeNpy(readFileSync(sharedPath(`${folder}/${file}.npy`)), file);
    return { data: Float32Array.from(data as Float32Array), shape };
  };
  const model = decodeOnnx(readFileSync(sharedPath(`${folder}/model.onnx`)), 'cnn_mel');
  const input = floats('input');
  const [count] = input.shape;
  const method = parseMethod('epsilon-plus-flat');
  let explainer: Explainer;
  beforeAll(async () => {
    explainer = await Explainer.open(nodeRuntime, model, { method, ledger: true, batch: 3 });
  });
  afterAll(() => explainer.release());

  const difference = (got: Float32Array, expected: Float32Array) => {
    const scale = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    return expected.reduce((m, v, i) => Math.max(m, Math.abs(got[i] - v)), 0) / scale;
  };

  it('agrees with zennit in batches that do not divide the clips', async () => {
    const done: number[] = [];
    const { logits, relevance, ledger } = await explainer.explain(input.data, input.shape, undefined, {
      progress: (n) => done.push(n),
    });
    expect(done).toEqual([3, 4]);
    expect(difference(relevance, floats('epsilon_plus_flat').data)).toBeLessThanOrEqual(1e-5);
    expect(difference(logits, floats('logits').data)).toBeLessThanOrEqual(1e-5);
    expect(ledger?.start).toHaveLength(count);
    for (const layer of ledger?.layers ?? []) expect(layer.magnitude).toHaveLength(count);
    for (let n = 0; n < count; n++) {
      const predicted = Math.max(...logits.slice(n * explainer.classes, (n + 1) * explainer.classes));
      expect(ledger?.start[n]).toBeCloseTo(predicted, 5);
    }
  });

  it('a model with a fixed batch gives the same, its last batch filled up', async () => {
    const [first] = model.inputs;
    const fixed: Graph = {
      ...model,
      inputs: [{ ...first, shape: [3, ...first.shape.slice(1)] }],
      outputs: model.outputs.map((o) => ({ ...o, shape: [3, ...o.shape.slice(1)] })),
    };
    const own = await Explainer.open(nodeRuntime, fixed, { method, ledger: true });
    const [a, b] = [
      await own.explain(input.data, input.shape),
      await explainer.explain(input.data, input.shape),
    ];
    await own.release();
    expect(difference(a.relevance, b.relevance)).toBeLessThanOrEqual(1e-6);
    expect(a.ledger?.start).toHaveLength(count);
  });

  it('explains the class that is asked for', async () => {
    const targets = Array.from({ length: count }, (_, n) => n % explainer.classes);
    const { logits, ledger } = await explainer.explain(input.data, input.shape, targets);
    targets.forEach((target, n) => {
      expect(ledger?.start[n]).toBeCloseTo(logits[n * explainer.classes + target], 5);
    });
  });

  const nan = Float32Array.from(input.data);
  nan[nan.length - 1] = Number.NaN;
  it.each<[string, Float32Array, number[], number[] | undefined, RegExp]>([
    ['a dimension less', input.data, input.shape.slice(1), undefined, /shape of the input/],
    ['another size', input.data, [count, 1, 20, 64], undefined, /expected \[N, 1/],
    ['no clip', new Float32Array(0), [0, ...input.shape.slice(1)], [], /shape of the input/],
    ['too few numbers', input.data.subarray(1), input.shape, undefined, /does not fill/],
    ['NaN', nan, input.shape, undefined, new RegExp(`clip ${count - 1} .*got NaN`)],
    ['too few targets', input.data, input.shape, [0], /one a clip/],
    ['a class too many', input.data, input.shape, new Array(count).fill(10), /got 10/],
    ['a class below −1', input.data, input.shape, new Array(count).fill(PREDICTED - 1), /got -2/],
    ['half a class', input.data, input.shape, new Array(count).fill(0.5), /got 0.5/],
  ])('refuses %s', async (_, data, dims, targets, message) => {
    const error = await explainer.explain(data, dims, targets).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as EarmarkError).message).toMatch(message);
  });

  it('refuses relevance that is not finite, and a batch of none', async () => {
    const unstable = await Explainer.open(nodeRuntime, model, { method: parseMethod('zplus:stabilizer=0') });
    const silence = new Float32Array(input.data.length);
    await expect(unstable.explain(silence, input.shape)).rejects.toThrow(/not finite.*stabilizer/);
    await unstable.release();
    await expect(Explainer.open(nodeRuntime, model, { method, batch: 0 })).rejects.toThrow(MethodError);
  });
});
