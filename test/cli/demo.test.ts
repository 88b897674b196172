// End to end: `earmark demo` learns the synthetic digits, and its page shows what was listened to, by itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { embeddedCorpusPath } from '../../src/corpus/embedded.ts';
import { earmark, earmarkHere, type Outcome, temporary } from '../support/earmark.ts';
import { everythingIn, home, PNG_MAGIC, writeFiles } from './digits.ts';

const root = home();
const inDemo = (...path: string[]) => join(root, 'demo', ...path);
let outcome: Outcome;
beforeAll(async () => {
  // What a demo is known by; the new one takes its place.
  const earlier = ['model.onnx', 'config.json', 'index.html', 'clips/old.png'];
  writeFiles(inDemo(), Object.fromEntries(earlier.map((name) => [name, 'of an earlier demo'])));
  outcome = await earmark(['demo', '--out', 'demo', '--json'], root);
}, 240_000);

describe('the demo', () => {
  it('recognises at least 97 % of what voices say that it has not heard', () => {
    expect([outcome.code, outcome.stderr]).toEqual([
      0,
      expect.stringContaining('synthetic: spoken by espeak-ng'),
    ]);
    const { page, run, ...metrics } = JSON.parse(outcome.stdout);
    expect([page, run]).toEqual([join('demo', 'index.html'), 'demo']);
    expect(metrics.accuracy).toBeGreaterThanOrEqual(0.97);
    expect(metrics).toMatchObject({ clips: 200, synthetic: true, split: { kind: 'official' } });
    expect(metrics.split.speakersOnBothSides).toEqual([]);
    expect(Object.keys(metrics.bySpeaker)).toHaveLength(10);
    expect(JSON.parse(readFileSync(inDemo('metrics.json'), 'utf8'))).toEqual(metrics);
  });

  it('explains a recording of each digit and every misclassified one, as PNG and SVG', () => {
    const clips = readdirSync(inDemo('clips'));
    const digits = [...'0123456789'];
    for (const kind of ['png', 'svg']) {
      const own = clips.filter((name) => name.endsWith(`.${kind}`));
      expect(own.map((name) => /^recordings_(\d)_\w+_\d\.\w+$/.exec(name)?.[1])).toEqual(digits);
    }
    expect(clips).toHaveLength(30); // and the numbers behind each, as JSON
    const { misclassified } = JSON.parse(outcome.stdout).analysis;
    const drawn = everythingIn(inDemo()).filter((name) => /^errors.+\.png$/.test(name));
    expect(drawn).toHaveLength(Math.min(10, misclassified.length));
    for (const name of [...clips.map((clip) => join('clips', clip)), ...drawn]) {
      const bytes = readFileSync(inDemo(name));
      if (name.endsWith('.png')) expect(bytes.subarray(0, 8).toString('hex'), name).toBe(PNG_MAGIC);
      else if (name.endsWith('.svg')) expect(bytes.toString().slice(0, 5), name).toBe('<svg ');
      else expect(() => JSON.parse(bytes.toString()), name).not.toThrow();
    }
  });

  it('has a page that asks for nothing and says what was spoken by whom', () => {
    const html = readFileSync(inDemo('index.html'), 'utf8');
    const addresses = [...html.matchAll(/\b(?:src|href|action|data|poster|srcset)="([^"]*)"/g)].map(
      ([, a]) => a,
    );
    expect(addresses.length).toBeGreaterThan(10);
    expect(addresses.filter((address) => !/^(#|data:)/.test(address))).toEqual([]);
    const urls = [...html.matchAll(/url\(["']?([^)"']{0,40})/g)].map(([, url]) => url);
    expect(urls.filter((url) => !/^(#|data:)/.test(url))).toEqual([]);
    expect(html).not.toMatch(/<script|@import|<iframe|<object/);
    const { correct, analysis } = JSON.parse(outcome.stdout);
    expect(html.match(/<figure /g)).toHaveLength(14 + Math.min(10, analysis.misclassified.length));
    expect(html).toContain(`${correct} of 200 right`);
    expect(html).toMatch(/<p class="lead">[^<]*synthetic/);
    expect(html).toContain('The voices are synthetic (espeak-ng)');
  });

  it('takes the place of an earlier one', () => {
    expect(readdirSync(root)).toEqual(['demo']);
    expect(everythingIn(inDemo())).not.toContain(join('clips', 'old.png'));
    expect(readdirSync(inDemo()).filter((name) => name.startsWith('.'))).toEqual([]);
    expect(readFileSync(inDemo('config.json'), 'utf8')).toContain('"synthetic": true');
  });

  it('has a model that can be used', async () => {
    const clip = readdirSync(inDemo('clips'))[0]
      .replace('recordings_', '')
      .replace(/\.\w+$/, '.wav');
    const wav = join(embeddedCorpusPath(), 'recordings', clip);
    const { code, stdout } = await earmarkHere(['predict', inDemo('model.onnx'), wav], root);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${wav}\t${clip[0]}\t`)]);
  });
});

it.each<[string, Record<string, string>]>([
  ['a run that is no demo', { 'model.onnx': 'mine', 'config.json': 'mine' }],
  ['anything else', { 'index.html': 'mine' }],
])('does not take the place of %s', async (_, files) => {
  const folder = temporary();
  writeFiles(join(folder, 'out'), files);
  const { code, stdout, stderr } = await earmarkHere(['demo', '--out', 'out'], folder);
  expect(stderr).toMatch(/^earmark: out is there already: [^\n]+ Name another folder\.\n$/);
  expect([code, stdout]).toEqual([1, '']);
  expect(readdirSync(join(folder, 'out'))).toEqual(Object.keys(files).sort());
});
