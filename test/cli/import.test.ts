// End to end: a model that Keras saved is imported, described and explained, in the layout that Keras gave it.
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/wav.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import { descriptionOf } from '../../src/model/model-file.ts';
import { earmark, earmarkHere, temporary } from '../support/earmark.ts';

const golden = fileURLToPath(new URL('../golden/keras/', import.meta.url));

/** 16 coefficients in 34 frames, as the golden notebook takes them. */
const MFCC = {
  kind: 'mfcc',
  sampleRate: 8000,
  clipSamples: 33 * 160,
  nFft: 256,
  hopLength: 160,
  nMels: 20,
  nMfcc: 16,
};
/** Conv1D over 12 frames of 5 bands. */
const LOGMEL = {
  kind: 'logmel',
  sampleRate: 8000,
  clipSamples: 11 * 160,
  nFft: 256,
  hopLength: 160,
  nMels: 5,
};
const TOLD = ['--features', 'f.json', '--labels', 'l.txt'];

/** A folder with one of the golden models, features, labels and a recording. */
function folderOf(model: string, features: object, classes: number): string {
  const folder = temporary();
  copyFileSync(join(golden, model), join(folder, `m.${model.split('.').at(-1)}`));
  writeFileSync(join(folder, 'f.json'), JSON.stringify(features));
  writeFileSync(join(folder, 'l.txt'), Array.from({ length: classes }, (_, i) => `class ${i}`).join('\n'));
  const samples = Float32Array.from({ length: 4000 }, (_, n) => 0.5 * Math.sin(n / (2 + n / 900)));
  writeFileSync(join(folder, 'a.wav'), encodeWav({ samples, sampleRate: 8000 }));
  return folder;
}

describe('an imported model', () => {
  it('is told layer by layer, with what was left out and what to do next', async () => {
    const folder = folderOf('notebook.3.15.keras', MFCC, 10);
    const { code, stdout, stderr } = await earmark(['import', 'm.keras', '--out', 'm.onnx'], folder);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('m.keras: Keras 3.15.1, 20 layers, 1,462 parameters');
    expect(lines[1]).toBe('  input   input_layer [N, 16, 34, 1]');
    expect(lines[2]).toMatch(/^ {2}conv2d +Conv2D +\[16, 34, 4\] +40$/);
    expect(stdout).toContain('logits  dense_1, 10 classes, before a Softmax');
    expect(stdout).toMatch(
      /without Dropout "dropout", .*Dropout "dropout_4", the optimizer Adam and its state$/m,
    );
    const next = lines.at(-1)?.trim() ?? '';
    expect(next).toBe(
      'earmark describe m.onnx --features features.json --labels labels.txt --out m.heard.onnx',
    );
    const told = next.replace('features.json', 'f.json').replace('labels.txt', 'l.txt').split(' ').slice(1);
    writeFileSync(
      join(folder, 'f.json'),
      JSON.stringify({ ...MFCC, layout: ['batch', 'bin', 'time', 'channel'] }),
    );
    expect(await earmarkHere(told, folder)).toMatchObject({ code: 0, stderr: '' });
  });

  it('is explained at once, frequency and time the right way round', async () => {
    const folder = folderOf('notebook.2.15.h5', MFCC, 10);
    const imported = await earmarkHere(['import', 'm.h5', ...TOLD, '--out', 'm.onnx', '--json'], folder);
    expect(JSON.parse(imported.stdout)).toMatchObject({
      keras: '2.15.0',
      format: 'h5',
      layout: ['batch', 'bin', 'time', 'channel'],
      parameters: 1462,
    });
    const explained = await earmarkHere(['explain', 'm.onnx', 'a.wav', '--out', 'maps'], folder);
    expect(explained.code).toBe(0);
    expect(existsSync(join(folder, 'maps/a.png'))).toBe(true);
    const { relevance, features } = decodeNpz(new Uint8Array(readFileSync(join(folder, 'maps/a.npz'))));
    expect(relevance.shape).toEqual([16, 34]);
    expect(features.shape).toEqual([16, 34]);
  });

  it('of frames by bands, by nothing but its shape, gets frames by bands', async () => {
    const folder = folderOf('unbuilt.3.15.keras', LOGMEL, 2);
    expect((await earmarkHere(['import', 'm.keras', ...TOLD, '--out', 'm.onnx'], folder)).code).toBe(0);
    const model = decodeOnnx(new Uint8Array(readFileSync(join(folder, 'm.onnx'))), 'm.onnx');
    expect(descriptionOf(model, 'm.onnx').features?.layout).toEqual(['batch', 'time', 'bin']);
    const predicted = await earmarkHere(['predict', 'm.onnx', 'a.wav', '--json'], folder);
    expect(predicted.code).toBe(0);
  });

  it('is refused features that it does not take, or labels without them', async () => {
    const folder = folderOf('notebook.3.15.keras', { ...MFCC, nMfcc: 15 }, 10);
    const unfit = await earmarkHere(['import', 'm.keras', ...TOLD, '--out', 'm.onnx'], folder);
    expect(unfit.code).not.toBe(0);
    expect(unfit.stderr).toMatch(
      /feature settings do not fit the model: expected one input \[N, 15, 34, 1\].*got \[N, 16, 34, 1\]/,
    );
    const half = await earmarkHere(['import', 'm.keras', '--labels', 'l.txt', '--out', 'm.onnx'], folder);
    expect(half.stderr).toMatch(/both --features and --labels, or neither/);
    const name = await earmarkHere(['import', 'm.keras', '--out', 'm.keras'], folder);
    expect(name.stderr).toMatch(/a name ending in .onnx/);
    const none = await earmarkHere(['import', 'x.keras', '--out', 'm.onnx'], folder);
    expect(none.stderr).toMatch(/cannot read the model x.keras: no such file/);
    expect(existsSync(join(folder, 'm.onnx'))).toBe(false);
  });
});
