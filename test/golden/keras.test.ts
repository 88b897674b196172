// Golden: models as Keras saves them (tools/golden/keras.py), imported: what they predict, how they are listed, their relevance.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import { importKeras } from '../../src/keras/import.ts';
import { logitsOf } from '../../src/model/logits.ts';
import { Explainer } from '../../src/relevance/explainer.ts';
import type { Ledger } from '../../src/relevance/ledger.ts';
import { parseMethod } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32 } from '../../src/runtime/runtime.ts';
import { arraysOf } from '../support/golden.ts';

const folder = new URL('keras/', import.meta.url);
const index: Record<string, { keras: string; parameters: number }> = JSON.parse(
  readFileSync(new URL('keras.json', folder), 'utf8'),
);
const importFile = (file: string) =>
  importKeras(new Uint8Array(readFileSync(new URL(file, folder))), { name: file });

/** max |got − expected|, infinite where their sizes differ. */
function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Array.from(expected).reduce((most, v, i) => Math.max(most, Math.abs(got[i] - v)), 0);
}

describe.each(Object.entries(index))('%s', (file, { keras, parameters }) => {
  const { input, output } = arraysOf(new URL(file.replace(/\.\w+$/, '.npz'), folder));

  it('has the parameters that Keras counts, of the Keras that wrote it', async () => {
    expect(await importFile(file)).toMatchObject({ kerasVersion: keras, parameters });
  });

  it('predicts what Keras predicts, in ONNX Runtime and in the interpreter', async () => {
    const { graph } = await importFile(file);
    const [{ name }] = graph.inputs;
    const [{ name: result }] = graph.outputs;
    const exact = interpret(graph, { [name]: array64(input.data, input.shape) })[result];
    expect(exact.dims).toEqual(output.shape);
    expect(distance(exact.data, output.data)).toBeLessThan(1e-5);
    const session = await nodeRuntime.open(decodeOnnx(encodeOnnx(graph), file));
    const got = await session.run({ [name]: float32(Float32Array.from(input.data), input.shape) });
    await session.release();
    expect(distance(got[result].data as Float32Array, output.data)).toBeLessThan(1e-5);
  });
});

describe('the graph', () => {
  it("of the notebook is that of the same network of our own, under Keras' names", async () => {
    const { graph } = await importFile('notebook.3.15.keras');
    const block = (suffix: string) => [
      `Conv conv2d${suffix}`,
      `Relu conv2d${suffix}/relu`,
      `BatchNormalization batch_normalization${suffix}`,
      `MaxPool max_pooling2d${suffix}`,
    ];
    expect(graph.nodes.map(({ op, name }) => `${op} ${name}`)).toEqual([
      'Transpose conv2d/channels_first',
      ...['', '_1', '_2', '_3'].flatMap(block),
      'Flatten flatten',
      'Gemm dense',
      'Relu dense/relu',
      'Gemm dense_1',
      'Softmax dense_1/softmax',
    ]);
    expect(logitsOf(graph)).toMatchObject({ name: 'dense_1', classes: 10, activation: 'Softmax' });
  });

  it('of models within models has their names in front; a layer that is called twice keeps its weights once', async () => {
    const { graph, layers } = await importFile('nested.3.15.h5');
    const names = graph.nodes.map(({ name }) => name);
    const inner = layers.find(({ name }) => name.startsWith('features/conv2d'))?.name;
    expect(names).toEqual(
      expect.arrayContaining([inner, `${inner}/2`, 'deep/last', 'shared', 'shared/2', 'twice/twist']),
    );
    const { constants } = graph;
    expect([...constants.keys()].filter((name) => name.startsWith('shared'))).toEqual([
      'shared/kernel',
      'shared/bias',
    ]);
  });

  it.each(['notebook.3.15.keras', 'mobile.3.15.keras', 'waveform.3.15.keras'])(
    'of %s is explained: relevance and what was absorbed add up to the logit',
    async (file) => {
      const { graph } = await importFile(file);
      const { input } = arraysOf(new URL(file.replace(/\.\w+$/, '.npz'), folder));
      const explainer = await Explainer.open(nodeRuntime, graph, {
        method: parseMethod('epsilon'),
        ledger: true,
      });
      const { relevance, ledger } = await explainer.explain(Float32Array.from(input.data), [...input.shape]);
      await explainer.release();
      const { start, layers } = ledger as Ledger;
      const size = relevance.length / start.length;
      for (const [clip, logit] of start.entries()) {
        const reached = relevance.slice(clip * size, (clip + 1) * size).reduce((sum, r) => sum + r, 0);
        const absorbed = layers.flatMap((l) =>
          [l.bias, l.stabilizer, l.dropped, l.padding].map((entry) => entry[clip]),
        );
        const scale = Math.max(...layers.map(({ magnitude }) => magnitude[clip]));
        expect(Math.abs(absorbed.reduce((sum, r) => sum + r, reached) - logit)).toBeLessThan(1e-4 * scale);
        expect(reached).not.toBe(0);
      }
    },
  );
});
