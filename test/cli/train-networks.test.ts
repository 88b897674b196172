// End to end: every architecture, a network of one's own and every label is trained, tested and explained; what a corpus lacks is said.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { architectures } from '../../src/model/architectures.ts';
import { earmarkHere } from '../support/earmark.ts';
import { copyDigits, everythingIn, home, writeFiles } from './digits.ts';

const root = home();
const [TRAINED, HEARD] = [
  ['alex', 'andrea', 'f1'],
  ['anika', 'm3'],
];
const json = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const train = (out: string, ...options: string[]) =>
  earmarkHere(['train', 'digits', '--split', 'split.json', '--epochs', '1', '--out', out, ...options], root);

beforeAll(() => {
  const voices = [...TRAINED, ...HEARD];
  const names = copyDigits(join(root, 'digits'), { digits: ['0', '1'], voices });
  const sex: Record<string, string> = {
    alex: 'male',
    andrea: 'female',
    f1: 'female',
    anika: 'female',
    m3: 'male',
  };
  const rows = names.map((name) => {
    const [digit, speaker] = name.split('_');
    return `digits/${name},${digit},${speaker},${sex[speaker]}\n`;
  });
  writeFiles(root, {
    'digits.csv': `path,label,speaker,sex\n${rows.join('')}`,
    'split.json': JSON.stringify({ test: names.filter((name) => HEARD.includes(name.split('_')[1])) }),
    'mine.json': JSON.stringify({
      layers: [
        { kind: 'conv', channels: 4, kernel: [3, 3], stride: 2 },
        { kind: 'silu' },
        { kind: 'globalpool', of: 'average' },
        { kind: 'dense', units: 'classes' },
      ],
    }),
  });
});

it.each([...architectures, 'mine.json'])('%s', async (name) => {
  const run = name.replace('.json', '');
  const { code, stderr } = await train(run, '--architecture', name);
  expect(code, stderr).toBe(0);
  expect(json(run, 'config.json').architecture).toBe(name);
  const { clips, network } = json(run, 'metrics.json');
  expect(clips).toBe(8);
  expect(network.parameters).toBeGreaterThan(0);
  expect(everythingIn(join(root, run, 'clips')).filter((file) => file.endsWith('.png'))).toHaveLength(2);
  const explain = ['explain', `${run}/model.onnx`, 'digits/0_m3_0.wav', '--out', `${run}-maps`, '--json'];
  const explained = await earmarkHere(explain, root);
  expect(explained.code, explained.stderr).toBe(0);
});

it.each([
  ['sex', ['female', 'male']],
  ['speaker', ['alex', 'andrea', 'anika', 'f1', 'm3']],
])('--label %s', async (label, classes) => {
  const args = ['train', 'digits.csv', '--label', label, '--split', 'random', '--test-share', '0.25'];
  const out = ['--architecture', 'mine.json', '--epochs', '1', '--out', `label-${label}`];
  const { code, stderr } = await earmarkHere([...args, ...out], root);
  expect(code, stderr).toBe(0);
  expect(json(`label-${label}`, 'metrics.json').confusion.labels).toEqual(classes);
});

it('fewer recordings than the batch make one step of an epoch', async () => {
  const { code, stderr } = await train('small', '--architecture', 'mine.json', '--batch', '500');
  expect(code, stderr).toBe(0);
  expect(json('small', 'history.jsonl')).toMatchObject({ epoch: 1 });
});

it.each<[string, string[], RegExp]>([
  [
    'a label column that is not there',
    ['train', 'digits.csv', '--label', 'accent'],
    /^earmark: [^\n]*accent[^\n]*\n$/,
  ],
  [
    'a class that is missing from the training part',
    ['train', 'digits', '--split', 'only-0.json'],
    /^earmark: [^\n]*'?1'?[^\n]*(train|untrained)[^\n]*\n$/,
  ],
  [
    'features that a network does not hear',
    ['train', 'digits', '--architecture', 'audionet', '--features', 'logmel'],
    /^earmark: what the network listens to: expected waveform, got logmel[^\n]*\n$/,
  ],
  [
    'a network of unknown layers',
    ['train', 'digits', '--architecture', 'bad.json'],
    /^earmark: bad: layers\[0\]\.kind: [^\n]* got "lstm"\n$/,
  ],
  [
    'a network for another number of classes',
    ['train', 'digits', '--architecture', 'twelve.json'],
    /^earmark: twelve: what its last layer gives: expected \d+ numbers[^\n]+ got \[12\][^\n]+"classes"}\.\n$/,
  ],
  [
    'a network that no memory holds',
    ['train', 'digits', '--architecture', 'huge.json'],
    /^earmark: huge: its parameters: expected at most 535,822,336, got [\d,]+\n$/,
  ],
])('refuses %s', async (_, args, message) => {
  const test = everythingIn(join(root, 'digits')).filter((name) => name.startsWith('1'));
  writeFiles(root, {
    'only-0.json': JSON.stringify({ test }),
    'twelve.json': JSON.stringify({ layers: [{ kind: 'flatten' }, { kind: 'dense', units: 12 }] }),
    'huge.json': JSON.stringify({
      layers: [{ kind: 'flatten' }, { kind: 'dense', units: 2e9 }, { kind: 'dense', units: 'classes' }],
    }),
    'bad.json': JSON.stringify({ layers: [{ kind: 'lstm', units: 3 }] }),
  });
  const { code, stdout, stderr } = await earmarkHere([...args, '--epochs', '1', '--out', 'refused'], root);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([1, '']);
});
