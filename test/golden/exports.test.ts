// Golden: classifiers as PyTorch's two exporters, Keras, tf2onnx and scikit-learn write them (tools/golden/exports.py):
// what they compute, and their relevances by zennit.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.ts';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32, type RuntimeTensor } from '../../src/runtime/runtime.ts';
import { arraysOf, batches, boundOf, explained, largestDifference } from '../support/golden.ts';

interface Index {
  /** How far the reference's own float32 is from its float64, over the largest, by network and method. */
  readonly deviations: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly files: Readonly<Record<string, { network: string; exporter: string; opset: number }>>;
}

const folder = new URL('exports/', import.meta.url);
const index: Index = JSON.parse(readFileSync(new URL('exports.json', folder), 'utf8'));
const bytesOf = (file: string) => new Uint8Array(readFileSync(new URL(file, folder)));

const joined = (parts: readonly ArrayLike<number>[]) => parts.flatMap((part) => Array.from(part));

describe.each(Object.entries(index.files))('%s', (file, { network }) => {
  const expected = arraysOf(new URL(`${network}.npz`, folder));
  const model = decodeOnnx(bytesOf(file), file);
  const [input] = model.inputs;
  const output = model.outputs[0].name;
  const inputs = batches(expected.input, model);

  it('decodes to what its encoding decodes to', () => {
    const again = decodeOnnx(encodeOnnx(model), file);
    expect({ ...again, constants: [...again.constants.keys()] }).toEqual({
      ...model,
      constants: [...model.constants.keys()],
    });
    expect(decodeOnnx(encodeOnnx(again), file)).toEqual(again);
  });

  it('computes in ONNX Runtime what it computed where it comes from', async () => {
    const session = await nodeRuntime.open(model);
    const got: RuntimeTensor[] = [];
    for (const { data, shape } of inputs) {
      got.push((await session.run({ [input.name]: float32(Float32Array.from(data), shape) }))[output]);
    }
    await session.release();
    expect(
      largestDifference(joined(got.map((t) => t.data as Float32Array)), expected.output.data),
    ).toBeLessThan(1e-5);
  });

  it('and in the float64 interpreter', () => {
    const got = inputs.map(
      ({ data, shape }) => interpret(model, { [input.name]: array64(data, shape) })[output].data,
    );
    expect(largestDifference(joined(got), expected.output.data)).toBeLessThan(1e-5);
  });

  const methods = Object.entries(index.deviations[network] ?? {});
  it.each(methods)('%s', async (method, deviation) => {
    const { logits, relevance } = await explained(model, method, expected.input);
    expect(largestDifference(logits, expected.logits.data)).toBeLessThan(1e-5);
    expect(largestDifference(relevance, expected[method].data)).toBeLessThanOrEqual(boundOf(deviation));
  });
});

it("a classifier of scikit-learn's with its ZipMap is refused, and says how to export it", () => {
  const decode = () => decodeOnnx(bytesOf('mlp_relu_4.skl2onnx_zipmap.onnx'), 'mlp.onnx');
  expect(decode).toThrow(/ZipMap.*options=\{"zipmap": False\}/);
  expect(decode).not.toThrow(ModelError);
});
