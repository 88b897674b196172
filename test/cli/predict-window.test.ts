// End to end: `earmark predict --window`, as a table, CSV and JSON.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/wav.ts';
import { earmarkHere, modelFile, temporary } from '../support/earmark.ts';

/** A second of a gliding tone, a second and a half of nothing, and 0.7 s of a tone. */
const samples = Float32Array.from({ length: 25600 }, (_, n) =>
  n < 8000 ? 0.5 * Math.sin((n * n) / 9000) : n < 20000 ? 0 : 0.3 * Math.sin(n / 2),
);

async function predicted(...args: string[]) {
  const folder = temporary();
  modelFile(folder);
  writeFileSync(join(folder, 'talk, or so.wav'), encodeWav({ samples, sampleRate: 8000 }));
  return earmarkHere(['predict', 'model.onnx', 'talk, or so.wav', ...args], folder);
}

it('JSON: segments cover the recording, and windows are those of explain', async () => {
  const { code, stdout } = await predicted('--window', '0.5', '--json');
  expect(code).toBe(0);
  const [{ seconds, hop, segments, windows }] = JSON.parse(stdout);
  expect([seconds, hop, windows.length]).toEqual([3.2, 0.125, 23]);
  expect(segments[0].start).toBe(0);
  expect(segments.at(-1).end).toBe(3.2);
  for (const [i, { start, label }] of segments.slice(1).entries()) {
    expect(start).toBe(segments[i].end);
    expect(label).not.toBe(segments[i].label);
  }
  expect(windows[12]).toEqual({ start: 1.5, end: 2, label: null, probability: null });
  expect(segments).toContainEqual({ start: 1.375, end: 2.125, label: null, probability: null });
});

it('CSV: a line for each window, silent ones without a label', async () => {
  const { code, stdout } = await predicted('--window', '0.5', '--hop', '0.25', '--csv');
  const [head, ...lines] = stdout.trim().split('\n');
  expect([code, head, lines.length]).toEqual([0, 'file,start,end,label,probability', 12]);
  expect(lines[0]).toMatch(/^"talk, or so\.wav",0,0\.5,\d,0\.\d+$/);
  expect(lines[5]).toBe('"talk, or so.wav",1.25,1.75,,');
});

it('a table of segments', async () => {
  const { stdout } = await predicted('--window', '0.5', '--hop', '0.25');
  expect(stdout).toMatch(/^start {2}end {3}label {6}probability\n0\.00 /);
  expect(stdout).toMatch(/\n\d\.\d\d {3}\d\.\d\d {2}\(silence\)\n/);
});

it.each([
  [['--hop', '1'], /--hop: expected --window with it/],
  [['--csv'], /--csv: expected --window with it/],
  [['--window', '0.5', '--hop', '2'], /hop: expected at most the window/],
])('refuses %s', async (args, message) => {
  const { code, stderr } = await predicted(...args);
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
});
