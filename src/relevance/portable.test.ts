// The portable explanation: any ONNX Runtime executes it without this library; it says what it is of and what is called what.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { MethodError } from '../errors.ts';
import { decodeNpy } from '../files/npy.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { decodeOnnx, encodeOnnx } from '../graph/onnx.ts';
import { tensor } from '../graph/types.ts';
import { readLedger } from './ledger.ts';
import { parseMethod } from './method.ts';
import { type CompileFileOptions, compileFile, EXPLANATION_KEY, type ExplanationFacts } from './portable.ts';

const factsIn = (bytes: Uint8Array): ExplanationFacts =>
  JSON.parse(decodeOnnx(bytes, 'explanation').metadata[EXPLANATION_KEY]);
const classes = (...values: number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), [values.length]);

/** What is refused is not told on standard error, too. */
const QUIET = { logSeverityLevel: 4 } as const;

describeShared('fixtures/lrp/cnn_mel', 'the file of cnn_mel', () => {
  const read = (file: string) => readFileSync(sharedPath(`fixtures/lrp/cnn_mel/${file}`));
  const floats = (file: string) => {
    const { data, shape } = decodeNpy(read(file), file);
    return { data: Float32Array.from(data as Float32Array), shape };
  };
  const model = new Uint8Array(read('model.onnx'));
  const { data, shape } = floats('input.npy');
  const clips = (count: number) =>
    new Tensor('float32', data.subarray(0, (count * data.length) / shape[0]), [count, ...shape.slice(1)]);
  const compiled = (text: string, options: Partial<CompileFileOptions> = {}) =>
    compileFile(model, '/models/model.onnx', { method: parseMethod(text), ...options });
  const largest = (values: ArrayLike<number>) =>
    Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0);

  it("gives zennit's relevances for any batch and target", async () => {
    const { bytes } = await compiled('epsilon-plus-flat');
    const session = await InferenceSession.create(bytes, QUIET);
    expect(session.inputNames).toEqual(['input', 'target']);
    expect([...session.outputNames].sort()).toEqual(['logits', 'relevance']);
    const expected = floats('epsilon_plus_flat.npy').data;
    for (const count of [shape[0], 1, 3]) {
      const targets = new Array<number>(count).fill(-1);
      const { relevance, logits } = await session.run({ input: clips(count), target: classes(...targets) });
      expect(relevance.dims).toEqual([count, ...shape.slice(1)]);
      expect(logits.dims).toEqual([count, 10]);
      const got = relevance.data as Float32Array;
      const off = got.map((v, i) => v - expected[i]);
      expect(largest(off)).toBeLessThanOrEqual(1e-5 * largest(expected));
    }
    await expect(session.run({ input: clips(1), target: classes(10) })).rejects.toThrow(/GatherElements/);
    await expect(session.run({ input: clips(1), target: classes(-2) })).rejects.toThrow(/GatherElements/);
    await session.release();
  });

  it('says what it is of, and holds standard ops only', async () => {
    const { bytes, facts } = await compiled('gamma:gamma=0.5', { start: 'one' });
    expect(factsIn(bytes)).toEqual(facts);
    expect(facts).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      model: { name: 'model.onnx', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      method: 'gamma:gamma=0.5',
      start: 'one',
      names: { input: 'input', target: 'target', logits: 'logits', relevance: 'relevance' },
      classes: 10,
    });
    const again = await compiled('gamma:gamma=0.5', { start: 'one' });
    expect(again.bytes).toEqual(bytes);
    // No domain but ONNX's own.
    expect(Buffer.from(bytes).includes('com.microsoft')).toBe(false);
  });

  it('has a ledger that its metadata explain', async () => {
    const { bytes } = await compiled('epsilon', { ledger: true });
    const { names, ledger } = factsIn(bytes);
    const session = await InferenceSession.create(bytes, QUIET);
    const got = await session.run({ input: clips(2), target: classes(-1, 3) });
    await session.release();
    const sheet = got[names.ledger ?? ''];
    expect(sheet.dims).toEqual([ledger?.layers.length, ledger?.entries.length, 2]);
    expect(ledger?.entries).toEqual(['out', 'in', 'bias', 'stabilizer', 'dropped', 'padding', 'magnitude']);
    const { start } = readLedger(ledger?.layers ?? [], sheet.data as Float32Array, 2);
    const logits = got.logits.data as Float32Array;
    expect(start[0]).toBeCloseTo(Math.max(...logits.subarray(0, 10)), 5);
    expect(start[1]).toBeCloseTo(logits[13], 5);
  });

  it('explains one class against another', async () => {
    const { bytes, facts } = await compiled('epsilon', { against: true });
    expect(facts.names.against).toBe('against');
    const session = await InferenceSession.create(bytes, QUIET);
    const run = async (target: number, against: number) => {
      const feeds = { input: clips(1), target: classes(target), against: classes(against) };
      return (await session.run(feeds)).relevance.data as Float32Array;
    };
    const [there, back] = [await run(2, 5), await run(5, 2)];
    expect(largest(there)).toBeGreaterThan(0);
    expect(largest(there.map((v, i) => v + back[i]))).toBeLessThanOrEqual(1e-6 * largest(there));
    await expect(run(2, 10)).rejects.toThrow(/GatherElements/);
    await session.release();
  });

  it('is not made of a loop, nor with a ledger that the method has not', async () => {
    await expect(compiled('integrated-gradients')).rejects.toThrow(MethodError);
    await expect(compiled('smoothgrad')).rejects.toThrow(
      /"smoothgrad" runs a compiled graph many times.*attribute/,
    );
    await expect(compiled('gradient', { ledger: true })).rejects.toThrow(/no ledger/);
  });
});

describe('names that the model has itself', () => {
  const matrix = tensor(Float32Array.from([1, 2, 3, 4, 5, 6]), [3, 2]);

  function clashing(): Uint8Array {
    const g = new GraphBuilder();
    const x = g.emit('Relu', [g.input('target', 'float32', ['N', 3])], {}, 'logits');
    g.output(g.emit('Gemm', [x, matrix], {}, 'relevance'));
    return encodeOnnx(g.build('clashing'));
  }

  it('keeps them, and tells what its own are called', async () => {
    const { bytes, facts } = await compileFile(clashing(), 'clashing.onnx', {
      method: parseMethod('epsilon'),
      ledger: true,
    });
    const { input, target, logits, relevance, ledger } = facts.names;
    expect(input).toBe('target');
    expect(new Set([input, target, logits, relevance, ledger]).size).toBe(5);
    const session = await InferenceSession.create(bytes, QUIET);
    expect(session.inputNames).toEqual([input, target]);
    expect([...session.outputNames].sort()).toEqual([ledger, logits, relevance].sort());
    const clip = new Tensor('float32', Float32Array.from([1, -1, 2]), [1, 3]);
    const got = await session.run({ [input]: clip, [target]: classes(0) });
    await session.release();
    expect(Array.from(got[logits].data as Float32Array)).toEqual([11, 14]);
    // x ⊙ w of class 0 after the ReLU; ε is 1e-6 of 11.
    const shares = Array.from(got[relevance].data as Float32Array);
    [1, 0, 10].forEach((share, i) => {
      expect(shares[i]).toBeCloseTo(share, 5);
    });
  });
});

it("of a model with external data their hashes are told beside the file's", async () => {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 2]);
  g.output(g.emit('Gemm', [x, g.constant(tensor(new Float32Array(6).fill(2), [2, 3]), 'w')]));
  const whole = encodeOnnx(g.build('m'));
  const proto = fromBinary(ModelProtoSchema, whole);
  const [weights] = proto.graph?.initializer ?? [];
  const data = new Uint8Array(new Float32Array(6).fill(2).buffer);
  Object.assign(weights, {
    rawData: new Uint8Array(),
    floatData: [],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
  });
  weights.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'm.data' })];
  const split = toBinary(ModelProtoSchema, proto);
  const method = parseMethod('epsilon');
  const one = await compileFile(whole, 'm.onnx', { method });
  const two = await compileFile(split, 'm.onnx', { method, external: () => data });
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  expect(one.facts.model).toEqual({ name: 'm.onnx', sha256: sha256(whole) });
  expect(two.facts.model).toEqual({
    name: 'm.onnx',
    sha256: sha256(split),
    external: { 'm.data': sha256(data) },
  });
  expect(decodeOnnx(two.bytes, 'two').constants).toEqual(decodeOnnx(one.bytes, 'one').constants);
});
