// End to end: `earmark explain` in hertz and seconds, for models that hear mel bands, MFCCs, spectra or samples.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultFeatures, type FeatureSettings } from '../../src/features/settings.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import type { AudioModel } from '../../src/model/model-file.ts';
import { tinyWav } from '../support/corpus.ts';
import { earmarkHere, modelFile, temporary, untrainedModel, waveformModel } from '../support/earmark.ts';

/** Explains a recording. @returns the JSON, the NPZ and the SVG that were written */
async function explained(model: AudioModel, ...args: string[]) {
  const folder = temporary();
  modelFile(folder, model);
  writeFileSync(join(folder, 'a.wav'), tinyWav());
  const { code, stderr } = await earmarkHere(
    ['explain', 'model.onnx', 'a.wav', '--out', 'maps', ...args],
    folder,
  );
  expect(code).toBe(0);
  const read = (kind: string) => readFileSync(join(folder, `maps/a.${kind}`));
  const facts = JSON.parse(read('json').toString());
  return { facts, arrays: decodeNpz(read('npz')), svg: read('svg').toString(), stderr };
}

const sum = (values: ArrayLike<number | bigint>) =>
  Array.from(values as ArrayLike<number>, Number).reduce((a, b) => a + b, 0);

const models: [name: string, features: FeatureSettings | undefined][] = [
  ['logmel', defaultFeatures('logmel', 8000, 0.5)],
  ['mfcc', defaultFeatures('mfcc', 8000, 0.5)],
  ['spectrogram', defaultFeatures('spectrogram', 8000, 0.5)],
  ['waveform', undefined],
];

it.each(models)('%s: map, profile and arrays say the same', async (kind, features) => {
  const model = features ? untrainedModel(features) : waveformModel();
  const { facts, arrays, svg } = await explained(model, '--domain', 'spectrum', '--method', 'epsilon-plus');
  expect(arrays.spectrum_frequencies.data.at(-1)).toBe(4000);
  expect(arrays.spectrum_relevance.shape).toEqual([
    arrays.spectrum_frequencies.data.length,
    arrays.spectrum_times.data.length,
  ]);
  const amount = sum(Array.from(arrays.relevance.data, Number).map(Math.abs));
  expect(Math.abs(sum(arrays.spectrum_relevance.data) - facts.hertz.relevanceSum)).toBeLessThan(
    1e-5 * amount,
  );
  let at = facts.relevanceSum;
  for (const { from, to, bias, stabilizer, silence } of facts.hertz.steps) {
    expect(Math.abs(from - at)).toBeLessThan(1e-6 * amount);
    expect(Math.abs(to + bias + stabilizer + silence - from)).toBeLessThan(2e-6 * amount);
    at = to;
  }
  const { positive, negative, named, thirdOctaves, mel, time } = facts.profile;
  expect(positive - negative).toBeCloseTo(facts.hertz.relevanceSum, 5);
  expect(named.map((b: { high: number }) => b.high)).toEqual([300, 900, 2500, 4000]);
  for (const shares of [named, thirdOctaves, mel]) {
    expect(sum(shares.map((b: { positive: number }) => b.positive))).toBeCloseTo(1, 9);
  }
  expect(time.positive).toHaveLength(arrays.spectrum_times.data.length);
  expect(svg).toContain('>Relevance in hertz<');
  expect(svg.includes('>MFCC coefficient<')).toBe(kind === 'mfcc');
  expect(svg).toContain('>By third octave<');
});

it("shows a model's own input unless told otherwise, MFCCs in hertz besides", async () => {
  const mel = await explained(untrainedModel());
  expect(mel.svg).toContain('>Input<');
  expect(mel.svg).not.toContain('>Relevance in hertz<');
  expect(mel.svg).toContain('>By third octave<');
  expect(Object.keys(mel.arrays)).toEqual(['features', 'relevance', 'times', 'frequencies']);
  expect(mel.facts.profile.mel).toHaveLength(48);
  const mfcc = await explained(untrainedModel(defaultFeatures('mfcc', 8000, 0.5)));
  expect(mfcc.svg).toContain('>MFCC coefficient<');
  expect(mfcc.svg).toContain('>Relevance in hertz<');
  expect(Object.keys(mfcc.arrays)).toContain('spectrum_relevance');
});

it('says where relevance in hertz cancels', async () => {
  const mfcc = untrainedModel(defaultFeatures('mfcc', 8000, 0.5));
  const flat = await explained(mfcc, '--method', 'epsilon-plus-flat');
  expect(flat.stderr).toMatch(
    /^in hertz, relevance for and against cancels \(of a\.wav, Σ \|R\| is \d+ times[^\n]+\n$/,
  );
});

it.each([
  ['mfcc', 'MFCCs', untrainedModel(defaultFeatures('mfcc', 8000, 0.5))],
  ['waveform', 'samples', waveformModel()],
])('explains %s by gamma unless told, and says so', async (_, heard, model) => {
  const { facts, stderr } = await explained(model);
  expect(facts.method).toBe('gamma');
  expect(stderr).toBe(
    `method gamma, since the model hears ${heard}: in hertz epsilon-plus-flat cancels (--method takes others)\n`,
  );
  expect((await explained(model, '--method', 'gamma')).stderr).toBe('');
});

it('refuses another domain', async () => {
  const folder = temporary();
  modelFile(folder);
  const { code, stderr } = await earmarkHere(
    ['explain', 'model.onnx', 'a.wav', '--out', 'o', '--domain', 'bark'],
    folder,
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/domain/);
});
