// End to end: `earmark attribute` gives zennit's relevances for raw tensors, and refuses what cannot be right.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy, type NpyArray } from '../../src/files/npy.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import type { Ledger } from '../../src/relevance/ledger.ts';
import { earmark, earmarkHere, modelFile, temporary } from '../support/earmark.ts';
import { describeShared, sharedPath } from '../support/shared.ts';

const readNpy = (path: string): NpyArray => decodeNpy(readFileSync(path), path);

function difference(got: NpyArray, expected: NpyArray): number {
  const theirs = Array.from(expected.data, Number);
  const scale = Math.max(...theirs.map(Math.abs));
  return Math.max(...theirs.map((v, i) => Math.abs(v - Number(got.data[i])))) / scale;
}

describeShared('fixtures/lrp/cnn_mel', 'earmark attribute', () => {
  const fixture = (file: string) => sharedPath(`fixtures/lrp/cnn_mel/${file}`);
  const model = fixture('model.onnx');
  const input = readNpy(fixture('input.npy'));
  const logits = readNpy(fixture('logits.npy'));
  const [count, classes] = logits.shape;

  it('agrees with zennit by default, in batches, with logits and ledger', async () => {
    const folder = temporary();
    const outputs = ['--out', 'r.npy', '--logits', 'l.npy', '--ledger', 'l.json'];
    const { code, stderr } = await earmark(
      ['attribute', model, '--input', fixture('input.npy'), '--batch', '3', ...outputs],
      folder,
    );
    expect([code, stderr]).toEqual([0, '']);
    const relevance = readNpy(join(folder, 'r.npy'));
    expect(relevance).toMatchObject({ dtype: 'float32', shape: input.shape });
    expect(difference(relevance, readNpy(fixture('epsilon_plus_flat.npy')))).toBeLessThanOrEqual(1e-5);
    const ours = readNpy(join(folder, 'l.npy'));
    expect(ours).toMatchObject({ dtype: 'float32', shape: [count, classes] });
    expect(difference(ours, logits)).toBeLessThanOrEqual(1e-5);
    const ledger: Ledger = JSON.parse(readFileSync(join(folder, 'l.json'), 'utf8'));
    expect(ledger.start).toHaveLength(count);
    for (const layer of ledger.layers) {
      for (const entry of ['out', 'in', 'bias', 'stabilizer', 'dropped'] as const) {
        expect(layer[entry]).toHaveLength(count);
      }
    }
  });

  it('takes float64 input, targets from a file, and a start of one', async () => {
    const folder = temporary();
    const wide: NpyArray = { ...input, dtype: 'float64', data: Float64Array.from(input.data, Number) };
    writeFileSync(join(folder, 'x.npy'), encodeNpy(wide));
    const target = BigInt64Array.from({ length: count }, (_, n) => (n === 0 ? -1n : BigInt(n)));
    writeFileSync(join(folder, 't.npy'), encodeNpy({ dtype: 'int64', shape: [count], data: target }));
    const ask = (...options: string[]) =>
      earmark(
        ['attribute', model, '--input', 'x.npy', '--ledger', 'l.json', '--out', 'r.npy', ...options],
        folder,
      );
    const start = () => (JSON.parse(readFileSync(join(folder, 'l.json'), 'utf8')) as Ledger).start;
    const logit = (n: number, k: number) => Number(logits.data[n * classes + k]);

    expect(await ask('--target', 't.npy')).toMatchObject({ code: 0, stderr: '' });
    const rows = Array.from({ length: count }, (_, n) => n);
    const largest = Math.max(...Array.from({ length: classes }, (_, k) => logit(0, k)));
    rows.forEach((n) => {
      expect(start()[n]).toBeCloseTo(n === 0 ? largest : logit(n, n), 5);
    });
    expect(await ask('--target', '7')).toMatchObject({ code: 0, stderr: '' });
    rows.forEach((n) => {
      expect(start()[n]).toBeCloseTo(logit(n, 7), 5);
    });
    expect(await ask('--start', 'one')).toMatchObject({ code: 0, stderr: '' });
    expect(start()).toEqual(rows.map(() => 1));
  });

  describe('bad input', () => {
    const size = input.data.length;
    const npy = (array: NpyArray) => encodeNpy(array);
    const values = Float32Array.from(input.data as Float32Array);
    const withNan = Float32Array.from(values);
    withNan[5] = Number.NaN;
    const modelBytes = readFileSync(model);
    const text = new TextEncoder();
    const renamed = (op: string) => {
      // "Relu" is 4 bytes in the file; another op of as many letters leaves the lengths right.
      const bytes = Buffer.from(modelBytes);
      for (
        let at = bytes.indexOf('\x22\x04Relu', 0, 'latin1');
        at >= 0;
        at = bytes.indexOf('\x22\x04Relu', at + 1, 'latin1')
      ) {
        bytes.write(op, at + 2, 'latin1');
      }
      return new Uint8Array(bytes);
    };
    const cases: [string, Record<string, Uint8Array>, string[], RegExp][] = [
      ['no such model', {}, ['none.onnx'], /cannot read the model none.onnx: no such file/],
      ['an empty model', { 'm.onnx': new Uint8Array() }, ['m.onnx'], /m.onnx: not an ONNX model/],
      ['a truncated model', { 'm.onnx': modelBytes.subarray(0, 9000) }, ['m.onnx'], /truncated/],
      ['a model that is text', { 'm.onnx': text.encode('hello, world') }, ['m.onnx'], /not an ONNX model/],
      ['an unknown op', { 'm.onnx': renamed('Blub') }, ['m.onnx'], /op Blub is not supported/],
      ['no input', {}, [model, '--input', 'none.npy'], /cannot read the input none.npy/],
      [
        'an empty input',
        { 'x.npy': new Uint8Array() },
        [model, '--input', 'x.npy'],
        /x.npy: not a .npy file.*empty/,
      ],
      [
        'a truncated input',
        { 'x.npy': npy(input).subarray(0, 999) },
        [model, '--input', 'x.npy'],
        /truncated/,
      ],
      [
        'integers',
        { 'x.npy': npy({ dtype: 'int32', shape: input.shape, data: new Int32Array(size) }) },
        [model, '--input', 'x.npy'],
        /x.npy: element type: expected float32 or float64, got int32/,
      ],
      [
        'another shape',
        { 'x.npy': npy({ dtype: 'float32', shape: [count, 1, size / count], data: values }) },
        [model, '--input', 'x.npy'],
        /shape of the input.*expected \[N, 1, 40, 32\], got \[4, 1, 1280\]/,
      ],
      [
        'no clip',
        { 'x.npy': npy({ dtype: 'float32', shape: [0, 1, 40, 32], data: new Float32Array(0) }) },
        [model, '--input', 'x.npy'],
        /got \[0, 1, 40, 32\]/,
      ],
      [
        'a scalar',
        { 'x.npy': npy({ dtype: 'float32', shape: [], data: new Float32Array(1) }) },
        [model, '--input', 'x.npy'],
        /got \[\]/,
      ],
      [
        'NaN',
        { 'x.npy': npy({ dtype: 'float32', shape: input.shape, data: withNan }) },
        [model, '--input', 'x.npy'],
        /clip 0 .*expected finite numbers, got NaN/,
      ],
      [
        'doubles too large for float32',
        { 'x.npy': npy({ dtype: 'float64', shape: input.shape, data: new Float64Array(size).fill(1e300) }) },
        [model, '--input', 'x.npy'],
        /got Infinity/,
      ],
      [
        'an unknown method',
        {},
        [model, '--method', 'epsilonn'],
        /unknown method "epsilonn": expected epsilon-plus/,
      ],
      ['an unknown parameter', {}, [model, '--method', 'epsilon:eps=1'], /no parameter "eps=1"/],
      ['a bad parameter', {}, [model, '--method', 'gamma:gamma=x'], /gamma of method "gamma".*got x/],
      ['an unknown start', {}, [model, '--start', 'two'], /'two' is invalid.*logit, one/],
      ['a class too many', {}, [model, '--target', '10'], /target: expected a class from 0 to 9.*got 10/],
      ['no target', {}, [model, '--target', 'seven'], /--target: expected predicted.*got seven/],
      [
        'float targets',
        { 't.npy': npy({ dtype: 'float32', shape: [count], data: new Float32Array(count) }) },
        [model, '--target', 't.npy'],
        /t.npy: element type: expected int32 or int64, got float32/,
      ],
      [
        'targets of another shape',
        { 't.npy': npy({ dtype: 'int32', shape: [count, 1], data: new Int32Array(count) }) },
        [model, '--target', 't.npy'],
        /t.npy: shape: expected \[4\].*got \[4, 1\]/,
      ],
      [
        'a target out of range',
        { 't.npy': npy({ dtype: 'int32', shape: [count], data: new Int32Array(count).fill(-2) }) },
        [model, '--target', 't.npy'],
        /target.*got -2/,
      ],
      ['a batch of 0', {}, [model, '--batch', '0'], /whole number, at least 1/],
      ['an unknown option', {}, [model, '--inputs', 'x.npy'], /unknown option '--inputs'/],
      [
        'a missing folder',
        {},
        [model, '--out', 'none/r.npy'],
        /cannot write none\/r.npy: no such file or folder/,
      ],
      ['a folder as output', {}, [model, '--out', 'folder'], /cannot write folder: it is a folder/],
      [
        'a file as folder',
        { file: text.encode('x') },
        [model, '--ledger', 'file/l.json'],
        /cannot write file\/l.json/,
      ],
      [
        'an output that cannot be written',
        {},
        [model, '--ledger', '/proc/l.json'],
        /cannot write \/proc\/l.json/,
      ],
      ['one path twice', {}, [model, '--logits', './r.npy'], /named for two outputs/],
    ];
    it.each(cases)('%s', async (_, files, [name, ...options], message) => {
      const folder = temporary();
      mkdirSync(join(folder, 'folder'));
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
      const usual = { '--input': fixture('input.npy'), '--out': 'r.npy' };
      const missing = Object.entries(usual).flatMap((pair) => (options.includes(pair[0]) ? [] : pair));
      const { code, stdout, stderr } = await earmarkHere(['attribute', name, ...missing, ...options], folder);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
      expect([code, stdout]).toEqual([1, '']);
      expect(existsSync(join(folder, 'r.npy'))).toBe(false);
    });
  });
});

it('refuses a model without logits', async () => {
  const folder = temporary();
  const graph = decodeOnnx(readFileSync(modelFile(folder)), 'model');
  const flat = graph.nodes.find((n) => n.op === 'GlobalMaxPool')?.outputs[0] ?? '';
  const outputs = [{ name: flat, dtype: 'float32', shape: ['N', 128, 1, 1] } as const];
  writeFileSync(join(folder, 'model.onnx'), encodeOnnx({ ...graph, outputs, metadata: {} }));
  const input = graph.inputs[0].shape.slice(1) as number[];
  const data = new Float32Array(input.reduce((a, b) => a * b, 1));
  writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: [1, ...input], data }));
  const { code, stderr } = await earmarkHere(
    ['attribute', 'model.onnx', '--input', 'x.npy', '--out', 'r.npy'],
    folder,
  );
  expect(stderr).toMatch(/^earmark: model .* is no classifier: expected an output of logits [^\n]+\n$/);
  expect(code).toBe(1);
});
