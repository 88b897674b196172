// End to end: models from elsewhere are told what they listen to, by `earmark describe` or by flags, and are then heard.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeWav, encodeWav } from '../../src/audio/wav.ts';
import { modelInput } from '../../src/features/input.ts';
import { inputDims, toLayout } from '../../src/features/layout.ts';
import { FEATURE_KINDS, parseFeatureSettings } from '../../src/features/settings.ts';
import { decodeNpy, encodeNpy } from '../../src/files/npy.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { encodeOnnx } from '../../src/graph/onnx.ts';
import { type Dim, tensor } from '../../src/graph/types.ts';
import { earmark, earmarkHere, modelFile, temporary } from '../support/earmark.ts';

const WAVE = { kind: 'waveform', sampleRate: 8000, clipSamples: 600 };
const DECIBELS = {
  kind: 'logmel',
  sampleRate: 8000,
  clipSamples: 1600,
  nFft: 256,
  hopLength: 160,
  nMels: 8,
  scaling: 'power_to_db',
  ref: 'max',
  layout: ['batch', 'time', 'bin'],
};

/** A dense layer over all of the input, and what follows it. */
function denseModel(dims: number[], classes: number, end?: 'Softmax' | 'Sigmoid', batch: Dim = 'N') {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [batch, ...dims]);
  const size = dims.reduce((a, b) => a * b);
  const weight = Float32Array.from({ length: size * classes }, (_, i) => Math.sin(i ** 1.5) / size);
  const z = g.emit('MatMul', [g.emit('Flatten', [x], { axis: 1 }), tensor(weight, [size, classes])]);
  g.output(end ? g.emit(end, [z]) : z);
  return { bytes: encodeOnnx(g.build('dense')), weight };
}

function wav(length = 900): Uint8Array {
  const samples = Float32Array.from(
    { length },
    (_, n) => 0.5 * Math.sin(n / 3) * Math.sin((Math.PI * n) / length),
  );
  return encodeWav({ samples, sampleRate: 8000 });
}

/** A folder of a model, features, labels and a recording. */
function folderOf(model: Uint8Array, features: object, labels: string): string {
  const folder = temporary();
  writeFileSync(join(folder, 'm.onnx'), model);
  writeFileSync(join(folder, 'f.json'), JSON.stringify(features));
  writeFileSync(join(folder, 'l.txt'), labels);
  writeFileSync(join(folder, 'a.wav'), wav());
  return folder;
}

const FLAGS = ['--features', 'f.json', '--labels', 'l.txt'];

/** What the model gets of a.wav, in the order of its layout. */
function inputOf(folder: string, features: object) {
  const settings = parseFeatureSettings(features);
  const { samples } = decodeWav(readFileSync(join(folder, 'a.wav')));
  const matrix = modelInput(samples, settings);
  return {
    values: toLayout(matrix, settings.layout),
    dims: inputDims(settings.layout, [matrix.rows, matrix.columns]),
  };
}

/** z = x W */
function logitsOf(values: Float32Array, weight: Float32Array, classes: number): number[] {
  return Array.from({ length: classes }, (_, k) =>
    values.reduce((z, v, i) => z + v * weight[i * classes + k], 0),
  );
}

describe('a model that ends in a softmax, of frames by bins', () => {
  const { bytes, weight } = denseModel([11, 8], 3, 'Softmax');
  const make = () => folderOf(bytes, DECIBELS, 'low\r\nmiddle\r\nhigh\r\n');

  it('is told by describe, remembers, and gives the probabilities of one softmax', async () => {
    const folder = make();
    const told = await earmark(['describe', 'm.onnx', ...FLAGS, '--out', 'm2.onnx', '--json'], folder);
    expect([told.code, told.stderr]).toEqual([0, '']);
    expect(JSON.parse(told.stdout)).toMatchObject({
      model: 'm2.onnx',
      labels: ['low', 'middle', 'high'],
      logits: { classes: 3, activation: 'Softmax' },
      features: DECIBELS,
      inputRange: { low: -80, high: 0 },
    });
    const shown = await earmarkHere(['describe', 'm2.onnx'], folder);
    expect(shown.stdout).toMatch(/^ {2}input +x float32\[N, 11, 8\]$/m);
    expect(shown.stdout).toMatch(/^ {2}labels +low, middle, high$/m);
    expect(shown.stdout).toMatch(/^ +hopLength 160$/m);
    expect(shown.stdout).toMatch(/^ {2}features +logmel \[8, 11\] of 0\.2 s, between -80 and 0$/m);

    const { values } = inputOf(folder, DECIBELS);
    const z = logitsOf(values, weight, 3);
    const powers = z.map(Math.exp);
    const best = powers.indexOf(Math.max(...powers));
    const ask = async (args: string[]) =>
      JSON.parse((await earmarkHere(['predict', ...args, '--json'], folder)).stdout);
    const [result] = await ask(['m2.onnx', 'a.wav']);
    expect(result.label).toBe(['low', 'middle', 'high'][best]);
    expect(result.probability).toBeCloseTo(powers[best] / powers.reduce((a, b) => a + b), 5);
    z.forEach((logit, k) => {
      expect(result.logits[k]).toBeCloseTo(logit, 4);
    });
    expect(await ask(['m.onnx', 'a.wav', ...FLAGS])).toEqual([result]);
  });

  it('is explained by rows of bins, as the raw tensor is: R = x ⊙ w', async () => {
    const folder = make();
    const options = ['--method', 'epsilon', '--target', 'middle', ...FLAGS];
    const { code, stderr } = await earmarkHere(
      ['explain', 'm.onnx', 'a.wav', '--out', 'maps', ...options],
      folder,
    );
    expect([code, stderr]).toEqual([0, '']);
    const { features, relevance, frequencies } = decodeNpz(readFileSync(join(folder, 'maps/a.npz')));
    expect([features.shape, relevance.shape, frequencies.shape]).toEqual([[8, 11], [8, 11], [8]]);
    const { values, dims } = inputOf(folder, DECIBELS);
    const expected = Array.from(values, (v, i) => v * weight[3 * i + 1]);
    const scale = Math.max(...expected.map(Math.abs));
    Array.from(relevance.data, Number).forEach((r, i) => {
      const [bin, frame] = [Math.floor(i / 11), i % 11];
      expect(Math.abs(r - expected[frame * 8 + bin])).toBeLessThanOrEqual(1e-5 * scale);
    });
    const facts = JSON.parse(readFileSync(join(folder, 'maps/a.json'), 'utf8'));
    expect(facts.target).toEqual({ class: 1, label: 'middle' });
    expect(facts.shares.silence).toBeNull();
    expect(readFileSync(join(folder, 'maps/a.svg'), 'utf8')).toContain('mel power (dB re max)');

    writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: dims, data: values }));
    const raw = await earmarkHere(
      ['attribute', 'm.onnx', '--input', 'x.npy', '--out', 'r.npy', ...options],
      folder,
    );
    expect([raw.code, raw.stderr]).toEqual([0, '']);
    const map = decodeNpy(readFileSync(join(folder, 'r.npy')), 'r.npy');
    expect(map.shape).toEqual(dims);
    Array.from(map.data, Number).forEach((r, i) => {
      expect(Math.abs(r - expected[i])).toBeLessThanOrEqual(1e-5 * scale);
    });
  });
});

it('features give the box rule the range of the input', async () => {
  const folder = folderOf(denseModel([11, 8], 3).bytes, DECIBELS, 'low\nmiddle\nhigh');
  const { values, dims } = inputOf(folder, DECIBELS);
  writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: dims, data: values }));
  const ask = (method: string, ...more: string[]) =>
    earmarkHere(
      ['attribute', 'm.onnx', '--input', 'x.npy', '--out', 'r.npy', '--method', method, ...more],
      folder,
    );
  const map = () => decodeNpy(readFileSync(join(folder, 'r.npy')), 'r.npy').data;
  expect((await ask('zbox')).stderr).toMatch(/needs the range of the model's input.*low and high/);
  expect(await ask('zbox', '--features', 'f.json')).toMatchObject({ code: 0, stderr: '' });
  const bounded = map();
  expect(await ask('zbox:low=-80,high=0')).toMatchObject({ code: 0, stderr: '' });
  expect(bounded).toEqual(map());
});

it('a sigmoid for each label, and for a single one', async () => {
  const many = folderOf(denseModel([600], 2, 'Sigmoid').bytes, WAVE, '["dog", "cat"]');
  const ask = async (folder: string) =>
    JSON.parse(
      (await earmarkHere(['predict', 'm.onnx', 'a.wav', '--json', '--top', '2', ...FLAGS], folder)).stdout,
    )[0];
  const logistic = (z: number) => 1 / (1 + Math.exp(-z));
  const two = await ask(many);
  for (const { label, probability } of two.top) {
    expect(probability).toBeCloseTo(logistic(two.logits[label === 'dog' ? 0 : 1]), 6);
  }
  const one = await ask(folderOf(denseModel([600], 1).bytes, WAVE, 'dog'));
  expect(one).toMatchObject({ label: 'dog', probability: expect.closeTo(logistic(one.logits[0]), 6) });
  // A batch of 3, as exported without dynamic axes, gives the same.
  expect(await ask(folderOf(denseModel([600], 1, undefined, 3).bytes, WAVE, 'dog'))).toEqual(one);
});

it('a single logit is explained', async () => {
  const folder = folderOf(denseModel([600], 1, 'Sigmoid').bytes, WAVE, 'dog');
  const args = ['explain', 'm.onnx', 'a.wav', '--out', 'maps', '--method', 'epsilon', '--json', ...FLAGS];
  const [result] = JSON.parse((await earmarkHere(args, folder)).stdout);
  expect(result).toMatchObject({ predicted: 'dog', target: { class: 0, label: 'dog' } });
  expect(result.relevanceSum).toBeCloseTo(result.logits[0], 5);
  expect(result.probability).toBeCloseTo(1 / (1 + Math.exp(-result.logits[0])), 6);
});

it('a waveform model: the samples, and the relevance along them', async () => {
  const folder = folderOf(denseModel([600], 2).bytes, WAVE, '["yes", "no"]');
  const { code, stderr } = await earmarkHere(
    ['explain', 'm.onnx', 'a.wav', '--out', 'maps', '--method', 'epsilon', ...FLAGS],
    folder,
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^a\.wav: 0\.11 s long, longer than the model's 0\.075 s; its loudest window/);
  const { samples, relevance, times, ...rest } = decodeNpz(readFileSync(join(folder, 'maps/a.npz')));
  expect(Object.keys(rest)).toEqual([]);
  expect([samples.shape, relevance.shape, times.shape]).toEqual([[600], [600], [600]]);
  expect(Array.from(samples.data, Number)).toEqual(Array.from(inputOf(folder, WAVE).values));
  const facts = JSON.parse(readFileSync(join(folder, 'maps/a.json'), 'utf8'));
  const total = Array.from(relevance.data, Number).reduce((a, b) => a + b);
  expect(facts.relevanceSum).toBeCloseTo(total, 6);
  expect(total).toBeCloseTo(Math.max(...facts.logits), 5);
  expect(facts.shares).toEqual({ padding: 0, silence: null });
  const svg = readFileSync(join(folder, 'maps/a.svg'), 'utf8');
  expect(svg).toContain('amplitude');
  expect(readFileSync(join(folder, 'maps/a.png')).subarray(1, 4).toString()).toBe('PNG');
});

describe('describe', () => {
  it('of a model of our own says all that it knows', async () => {
    const folder = temporary();
    modelFile(folder);
    const { stdout } = await earmarkHere(['describe', 'model.onnx', '--json'], folder);
    expect(JSON.parse(stdout)).toMatchObject({
      labels: [...'0123456789'],
      features: { kind: 'logmel', layout: ['batch', 'channel', 'bin', 'time'] },
      inputRange: { low: 0, high: 1 },
      logits: { name: 'logits', classes: 10, activation: null },
    });
  });

  it('of a model from elsewhere says what is missing', async () => {
    const folder = folderOf(denseModel([600], 2).bytes, WAVE, 'a\nb');
    const { stdout, code } = await earmarkHere(['describe', 'm.onnx'], folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/labels +not said \(--labels FILE\)/);
    expect(stdout).toMatch(/features +not said \(--features FILE\)/);
  });

  it.each(FEATURE_KINDS)('a template of a %s reads as settings', async (kind) => {
    const { stdout, code } = await earmarkHere(['describe', '--template', kind], temporary());
    expect(code).toBe(0);
    const template = JSON.parse(stdout);
    expect(template.kind).toBe(kind);
    expect(parseFeatureSettings(template)).toMatchObject(template);
  });
});

describe('refuses', () => {
  const { bytes } = denseModel([600], 2);
  const files = (features: object, labels = 'a\nb') => folderOf(bytes, features, labels);
  const predict = ['predict', 'm.onnx', 'a.wav'];
  const explain = ['explain', 'm.onnx', 'a.wav', '--out', 'out'];

  it.each<[string, string[], object, string | undefined, RegExp]>([
    [
      'predict without either',
      predict,
      WAVE,
      undefined,
      /--features FILE and --labels FILE.*earmark describe/,
    ],
    [
      'explain without either',
      explain,
      WAVE,
      undefined,
      /--features FILE and --labels FILE.*earmark describe/,
    ],
    [
      'features alone',
      [...predict, '--features', 'f.json'],
      WAVE,
      undefined,
      /got no labels\. Give --features/,
    ],
    [
      'another length',
      [...predict, ...FLAGS],
      { ...WAVE, clipSamples: 500 },
      undefined,
      /expected one input \[N, 500\] of batch, time, got \[N, 600\]/,
    ],
    [
      'an unknown setting',
      [...explain, ...FLAGS],
      { ...WAVE, sample_rate: 1 },
      undefined,
      /f\.json: unknown setting.*got sample_rate/,
    ],
    [
      'a missing setting',
      [...predict, ...FLAGS],
      { kind: 'waveform', clipSamples: 600 },
      undefined,
      /f\.json: sampleRate: /,
    ],
    [
      'too many labels',
      [...predict, ...FLAGS],
      WAVE,
      'a\nb\nc',
      /labels do not fit the model: expected 2 labels, got 3/,
    ],
    [
      'an empty label',
      [...predict, ...FLAGS],
      WAVE,
      'a\n\nb',
      /l\.txt: label 1: expected a text on each line/,
    ],
    [
      'labels that are objects',
      [...predict, ...FLAGS],
      WAVE,
      '[{"a": 1}, "b"]',
      /l\.txt: label 0.*got \{"a":1\}/,
    ],
    ['broken JSON', [...predict, ...FLAGS], WAVE, '["a", ', /l\.txt: not JSON/],
    [
      'no such file',
      [...predict, '--features', 'none.json'],
      WAVE,
      undefined,
      /cannot read the feature settings none\.json/,
    ],
    ['describe without a model', ['describe'], WAVE, undefined, /expected a model, or --template alone/],
    [
      'describe with half a description',
      ['describe', 'm.onnx', '--labels', 'l.txt', '--out', 'out.onnx'],
      WAVE,
      undefined,
      /got no feature settings/,
    ],
    [
      'describe to a folder that is not there',
      ['describe', 'm.onnx', ...FLAGS, '--out', 'none/m.onnx'],
      WAVE,
      undefined,
      /cannot write none\/m\.onnx/,
    ],
    [
      'a template of no kind',
      ['describe', '--template', 'chroma'],
      WAVE,
      undefined,
      /Allowed choices are logmel/,
    ],
  ])('%s', async (_, args, features, labels, message) => {
    const folder = files(features, labels);
    const { code, stdout, stderr } = await earmarkHere(args, folder);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
    expect([code, stdout]).toEqual([1, '']);
    expect(existsSync(join(folder, 'out'))).toBe(false);
    expect(existsSync(join(folder, 'out.onnx'))).toBe(false);
  });

  it('attribute: a label where none are known', async () => {
    const folder = files(WAVE);
    const data = new Float32Array(600).fill(0.5);
    writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: [1, 600], data }));
    const ask = (...more: string[]) =>
      earmarkHere(
        ['attribute', 'm.onnx', '--input', 'x.npy', '--out', 'r.npy', '--target', 'b', ...more],
        folder,
      );
    expect((await ask()).stderr).toMatch(
      /--target: expected predicted.*got b\. For a label, say with --labels FILE/,
    );
    expect((await ask('--labels', 'l.txt')).stderr).toBe('');
  });
});
