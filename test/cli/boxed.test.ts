// The digit classifier in the box: recordings without a model, at any rate and level, with silence around them.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAudio } from '../../src/audio/read.ts';
import { resample } from '../../src/audio/resample.ts';
import { encodeWav } from '../../src/audio/wav.ts';
import { loadEmbedded } from '../../src/corpus/embedded.ts';
import { inPackage } from '../../src/files/package.ts';
import { earmark, earmarkHere, temporary } from '../support/earmark.ts';
import { describeShared, sharedPath } from '../support/shared.ts';

interface Answer {
  readonly file: string;
  readonly label: string;
}

/** The digit that a file's name begins with. */
const spoken = (file: string) => (file.split('/').at(-1) as string)[0];
const right = (answers: readonly Answer[]) =>
  answers.filter(({ file, label }) => spoken(file) === label).length;

it('is no larger than 2 MB, and comes with its card and its licence', () => {
  const folder = inPackage('models', 'digits');
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'model.onnx']));
  expect(readFileSync(join(folder, 'model.onnx')).length).toBeLessThan(2e6);
  expect(readFileSync(join(folder, 'LICENSE'), 'utf8')).toMatch(/Attribution-ShareAlike 4\.0/);
});

it('recognises voices that it was not trained on, at 48 kHz, quiet and loud, with half a second of silence around them', async () => {
  const folder = temporary();
  mkdirSync(join(folder, 'heard'));
  const { clips, testSpeakers = [] } = await loadEmbedded();
  const unheard = clips
    .filter(({ speaker }) => testSpeakers.includes(speaker ?? ''))
    .filter((_, i) => i % 4 === 0);
  for (const [i, { path }] of unheard.entries()) {
    const { samples } = await resample(await readAudio(path), 48_000);
    const padded = new Float32Array(samples.length + 48_000);
    padded.set(
      samples.map((v) => (i % 2 ? 0.02 : 0.9) * v),
      24_000,
    );
    const name = path.split('/').at(-1) as string;
    writeFileSync(
      join(folder, 'heard', name),
      encodeWav({ samples: padded, sampleRate: 48_000 }, { bits: 32 }),
    );
  }
  const { code, stdout, stderr } = await earmarkHere(['predict', 'heard', '--json'], folder);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^model: the digit classifier in the box/);
  expect(right(JSON.parse(stdout)) / unheard.length).toBeGreaterThan(0.9);
});

it('explains a recording without more being said', async () => {
  const folder = temporary();
  const [{ path }] = (await loadEmbedded()).clips;
  const { code, stdout } = await earmark(['explain', path], folder);
  expect(code).toBe(0);
  expect(stdout).toContain('explained');
  expect(readdirSync(join(folder, 'explained')).some((name) => name.endsWith('.png'))).toBe(true);
});

describeShared('data/fsdd', 'people', () => {
  it('of the recordings that it was trained on, it knows nineteen of twenty', async () => {
    const folder = temporary();
    const recordings = sharedPath('data/fsdd/recordings');
    const chosen = readdirSync(recordings).filter((name) => /_7\.wav$/.test(name));
    const { stdout } = await earmarkHere(
      ['predict', ...chosen.map((name) => join(recordings, name)), '--json'],
      folder,
    );
    expect(chosen).toHaveLength(60);
    expect(right(JSON.parse(stdout))).toBeGreaterThanOrEqual(57);
  });
});
