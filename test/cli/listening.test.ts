// End to end: `earmark predict` and `earmark explain` on recordings that are good, long, short, broken or missing.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { decodeWav, encodeWav } from '../../src/audio/wav.ts';
import { modelInput } from '../../src/features/input.ts';
import { defaultFeatures } from '../../src/features/settings.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { encodeModel } from '../../src/model/model-file.ts';
import { tinyWav } from '../support/corpus.ts';
import { earmark, earmarkHere, modelFile, temporary, untrainedModel } from '../support/earmark.ts';

/** A tone that starts and ends, with noise, of a length in seconds: WAV, mono, 16 bit. */
function toneWav(seconds: number, sampleRate = 8000, hertz = 440): Uint8Array {
  const length = Math.round(seconds * sampleRate);
  const samples = Float32Array.from({ length }, (_, n) => {
    const envelope = Math.sin((Math.PI * n) / length) ** 2;
    return envelope * (0.5 * Math.sin((2 * Math.PI * hertz * n) / sampleRate) + 0.01 * Math.sin(n ** 2));
  });
  return encodeWav({ samples, sampleRate });
}

/** A folder with a model and recordings. */
function folderOf(files: Record<string, Uint8Array>, model = untrainedModel()): string {
  const folder = temporary();
  modelFile(folder, model);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

describe('predict', () => {
  it('says the label and probability that the graph gives', async () => {
    const model = untrainedModel();
    const folder = folderOf({ 'a.wav': toneWav(0.4), 'b.wav': toneWav(0.5, 8000, 900) }, model);
    const { code, stdout, stderr } = await earmark(
      ['predict', 'model.onnx', 'a.wav', 'b.wav', '--json'],
      folder,
    );
    expect([code, stderr]).toEqual([0, '']);
    const results = JSON.parse(stdout);
    expect(results).toHaveLength(2);
    for (const result of results) {
      const { samples } = decodeWav(readFileSync(join(folder, result.file)));
      const { rows, columns, data } = modelInput(samples, model.features);
      const { logits } = interpret(model.graph, { input: array64(data, [1, 1, rows, columns]) });
      const powers = Array.from(logits.data, Math.exp);
      const predicted = powers.indexOf(Math.max(...powers));
      expect(result.label).toBe(model.labels[predicted]);
      expect(result.probability).toBeCloseTo(powers[predicted] / powers.reduce((a, b) => a + b), 5);
    }
    const text = await earmark(['predict', 'model.onnx', 'a.wav', 'b.wav', '--top', '3'], folder);
    const lines = text.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^a\.wav(\t\d\t0\.\d{4}){3}$/);
    expect(lines[0].split('\t')[1]).toBe(results[0].label);
  });

  it('resamples, cuts what is too long and says so, and takes folders', async () => {
    const wavs = {
      'in/long.wav': toneWav(2, 16000),
      'in/more/short.wav': toneWav(0.2),
      'in/notes.txt': toneWav(1),
    };
    const folder = folderOf(wavs);
    const { code, stdout, stderr } = await earmark(['predict', 'model.onnx', 'in', '--json'], folder);
    expect(code).toBe(0);
    const [long, short] = JSON.parse(stdout);
    expect(long.file).toBe(join('in', 'long.wav'));
    expect(long.clip).toMatchObject({
      sampleRate: 16000,
      resampledTo: 8000,
      seconds: 2,
      cut: true,
      padBefore: 0,
    });
    expect(long.clip.clipStart).toBeGreaterThan(0.6); // the middle is loudest
    expect(long.clip.clipStart).toBeLessThan(0.9);
    expect(stderr).toMatch(
      /^in.long\.wav: 2\.00 s long, longer than the model's 0\.5 s; its loudest window[^\n]+\n$/,
    );
    expect(short.clip).toMatchObject({ sampleRate: 8000, resampledTo: null, cut: false, padBefore: 0.15 });
  });

  it('names five cut recordings and counts the others', async () => {
    const folder = folderOf({ 'long.wav': toneWav(1) });
    const { stderr } = await earmarkHere(['predict', 'model.onnx', ...new Array(8).fill('long.wav')], folder);
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[5]).toBe('3 more recordings were cut to their loudest window');
  });

  it('reports what is wrong with one recording and goes on', async () => {
    const folder = folderOf({ 'good.wav': tinyWav(), 'bad.wav': new Uint8Array(3), 'also.wav': tinyWav() });
    const args = ['predict', 'model.onnx', 'good.wav', 'bad.wav', 'none.wav', 'also.wav'];
    const { code, stdout, stderr } = await earmark(args, folder);
    expect(code).toBe(1);
    expect(stdout.match(/^\w+\.wav/gm)).toEqual(['good.wav', 'also.wav']);
    expect(stderr).toMatch(
      /^earmark: bad\.wav: [^\n]+\nearmark: cannot read the recording none\.wav: [^\n]+\n$/,
    );
  });

  it('names the recording that cannot be resampled, and those in formats that cannot be read', async () => {
    const files = { 'c/slow.wav': toneWav(100, 1), 'c/good.wav': tinyWav(), 'c/a.m4a': new Uint8Array(9) };
    const folder = folderOf({ ...files, 'd/b.m4a': new Uint8Array(9) });
    const { stdout, stderr } = await earmarkHere(['predict', 'model.onnx', 'c', 'd'], folder);
    expect(stdout).toMatch(/^c\/good.wav\t[^\n]+\n$/);
    expect(stderr).toBe(
      [
        'c: left out: 1 in formats that cannot be read, such as c/a.m4a',
        'earmark: d: expected recordings in the folder or below it, got 1 in formats that cannot be read, such as d/b.m4a. Convert them to FLAC or WAV.',
        'earmark: c/slow.wav: cannot resample from 1 Hz: expected a whole rate, at most 256 times higher or lower, got 8000 Hz',
        '',
      ].join('\n'),
    );
  });
});

describe('explain', () => {
  it('writes PNG, SVG, JSON and NPZ of each clip, and what they say fits together', async () => {
    const model = untrainedModel();
    const folder = folderOf({ '3_theo_0.wav': toneWav(0.3), 'b/3_theo_0.wav': toneWav(0.5) }, model);
    const args = ['explain', 'model.onnx', '3_theo_0.wav', 'b/3_theo_0.wav', '--out', 'maps/here', '--json'];
    const { code, stdout, stderr } = await earmark(args, folder);
    expect([code, stderr]).toEqual([0, '']);
    const out = join(folder, 'maps/here');
    const kinds = ['json', 'npz', 'png', 'svg'];
    expect(readdirSync(out)).toEqual(
      ['3_theo_0-2', '3_theo_0'].flatMap((name) => kinds.map((k) => `${name}.${k}`)),
    );
    const [printed] = JSON.parse(stdout);
    const facts = JSON.parse(readFileSync(join(out, '3_theo_0.json'), 'utf8'));
    const { ledger, ...rest } = facts;
    expect(printed).toEqual({ ...rest, png: join('maps/here', '3_theo_0.png') });

    const { features, relevance, times, frequencies } = decodeNpz(readFileSync(join(out, '3_theo_0.npz')));
    const [bins, frames] = features.shape;
    expect(relevance).toMatchObject({ dtype: 'float32', shape: [bins, frames] });
    expect([times.shape, frequencies.shape]).toEqual([[frames], [bins]]);
    const values = Array.from(relevance.data, Number);
    const total = values.reduce((a, b) => a + b);
    expect(facts.relevanceSum).toBeCloseTo(total, 5);
    const absorbed = ledger.layers.map(
      (l: Record<string, number[]>) => l.bias[0] + l.stabilizer[0] + l.dropped[0],
    );
    expect(ledger.start[0]).toBeCloseTo(Math.max(...facts.logits), 5);
    expect(total + absorbed.reduce((a: number, b: number) => a + b)).toBeCloseTo(ledger.start[0], 4);
    expect(facts).toMatchObject({ trueLabel: '3', method: 'epsilon-plus-flat', start: 'logit' });
    expect(facts.target.label).toBe(facts.predicted);

    // 0.3 s in a clip of 0.5 s: frames more than half a window away from the recording are padding.
    const { padBefore, clipSeconds, padAfter } = facts.clip;
    const half = model.features.nFft / 2 / model.features.sampleRate;
    const inPadding = Array.from(times.data, Number).map(
      (t) => t + half <= padBefore + 1e-9 || t - half >= clipSeconds - padAfter - 1e-9,
    );
    const amount = (wanted: (i: number) => boolean) =>
      values.reduce((sum, v, i) => sum + (wanted(i) ? Math.abs(v) : 0), 0);
    const padding = amount((i) => inPadding[i % frames]) / amount(() => true);
    expect(inPadding).toContain(true);
    expect(facts.shares.padding).toBeCloseTo(padding, 6);
    expect(facts.shares.silence).toBeGreaterThanOrEqual(0);
    expect(facts.shares.silence + facts.shares.padding).toBeLessThanOrEqual(1);

    const svg = readFileSync(join(out, '3_theo_0.svg'), 'utf8');
    expect(svg).toContain(`True “3”, predicted “${facts.predicted}”`);
    const png = readFileSync(join(out, '3_theo_0.png'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(2 * new Resvg(svg).width);
  });

  it('explains the class that is asked for, by label and by number', async () => {
    const labels = ['eight', 'one', '0'];
    const folder = folderOf({ 'a.wav': toneWav(0.5) }, untrainedModel(undefined, labels));
    const targetOf = async (target: string, ...options: string[]) => {
      const args = [
        'explain',
        'model.onnx',
        'a.wav',
        '--out',
        'maps',
        '--json',
        '--target',
        target,
        ...options,
      ];
      const [result] = JSON.parse((await earmarkHere(args, folder)).stdout);
      expect(result.relevanceSum).not.toBe(0);
      return result;
    };
    expect(await targetOf('one')).toMatchObject({ target: { class: 1, label: 'one' }, trueLabel: null });
    expect(await targetOf('0')).toMatchObject({ target: { class: 2, label: '0' } });
    const named = await targetOf('1', '--label', 'five', '--method', 'gamma:gamma=0.5', '--start', 'one');
    expect(named).toMatchObject({
      target: { class: 1 },
      trueLabel: 'five',
      method: 'gamma:gamma=0.5',
      start: 'one',
    });
  });

  it('explains an MFCC model, whose rows are not frequencies', async () => {
    const folder = folderOf({ 'a.wav': toneWav(0.5) }, untrainedModel(defaultFeatures('mfcc', 8000, 0.5)));
    const args = ['explain', 'model.onnx', 'a.wav', '--out', 'maps', '--method', 'epsilon-plus'];
    const { code, stderr } = await earmarkHere(args, folder);
    expect([code, stderr]).toEqual([0, '']);
    const facts = JSON.parse(readFileSync(join(folder, 'maps/a.json'), 'utf8'));
    expect(facts.shares.silence).toBeNull();
    expect(Object.keys(decodeNpz(readFileSync(join(folder, 'maps/a.npz'))))).not.toContain('frequencies');
    expect(readFileSync(join(folder, 'maps/a.svg'), 'utf8')).toContain('MFCC coefficient');
  });
});

describe('bad input', () => {
  const zero = (bytes: Uint8Array, at: number, count: number) =>
    Uint8Array.from(bytes).fill(0, at, at + count);
  const nan = encodeWav({ samples: new Float32Array(100).fill(0.5), sampleRate: 8000 }, { bits: 32 });
  new DataView(nan.buffer).setUint16(20, 3, true); // IEEE float
  new DataView(nan.buffer).setFloat32(44 + 40, Number.NaN, true);
  const graphOf = (text: string) => new TextEncoder().encode(text);
  const recordings: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(), /a\.wav: the file is empty/],
    ['a truncated file', tinyWav().subarray(0, 700), /a\.wav: the WAV file is truncated/],
    ['a text file', graphOf('not a recording at all'), /a\.wav: not a recording that can be read/],
    ['a damaged FLAC file', graphOf('fLaC and what else there is'), /a\.wav: the FLAC file is damaged/],
    ['silence', zero(tinyWav(), 44, 1600), /a\.wav: the recording is silent/],
    ['NaN samples', nan, /a\.wav: sample 10 of 100 is not a number/],
    ['a sample rate of 0', zero(tinyWav(), 24, 4), /a\.wav: invalid sample rate/],
    [
      'no samples',
      encodeWav({ samples: new Float32Array(0), sampleRate: 8000 }),
      /a\.wav: the recording holds no samples/,
    ],
  ];
  const commands: [string, string[]][] = [
    ['predict', ['predict', 'model.onnx', 'a.wav']],
    ['explain', ['explain', 'model.onnx', 'a.wav', '--out', 'out']],
    ['features', ['features', 'a.wav', '--kind', 'mel', '--out', 'out']],
  ];
  const refused = ({ code, stdout, stderr }: Awaited<ReturnType<typeof earmark>>, message: RegExp) => {
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
    expect([code, stdout]).toEqual([1, '']);
  };

  describe.each(commands)('%s refuses', (_, args) => {
    it.each(recordings)('%s', async (__, bytes, message) => {
      const folder = folderOf({ 'a.wav': bytes });
      refused(await earmarkHere(args, folder), message);
      expect(existsSync(join(folder, 'out'))).toBe(false);
    });
    it('a missing file', async () => {
      refused(
        await earmarkHere(args, folderOf({})),
        /cannot read the recording a\.wav: no such file or folder/,
      );
    });
  });

  const model = encodeModel(untrainedModel());
  const { metadata: _, ...bare } = untrainedModel().graph;
  const wrongLabels = untrainedModel(undefined, ['yes', 'no']);
  const models: [string, Uint8Array | null, RegExp][] = [
    ['no model', null, /cannot read the model m\.onnx: no such file/],
    [
      'a truncated model',
      model.subarray(0, model.length >> 1),
      /m\.onnx: not an ONNX model, or a truncated one/,
    ],
    ['a recording as model', tinyWav(), /m\.onnx: not an ONNX model/],
    [
      'labels that do not fit',
      encodeModel({ ...wrongLabels, labels: ['yes', 'no', 'perhaps'] }),
      /m\.onnx: labels do not fit the model/,
    ],
    [
      'a model that does not say what it hears',
      encodeModel({ ...untrainedModel(), graph: { ...bare, metadata: {} }, features: undefined as never }),
      /m\.onnx: .*metadata/,
    ],
  ];
  it.each(models)('%s', async (__, bytes, message) => {
    const folder = folderOf({ 'a.wav': tinyWav(), ...(bytes && { 'm.onnx': bytes }) });
    refused(await earmarkHere(['predict', 'm.onnx', 'a.wav'], folder), message);
    refused(await earmarkHere(['explain', 'm.onnx', 'a.wav', '--out', 'out'], folder), message);
  });

  it.each<[string, string[], RegExp]>([
    ['an unknown method', ['--method', 'magic'], /unknown method "magic": expected epsilon-plus/],
    ['an unknown parameter', ['--method', 'zplus:gamma=1'], /no parameter "gamma=1"/],
    ['an unknown target', ['--target', '10'], /--target: expected predicted, a number from 0 to 9.*got 10/],
    ['an unknown start', ['--start', '1'], /'1' is invalid/],
    ['a file as output', ['--out', 'a.wav'], /cannot make the folder a\.wav: there is a file of that name/],
    [
      'a file in the way',
      ['--out', 'a.wav/x'],
      /cannot make the folder a\.wav\/x: a part of the path is a file/,
    ],
    [
      'an output that cannot be written',
      ['--out', '/proc/nothing'],
      /cannot make the folder \/proc\/nothing/,
    ],
  ])('explain refuses %s', async (__, options, message) => {
    const folder = folderOf({ 'a.wav': tinyWav() });
    refused(
      await earmarkHere(['explain', 'model.onnx', 'a.wav', '--out', 'out', ...options], folder),
      message,
    );
  });

  it('explain refuses an empty folder of recordings, and none', async () => {
    const folder = folderOf({ 'empty/notes.txt': new Uint8Array(1) });
    refused(
      await earmarkHere(['explain', 'model.onnx', 'empty', '--out', 'out'], folder),
      /empty: expected recordings in the folder or below it, got none/,
    );
    refused(
      await earmarkHere(['explain', 'model.onnx', '--out', 'out'], folder),
      /no recording is named: expected recordings behind the model model.onnx/,
    );
    refused(await earmarkHere(['explain'], folder), /missing required argument 'files'/);
  });
});
