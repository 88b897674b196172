// End to end: `earmark explain --listen` writes what speaks for a class and against it as recordings.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeWav } from '../../src/audio/wav.ts';
import { defaultFeatures } from '../../src/features/settings.ts';
import { tinyWav } from '../support/corpus.ts';
import { earmarkHere, modelFile, temporary, untrainedModel } from '../support/earmark.ts';

async function explained(...args: string[]) {
  const folder = temporary();
  modelFile(folder, untrainedModel(defaultFeatures('logmel', 8000, 0.5)));
  writeFileSync(join(folder, 'a.wav'), tinyWav());
  const outcome = await earmarkHere(['explain', 'model.onnx', 'a.wav', '--out', 'maps', ...args], folder);
  return { ...outcome, maps: join(folder, 'maps') };
}
const factsIn = (maps: string) => JSON.parse(readFileSync(join(maps, 'a.json'), 'utf8'));

it('writes the sounds at the model’s rate and says in the JSON which', async () => {
  const { code, stderr, maps } = await explained('--listen', '--method', 'epsilon-plus');
  expect(code, stderr).toBe(0);
  const { listen, profile } = factsIn(maps);
  expect(listen.files.map((f: { file: string }) => f.file)).toEqual([
    'a.for.wav',
    'a.against.wav',
    'a.whole.wav',
  ]);
  expect([listen.sampleRate, listen.sharpness]).toEqual([8000, 0.5]);
  expect(listen.shares.for).toBeCloseTo(profile.positive / (profile.positive + profile.negative), 9);
  for (const { file, gain } of listen.files) {
    const { samples, sampleRate } = decodeWav(readFileSync(join(maps, file)));
    expect([samples.length, sampleRate]).toEqual([4000, 8000]);
    expect(samples.some((v) => v !== 0)).toBe(gain !== null);
  }
});

it('--sharpness alone asks for them', async () => {
  const { code, maps } = await explained('--sharpness', '2');
  expect(code).toBe(0);
  expect(factsIn(maps).listen.sharpness).toBe(2);
});

it('writes none unless asked, and refuses a sharpness that is none', async () => {
  const { maps } = await explained();
  expect(existsSync(join(maps, 'a.whole.wav'))).toBe(false);
  expect(factsIn(maps).listen).toBeUndefined();
  const refused = await explained('--sharpness', '0');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/sharpness.*above 0/);
});
