// Golden: models as Keras saves them (tools/golden/keras.py), imported: what they predict, how they are listed, their relevance.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import { importKeras } from '../../src/keras/import.ts';
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
