// End to end: `earmark explain --window`, for models that hear mel bands, MFCCs, spectra or samples.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/wav.ts';
import { defaultFeatures, FEATURE_KINDS, type FeatureKind } from '../../src/features/settings.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import { earmarkHere, modelFile, temporary, untrainedModel, waveformModel } from '../support/earmark.ts';

/** A second of a gliding tone, a second and a half of nothing, and 0.7 s of a tone. */
function talk(): Uint8Array {
  const samples = Float32Array.from({ length: 25600 }, (_, n) =>
    n < 8000 ? 0.5 * Math.sin((n * n) / 9000) : n < 20000 ? 0 : 0.3 * Math.sin(n / 2),
  );
  return encodeWav({ samples, sampleRate: 8000 });
}

async function explained(args: readonly string[], kind: FeatureKind = 'logmel') {
  const folder = temporary();
  const isWave = kind === 'waveform';
  modelFile(folder, isWave ? waveformModel() : untrainedModel(defaultFeatures(kind, 8000, 0.5)));
  writeFileSync(join(folder, 'talk.wav'), talk());
  const outcome = await earmarkHere(
    ['explain', 'model.onnx', 'talk.wav', '--method', 'epsilon-plus', '--out', 'o', ...args],
    folder,
  );
  const read = (ending: string) => readFileSync(join(folder, `o/talk.${ending}`));
  return { ...outcome, read };
}

it.each(FEATURE_KINDS)('%s: windows, arrays and picture', async (kind) => {
  const { code, stderr, stdout, read } = await explained(['--window', '0.5', '--hop', '0.25'], kind);
  expect([code, stderr, stdout]).toEqual([0, '', 'talk.wav\t12 windows\to/talk.png\n']);
  const classes = kind === 'waveform' ? 3 : 10;
  const { windows, relevanceSum, padding } = JSON.parse(read('json').toString());
  expect(padding).toBe(0);
  expect(windows[1]).toMatchObject({ start: 0.25, end: 0.75, silent: false, target: windows[1].label });
  expect(windows.flatMap((w: { silent: boolean }, i: number) => (w.silent ? [i] : []))).toEqual([
    4, 5, 6, 7, 8,
  ]);
  expect(windows[5]).toEqual({
    start: 1.25,
    end: 1.75,
    silent: true,
    label: null,
    probability: null,
    target: null,
  });
  expect(windows.at(-1).end).toBe(3.2);
  const arrays = decodeNpz(read('npz'));
  const { relevance, power, frequencies, times, track, probabilities } = arrays;
  expect(relevance!.shape).toEqual([frequencies!.shape[0], times!.shape[0]]);
  expect(power!.shape).toEqual(relevance!.shape);
  expect(track!.shape).toEqual([classes, times!.shape[0]]);
  expect(probabilities!.shape).toEqual([12, classes]);
  expect(Number(times!.data[0])).toBe(0);
  expect(Number.isFinite(relevanceSum)).toBe(true);
  expect(read('svg').toString()).toContain('>silence<');
});

it('of a recording of one window gives the map of the clip', async () => {
  const folder = temporary();
  modelFile(folder);
  const samples = Float32Array.from({ length: 4000 }, (_, n) => 0.5 * Math.sin((n * n) / 9000));
  writeFileSync(join(folder, 'a.wav'), encodeWav({ samples, sampleRate: 8000 }));
  for (const [out, ...args] of [['clip'], ['line', '--window', '0.5']]) {
    const command = ['explain', 'model.onnx', 'a.wav', '--out', out!, ...args];
    expect(await earmarkHere(command, folder)).toMatchObject({ code: 0, stderr: '' });
  }
  const [clip, line] = ['clip', 'line'].map((out) => decodeNpz(readFileSync(join(folder, out, 'a.npz'))));
  expect(line!.relevance!.shape).toEqual(clip!.relevance!.shape);
  expect(line!.relevance!.data).toEqual(clip!.relevance!.data);
  expect(line!.times!.data).toEqual(clip!.times!.data);
});

it.each([
  [
    ['--window', '1'],
    /^windows of 1 s for a model of clips of 0.5 s: each is heard in its loudest part only\n$/,
  ],
  [['--window', '0.4'], /^windows of 0.4 s for a model of clips of 0.5 s: each is filled up with zeros\n$/],
  [
    ['--window', '9'],
    /^windows of 9 s .*\ntalk.wav: 3.20 s, shorter than a window; it is one window itself\n$/,
  ],
])('says how windows are fitted: %s', async (args, said) => {
  const { code, stderr } = await explained(args);
  expect(code).toBe(0);
  expect(stderr).toMatch(said);
});

it.each([
  [['--hop', '1'], /--hop: expected --window with it/],
  [['--window', '1', '--hop', '0'], /--hop <s>.*above 0/],
  [['--window', '0.5', '--hop', '2'], /hop: expected at most the window, 0.5 s, got 2 s/],
  [['--window', 'long'], /--window <s>.*number/],
  [['--window', '0.5', '--listen'], /--listen/],
])('refuses %s', async (args, message) => {
  const { code, stderr } = await explained(args);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});
