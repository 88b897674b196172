// Golden and property: batches of any size give zennit's relevances; what does not fit is refused before it runs.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { type EarmarkError, MethodError, ModelError } from '../errors.ts';
import { decodeNpy } from '../files/npy.ts';
import { decodeOnnx } from '../graph/onnx.ts';
import { inferShapes } from '../graph/shapes.ts';
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
    const loud = new Float32Array(input.data.length).fill(3e38);
    await expect(explainer.explain(loud, input.shape)).rejects.toThrow(
      /relevance of ".*_epsilon-plus-flat" is not finite.*stabilizer.*range of the input/,
    );
    await expect(Explainer.open(nodeRuntime, model, { method, batch: 0 })).rejects.toThrow(MethodError);
  });

  it('explains one class against another: the difference of both, against the runner-up unless told', async () => {
    const options = { method, against: true, ledger: true, batch: 3 };
    const contrast = await Explainer.open(nodeRuntime, model, options);
    const strongest = (row: readonly number[]) => row.indexOf(Math.max(...row));
    const { logits } = await explainer.explain(input.data, input.shape);
    const rows = Array.from({ length: count }, (_, n) =>
      Array.from(logits.slice(n * explainer.classes, (n + 1) * explainer.classes)),
    );
    const targets = rows.map(strongest);
    const second = rows.map((row, n) => strongest(row.map((v, k) => (k === targets[n] ? -Infinity : v))));
    const told = [0, 1, 2, 3].map((k, n) => (k === targets[n] ? 9 : k));
    const standing = await contrast.explain(input.data, input.shape);
    const given = await contrast.explain(input.data, input.shape, targets, { against: second });
    expect(given.relevance).toEqual(standing.relevance);
    const { ledger, relevance } = await contrast.explain(input.data, input.shape, targets, { against: told });
    rows.forEach((row, n) => {
      expect(standing.ledger?.start[n]).toBeCloseTo(row[targets[n]] - row[second[n]], 5);
      expect(ledger?.start[n]).toBeCloseTo(row[targets[n]] - row[told[n]], 5);
    });
    const own = await explainer.explain(input.data, input.shape, targets);
    const others = await explainer.explain(input.data, input.shape, told);
    expect(
      difference(
        relevance,
        own.relevance.map((v, i) => v - others.relevance[i]),
      ),
    ).toBeLessThanOrEqual(1e-4);
    await contrast.release();
    await expect(explainer.explain(input.data, input.shape, targets, { against: told })).rejects.toThrow(
      /not opened to explain against/,
    );
  });

  it('relevance at each layer is of its shape in the model, and what it comes to is in the ledger', async () => {
    const shapes = inferShapes(model);
    const open = (batch: number) =>
      Explainer.open(nodeRuntime, model, { method, layers: true, ledger: true, batch });
    const whole = await open(4);
    const { relevance, layers = [], ledger } = await whole.explain(input.data, input.shape);
    await whole.release();
    expect(difference(relevance, floats('epsilon_plus_flat').data)).toBeLessThanOrEqual(1e-5);
    expect(layers.map((l) => l.node)).toEqual(model.nodes.map((n) => n.name));
    for (const [i, { node, dims, data }] of layers.entries()) {
      const [name] = model.nodes[i].outputs;
      expect(dims).toEqual([count, ...(shapes.get(name)?.shape.slice(1) ?? [])]);
      const row = ledger?.layers.find((l) => l.node === node);
      const sum = data.subarray(0, data.length / count).reduce((a, b) => a + b, 0);
      expect(Math.abs(sum - (row?.out[0] ?? 0))).toBeLessThanOrEqual(1e-5 * (row?.magnitude[0] ?? 0));
    }
    const parts = await open(3);
    const joined = await parts.explain(input.data, input.shape);
    await parts.release();
    joined.layers?.forEach(({ dims, data }, i) => {
      expect(dims).toEqual(layers[i].dims);
      expect(difference(data, layers[i].data)).toBeLessThanOrEqual(1e-6);
    });
  });

  it('keeps a ledger where the method has one, and refuses one where it has not', async () => {
    const open = (text: string, ledger: boolean | 'auto') =>
      Explainer.open(nodeRuntime, model, { method: parseMethod(text), ledger });
    const ledgers = [
      'epsilon',
      'excitation-backprop',
      'gradient',
      'input-x-gradient',
      'guided-backprop',
      'occlusion',
    ];
    const kept: boolean[] = [];
    for (const text of ledgers) {
      const auto = await open(text, 'auto');
      kept.push(auto.explanation.ledger !== undefined);
      await auto.release();
    }
    expect(kept).toEqual([true, true, false, false, false, false]);
    await expect(open('gradient', true)).rejects.toThrow(/"gradient" does not conserve relevance.*no ledger/);
    await expect(open('input-x-gradient', true)).rejects.toThrow(MethodError);
  });
});
