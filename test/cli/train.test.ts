// End to end: `earmark train` on real speech, what its run holds, and that the model needs nothing else.
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeModel } from '../../src/model/model-file.ts';
import { earmark, earmarkHere, type Outcome, temporary } from '../support/earmark.ts';
import { copyDigits, everythingIn, home, PNG_MAGIC, VOICES, writeFiles } from './digits.ts';

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const isPng = (path: string) => readFileSync(path).subarray(0, 8).toString('hex') === PNG_MAGIC;

const root = home();
const inRun = (...path: string[]) => join(root, 'runs/one', ...path);
let recordings: string[];
let outcome: Outcome;
beforeAll(async () => {
  recordings = copyDigits(join(root, 'digits'));
  outcome = await earmark(['train', 'digits', '--out', 'runs/one', '--epochs', '3', '--seed', '1'], root);
}, 120_000);

describe('a run', () => {
  it('says what came of it on standard output', () => {
    const epochs = String.raw`(epoch \d of 3: loss [\d.]+, [\d.]+ % right; validation [\d.]+ %; rate \S+; at most \d+:\d\d left\n){3}`;
    expect(outcome.stderr).toMatch(
      new RegExp(`^(\\d+ of 30 recordings are longer than the model's [^\\n]+\\n)?${epochs}$`),
    );
    expect(outcome.code).toBe(0);
    const { correct } = readJson(inRun('metrics.json'));
    const percent = ((100 * correct) / 6).toFixed(2);
    expect(outcome.stdout).toMatch(
      new RegExp(`^digits: ${percent} % right \\(${correct} of 6 test recordings; 95 % interval [^\n]+\\)\n`),
    );
    expect(outcome.stdout).toMatch(
      /\nsplit: 24 recordings to train, 6 to test; 0 of 1 test speakers[^\n]+\n/,
    );
    expect(outcome.stdout).toMatch(/\nrun: runs\/one\n$/);
  });

  it('is one folder of its files, and nothing is left beside it', () => {
    expect(readdirSync(join(root, 'runs'))).toEqual(['one']);
    const { misclassified } = readJson(inRun('metrics.json')).analysis;
    const names = ['bands', 'confusion', 'correct-wrong', 'learning-curves', 'reliability', 'speakers'];
    const figures = names.flatMap((name) => ['json', 'png', 'svg'].map((kind) => `${name}.${kind}`));
    const facts = [
      'config.json',
      'history.jsonl',
      'metrics.json',
      'model.onnx',
      'predictions.jsonl',
      'split.json',
    ];
    const errors = misclassified.length > 0 ? ['errors'] : [];
    expect(readdirSync(inRun())).toEqual([...figures, ...facts, 'clips', ...errors].sort());
    const pictures = everythingIn(inRun()).filter((name) => name.endsWith('.png'));
    expect(pictures).toHaveLength(6 + 3 + misclassified.length);
    for (const name of pictures) {
      expect(isPng(inRun(name)), name).toBe(true);
      expect(readFileSync(inRun(name.replace('.png', '.svg')), 'utf8'), name).toMatch(/^<svg .+<\/svg>\s*$/s);
    }
  });

  it('has metrics that add up, accuracy first', () => {
    const metrics = readJson(inRun('metrics.json'));
    expect(Object.keys(metrics)[0]).toBe('accuracy');
    const { labels, counts } = metrics.confusion;
    expect(labels).toEqual(['0', '1', '2']);
    expect(metrics.clips).toBe(6);
    expect(sum(counts.flat())).toBe(6);
    expect(metrics.correct).toBe(sum(counts.map((row: number[], k: number) => row[k])));
    expect(metrics.accuracy).toBe(metrics.correct / 6);
    for (const [k, label] of labels.entries()) {
      const [clips, correct] = [sum(counts[k]), counts[k][k]];
      expect(metrics.byClass[label]).toMatchObject({ clips, correct, recall: correct / clips });
    }
    const speakers = Object.values<{ clips: number; correct: number }>(metrics.bySpeaker);
    expect(sum(speakers.map((s) => s.clips))).toBe(6);
    expect(sum(speakers.map((s) => s.correct))).toBe(metrics.correct);
    expect(metrics.analysis).toMatchObject({ clips: 6, byClass: labels.map((label: string) => ({ label })) });
    expect(metrics.analysis.misclassified).toHaveLength(6 - metrics.correct);
    expect(metrics.synthetic).toBe(false); // without its table of voices nobody can tell
  });

  it('has a line for each prediction', () => {
    const lines = readFileSync(inRun('predictions.jsonl'), 'utf8').trimEnd().split('\n');
    const predictions = lines.map((line) => JSON.parse(line));
    expect(predictions.map(({ path }) => path)).toEqual(readJson(inRun('split.json')).test);
    const { labels, counts } = readJson(inRun('metrics.json')).confusion;
    const found = labels.map((label: string) =>
      labels.map((as: string) => predictions.filter((p) => p.label === label && p.predicted === as).length),
    );
    expect(found).toEqual(counts);
    for (const { predicted, probability, probabilities } of predictions) {
      expect(sum(probabilities)).toBeCloseTo(1, 6);
      expect(probability).toBe(probabilities[labels.indexOf(predicted)]);
      expect(probability).toBe(Math.max(...probabilities));
    }
  });

  it('has a line for each epoch, and the settings', () => {
    const lines = readFileSync(inRun('history.jsonl'), 'utf8').trimEnd().split('\n');
    const history = lines.map((line) => JSON.parse(line));
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    for (const { loss, accuracy, validationLoss, validationAccuracy, seconds } of history) {
      for (const value of [loss, validationLoss, seconds]) expect(value).toBeGreaterThan(0);
      for (const share of [accuracy, validationAccuracy]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    }
    expect(readJson(inRun('config.json'))).toMatchObject({
      corpus: { name: 'digits', clips: 30, synthetic: false },
      architecture: 'mel-cnn',
      features: { kind: 'logmel', sampleRate: 8000 },
      fit: { epochs: 3, seed: 1 },
      split: { kind: 'speaker' },
      method: 'epsilon-plus-flat',
      leftOut: [],
    });
  });

  it('is split by speaker where speakers are known', () => {
    const { kind, seed, speakers, train, test, warnings } = readJson(inRun('split.json'));
    expect({ kind, seed, warnings }).toEqual({ kind: 'speaker', seed: 1, warnings: [] });
    expect([...train, ...test].sort()).toEqual(recordings);
    expect(speakers).toMatchObject({ train: { length: 4 }, test: { length: 1 }, both: [] });
    expect([...speakers.train, ...speakers.test].sort()).toEqual([...VOICES].sort());
    expect(test).toEqual(recordings.filter((name) => name.includes(`_${speakers.test[0]}_`)));
  });

  it('comes out the same to the byte with the same seed, and differs with another', async () => {
    const out = temporary();
    const train = async (seed: string) => {
      const args = ['train', 'digits', '--out', join(out, seed), '--epochs', '3', '--seed', seed, '--json'];
      const { code, stdout } = await earmarkHere([...args, '--split', inRun('split.json')], root);
      expect(code).toBe(0);
      const { run, ...metrics } = JSON.parse(stdout);
      expect(run).toBe(join(out, seed));
      expect(metrics).toEqual(readJson(join(run, 'metrics.json')));
      return run;
    };
    const same = await train('1');
    // A split that is read back is the same split, though it is known by its file.
    const [before, after] = [inRun('split.json'), join(same, 'split.json')].map(readJson);
    expect(after).toMatchObject({ kind: 'file', train: before.train, test: before.test });
    expect(readFileSync(join(same, 'model.onnx')).equals(readFileSync(inRun('model.onnx')))).toBe(true);
    const other = await train('2');
    expect(readFileSync(join(other, 'model.onnx')).equals(readFileSync(inRun('model.onnx')))).toBe(false);
  });

  it('has a model that classifies and explains by itself, as it did in the test', async () => {
    const folder = temporary();
    copyFileSync(inRun('model.onnx'), join(folder, 'moved.onnx'));
    const { test } = readJson(inRun('split.json'));
    for (const name of test) copyFileSync(join(root, 'digits', name), join(folder, name));
    const predicted = await earmark(['predict', 'moved.onnx', ...test, '--json'], folder);
    expect(predicted.code).toBe(0);
    const results: { file: string; label: string; logits: number[] }[] = JSON.parse(predicted.stdout);
    const { labels, counts } = readJson(inRun('metrics.json')).confusion;
    const found = labels.map((label: string) =>
      labels.map((as: string) => results.filter((r) => r.file[0] === label && r.label === as).length),
    );
    expect(found).toEqual(counts);

    const explained = await earmark(['explain', 'moved.onnx', test[0], '--out', 'maps'], folder);
    expect(explained.code).toBe(0);
    const name = test[0].replace('.wav', '');
    expect(isPng(join(folder, 'maps', `${name}.png`))).toBe(true);
    const facts = readJson(join(folder, 'maps', `${name}.json`));
    expect(facts).toMatchObject({ predicted: results[0].label, trueLabel: name[0], labels });
    for (const [k, logit] of facts.logits.entries()) expect(logit).toBeCloseTo(results[0].logits[k], 4);
    expect(facts.relevanceSum).not.toBe(0);
  });

  it('is not written over unless that is asked for, and nothing but a run ever is', async () => {
    const folder = temporary();
    copyDigits(join(folder, 'digits'), { digits: ['0', '1'] });
    writeFiles(folder, { 'run/model.onnx': 'old', 'run/config.json': 'old', 'run/errors/old.png': 'old' });
    writeFiles(folder, { 'letters/model.onnx': 'dear', 'letters/reply.txt': 'dear' });
    const before = everythingIn(folder);
    const train = (out: string, ...options: string[]) =>
      earmarkHere(['train', 'digits', '--out', out, '--epochs', '1', ...options], folder);
    const refused = await train('run');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^earmark: run is there already: [^\n]+ or replace [^\n]+ --replace\.\n$/);
    const other = await train('letters', '--replace');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/^earmark: letters is there already: [^\n]+\. Name another folder\.\n$/);
    expect(everythingIn(folder)).toEqual(before);

    expect(await train('run', '--replace')).toMatchObject({ code: 0 });
    expect(everythingIn(join(folder, 'run'))).not.toContain(join('errors', 'old.png'));
    expect(decodeModel(readFileSync(join(folder, 'run/model.onnx')), 'model').labels).toEqual(['0', '1']);
    expect(readdirSync(folder).sort()).toEqual(['digits', 'letters', 'run']);
  });

  it('goes into an empty folder that is there', async () => {
    const folder = temporary();
    copyDigits(join(folder, 'digits'), { digits: ['0', '1'] });
    const inside = temporary();
    const args = ['train', join(folder, 'digits'), '--out', '.', '--epochs', '1'];
    expect(await earmarkHere(args, inside)).toMatchObject({ code: 0 });
    expect(readdirSync(inside)).toContain('model.onnx');
    expect(readdirSync(inside).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('splits', () => {
  const train = async (folder: string, ...options: string[]) => {
    const result = await earmarkHere(
      ['train', 'digits', '--out', 'run', '--epochs', '1', ...options],
      folder,
    );
    expect(result.code, result.stderr).toBe(0);
    return { ...result, split: readJson(join(folder, 'run/split.json')) };
  };

  it('random warns that speakers leak, and counts them', async () => {
    const folder = temporary();
    copyDigits(join(folder, 'digits'));
    const { stderr, split } = await train(folder, '--split', 'random', '--test-share', '0.3');
    const voices = (paths: string[]) => new Set(paths.map((path) => path.split('_')[1]));
    const tested = voices(split.test);
    const both = [...voices(split.train)].filter((voice) => tested.has(voice)).length;
    expect(both).toBeGreaterThan(1);
    expect(stderr).toContain(
      `warning: speakers leak: ${both} of ${tested.size} test speakers are also in training;`,
    );
    expect(split.test).toHaveLength(9);
    const { kind, warnings, speakersOnBothSides } = readJson(join(folder, 'run/metrics.json')).split;
    expect({ kind, warnings: warnings.length }).toEqual({ kind: 'random', warnings: 1 });
    expect(speakersOnBothSides).toHaveLength(both);
  });

  it('official tests on the takes that its authors test on', async () => {
    const folder = temporary();
    const name = (digit: string, voice: string, take: number) => `${digit}_${voice}_${4 + take}.wav`;
    copyDigits(join(folder, 'digits/recordings'), { digits: ['0', '1'], name });
    const { split } = await train(folder, '--split', 'official');
    expect(split.kind).toBe('official');
    expect(split.test).toHaveLength(10);
    expect(split.test.every((path: string) => path.endsWith('_4.wav'))).toBe(true);
    expect(split.train.every((path: string) => path.endsWith('_5.wav'))).toBe(true);
  });

  it('random is the default where no speakers are known, and says what that means', async () => {
    const folder = temporary();
    const name = (digit: string, voice: string, take: number) =>
      `${digit === '0' ? 'nil' : 'one'}/${voice}${take}.wav`;
    copyDigits(join(folder, 'digits'), { digits: ['0', '1'], name });
    const { stderr, split } = await train(folder);
    expect(split).toMatchObject({ kind: 'random', test: { length: 4 } });
    expect(stderr).toMatch(/^warning: the speakers are unknown: the same voices may be on both sides$/m);
    const metrics = readJson(join(folder, 'run/metrics.json'));
    expect(metrics).toMatchObject({ bySpeaker: {}, confusion: { labels: ['nil', 'one'] } });
  });
});

it('MFCCs go all the way, their relevance carried to hertz', async () => {
  const folder = temporary();
  copyDigits(join(folder, 'digits'));
  const args = ['train', 'digits', '--out', 'run', '--epochs', '2', '--features', 'mfcc'];
  expect(await earmarkHere(args, folder)).toMatchObject({ code: 0 });
  expect(readdirSync(join(folder, 'run'))).toContain('bands.png');
  const { analysis } = readJson(join(folder, 'run/metrics.json'));
  expect(analysis).toMatchObject({ bands: { length: 8 }, bandsNote: null });
  expect(analysis.all.bands.reduce((a: number, b: number) => a + b, 0)).toBeCloseTo(1, 12);
  expect(readJson(join(folder, 'run/config.json')).method).toBe('gamma');
  const [drawn] = readdirSync(join(folder, 'run/clips')).filter((name) => name.endsWith('.svg'));
  expect(readFileSync(join(folder, 'run/clips', drawn!), 'utf8')).toContain('Relevance in hertz');
  const explain = ['explain', 'run/model.onnx', 'digits/1_f1_0.wav', '--out', 'maps'];
  expect(await earmarkHere(explain, folder)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^method gamma, [^\n]+\n(in hertz, [^\n]+\n)?$/),
  });
  expect(isPng(join(folder, 'maps/1_f1_0.png'))).toBe(true);
  expect(readFileSync(join(folder, 'maps/1_f1_0.svg'), 'utf8')).toContain('MFCC coefficient');
});
