// End to end: what `earmark train` refuses, how it says so, and that it leaves nothing behind, whatever stops it.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/wav.ts';
import { earmarkHere, type Outcome, temporary } from '../support/earmark.ts';
import { type Chosen, copyDigits, everythingIn, writeFiles } from './digits.ts';

/** A folder with a corpus of 2 digits in `digits`. */
function folderWith(chosen: Chosen = {}): string {
  const folder = temporary();
  copyDigits(join(folder, 'digits'), { digits: ['0', '1'], ...chosen });
  return folder;
}

const train = (folder: string, ...options: string[]) =>
  earmarkHere(['train', 'digits', '--out', 'runs/one', '--epochs', '1', ...options], folder);

/** Nothing on standard output, the code 1, and one line for what is wrong: no stack. */
function expectRefused({ code, stdout, stderr }: Outcome, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
  expect([code, stdout]).toEqual([1, '']);
}

describe('recordings that cannot be used', () => {
  const wav = (samples: Float32Array) => encodeWav({ samples, sampleRate: 8000 }, { bits: 32 });
  const nan = wav(new Float32Array(100).fill(0.5));
  new DataView(nan.buffer).setUint16(20, 3, true); // IEEE float
  new DataView(nan.buffer).setFloat32(44 + 40, Number.NaN, true);
  const noRate = wav(new Float32Array(100).fill(0.5));
  new DataView(noRate.buffer).setUint32(24, 0, true);
  const BAD: Readonly<Record<string, [Uint8Array | string, RegExp]>> = {
    '0_alex_2.wav': [wav(new Float32Array(4000).fill(0.1)).subarray(0, 900), /the WAV file is truncated/],
    '0_alex_3.wav': ['', /the file is empty/],
    '1_f1_2.wav': ['not a recording at all', /not a recording that can be read/],
    '1_f1_3.wav': [wav(new Float32Array(4000)), /the recording is silent/],
    '1_m3_2.wav': [nan, /sample 10 of 100 is not a number/],
    '1_m3_3.wav': [noRate, /invalid sample rate/],
  };
  const spoilt = () => {
    const folder = folderWith();
    const files = Object.entries(BAD).map(([name, [contents]]) => [join('digits', name), contents]);
    writeFiles(folder, Object.fromEntries(files));
    return folder;
  };
  const listed = (stderr: string) => {
    const lines = stderr.split('\n').filter((line) => /^earmark: \S+\.wav: /.test(line));
    expect(lines).toHaveLength(Object.keys(BAD).length);
    for (const [i, [name, [, message]]] of Object.entries(BAD).entries()) {
      expect(lines[i]).toContain(`${name}: `);
      expect(lines[i]).toMatch(message);
    }
  };

  it('are listed and counted', async () => {
    const folder = spoilt();
    const before = everythingIn(folder);
    const { code, stdout, stderr } = await train(folder);
    expect([code, stdout]).toEqual([1, '']);
    listed(stderr);
    expect(stderr.trimEnd().split('\n')).toHaveLength(7);
    expect(stderr).toMatch(/\nearmark: 6 of 26 recordings of digits cannot be used\. [^\n]+--skip-bad\.\n$/);
    expect(everythingIn(folder)).toEqual(before);
  });

  it('are left out with --skip-bad, and where a split names them', async () => {
    const folder = spoilt();
    const all = readdirSync(join(folder, 'digits'));
    const test = all.filter((name) => name.includes('_f1_'));
    expect(test.filter((name) => name in BAD)).toHaveLength(2);
    writeFiles(folder, { 'split.json': JSON.stringify({ test }) });
    const { code, stdout, stderr } = await train(folder, '--skip-bad', '--split', 'split.json');
    expect(code, stderr).toBe(0);
    listed(stderr);
    expect(stdout).toMatch(/\nleft out, since they cannot be used: 6\n/);
    const run = (name: string) => JSON.parse(readFileSync(join(folder, 'runs/one', name), 'utf8'));
    expect(run('config.json').leftOut).toHaveLength(6);
    const split = run('split.json');
    expect(split.test).toEqual(test.filter((name) => !(name in BAD)));
    expect([...split.train, ...split.test].sort()).toEqual(all.filter((name) => !(name in BAD)).sort());
    expect(run('metrics.json').clips).toBe(4);
  });

  it('cannot all be left out', async () => {
    const folder = folderWith({ digits: ['0'] });
    writeFiles(folder, { 'digits/1_alex_0.wav': '', 'digits/1_f1_0.wav': '' });
    const { code, stderr } = await train(folder, '--skip-bad');
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nearmark: digits: expected recordings of two classes or more, got [^\n]+\n$/);
    expect(readdirSync(folder)).toEqual(['digits']);
  });
});

describe('refuses', () => {
  const text = (value: unknown) => JSON.stringify(value);
  const cases: [string, Chosen & { files?: Record<string, string> }, string[], RegExp][] = [
    ['one class', { digits: ['0'] }, [], /nothing to tell apart: expected [^\n]+ two classes[^\n]+'0'/],
    ['one speaker under a speaker split', { voices: ['alex'] }, [], /one, 'alex'\. Use --split random/],
    [
      'unknown speakers under a speaker split',
      { name: (d, v, t) => `${d}/${v}${t}.wav` },
      ['--split', 'speaker'],
      /unknown speakers\. Use --split random/,
    ],
    [
      'an official split where there is none',
      { name: (d, v, t) => `${d}/${v}${t}.wav` },
      ['--split', 'official'],
      /no official split/,
    ],
    [
      'an official split without later takes',
      {},
      ['--split', 'official'],
      /the training side of the split is empty/,
    ],
    [
      'an unknown split',
      {},
      ['--split', 'speakers'],
      /unknown split 'speakers': expected speaker, official, random/,
    ],
    [
      'a split file that is no JSON',
      { files: { 's.json': 'speaker' } },
      ['--split', 's.json'],
      /s\.json: expected an object [^\n]+ got no JSON/,
    ],
    [
      'a split file of another form',
      { files: { 's.json': text({ test: 'f1' }) } },
      ['--split', 's.json'],
      /s\.json: expected an object/,
    ],
    [
      'a split that names what is not there',
      { files: { 's.json': text({ test: ['9_f1_0.wav'] }) } },
      ['--split', 's.json'],
      /s\.json: 9_f1_0\.wav: expected/,
    ],
    [
      'a split with nothing to test',
      { files: { 's.json': text({ test: [] }) } },
      ['--split', 's.json'],
      /the test side of the split is empty/,
    ],
    [
      'a recording on both sides',
      { files: { 's.json': text({ train: ['0_f1_0.wav', '1_f1_0.wav'], test: ['0_f1_0.wav'] }) } },
      ['--split', 's.json'],
      /0_f1_0\.wav is on both sides/,
    ],
    [
      'a share that leaves nothing',
      {},
      ['--test-share', '1'],
      /share of the test side: expected more than 0, less than 1/,
    ],
    [
      'clips too short for the network',
      {},
      ['--clip-seconds', '0.03'],
      /the network cannot take an input of \[1, 48, 4\]: [^\n]+ Use longer clips/,
    ],
    [
      'a sample rate too low',
      {},
      ['--sample-rate', '10'],
      /sample rate of the model: expected at least 1000 Hz, got 10 Hz/,
    ],
    [
      'clips too long to train on',
      {},
      ['--clip-seconds', '1e5'],
      /the model's clip: expected at most 60 s, got 100000 s/,
    ],
    [
      'steps so large that training fails',
      {},
      ['--learning-rate', '1e30', '--epochs', '3'],
      /the loss is (NaN|Infinity)[^\n]+smaller learning rate/,
    ],
    ['an unknown method', {}, ['--method', 'epsilonn'], /unknown method "epsilonn"/],
    [
      'an unknown architecture',
      {},
      ['--architecture', 'mel'],
      /unknown architecture "mel": expected mel-cnn, /,
    ],
    ['unknown features', {}, ['--features', 'mel'], /'mel' is invalid\. Allowed choices are logmel, mfcc/],
    ['a seed of more than 32 bits', {}, ['--seed', '4294967296'], /'--seed <n>'[^\n]+from 0 to 4294967295/],
    [
      'a variation of less than nothing',
      {},
      ['--augment', 'shift=-1'],
      /shift: expected a number from 0 on, got -1/,
    ],
    [
      'one end of a range',
      {},
      ['--augment', 'noise=1,snr=20'],
      /snr: expected two numbers, the smaller first, as in 0\.1:0\.8, got 20/,
    ],
    [
      'a room without an echo',
      {},
      ['--augment', 'reverb=1,decay=0:0'],
      /decay\.0: expected a number from 0\.01 on/,
    ],
    ['no epochs', {}, ['--epochs', '0'], /'--epochs <n>'[^\n]+at least 1/],
    ['an unknown option', {}, ['--epoch', '3'], /unknown option '--epoch'[^\n]+--epochs/],
    ['more than one corpus', {}, ['digits'], /too many arguments/],
    [
      'a file as output',
      { files: { file: 'x' } },
      ['--out', 'file'],
      /cannot write file: a part of the path is a file/,
    ],
    [
      'a file in the way',
      { files: { file: 'x' } },
      ['--out', 'file/run'],
      /cannot write file\/run: a part of the path is a file/,
    ],
    [
      'the corpus as output',
      {},
      ['--out', 'digits'],
      /digits is there already: expected a new or empty folder/,
    ],
    ['an output that cannot be written', {}, ['--out', '/proc/runs/one'], /cannot write \/proc\/runs\/one: /],
  ];
  it.each(cases)('%s', async (_, { files = {}, ...chosen }, options, message) => {
    const folder = folderWith(chosen);
    writeFiles(folder, files);
    const before = everythingIn(folder);
    expectRefused(await train(folder, ...options), message);
    expect(everythingIn(folder)).toEqual(before);
  });

  it.each<[string, string, RegExp]>([
    ['a missing folder', 'none', /cannot read the folder \S+none: no such file or folder/],
    ['a file as corpus', 'digits/0_f1_0.wav', /0_f1_0\.wav: expected a folder of recordings, got a file/],
    ['an empty folder', 'empty', /empty: not a corpus of a known layout: [^\n]+ got no recording/],
  ])('%s', async (_, data, message) => {
    const folder = folderWith();
    mkdirSync(join(folder, 'empty'));
    expectRefused(await earmarkHere(['train', data, '--out', 'runs/one'], folder), message);
    expect(readdirSync(folder).sort()).toEqual(['digits', 'empty']);
  });

  describe('where permission is missing', () => {
    afterEach(() => process.seteuid?.(process.getuid?.() ?? 0));
    /** Root may do everything: there the command runs as a user without rights. */
    const closed = (folder: string, mode: number) => {
      chmodSync(folder, 0o755);
      chmodSync(join(folder, 'closed'), mode);
      if (process.getuid?.() === 0) process.seteuid?.(65534);
    };

    it.skipIf(process.platform === 'win32')('a folder that cannot be read', async () => {
      const folder = folderWith();
      mkdirSync(join(folder, 'closed'));
      mkdirSync(join(folder, 'runs'));
      chmodSync(join(folder, 'runs'), 0o777);
      closed(folder, 0o000);
      expectRefused(
        await earmarkHere(['train', 'closed', '--out', 'runs/one'], folder),
        /cannot read the folder \S+closed: permission denied/,
      );
      expect(readdirSync(join(folder, 'runs'))).toEqual([]);
    });

    it.skipIf(process.platform === 'win32')('an output folder that is closed', async () => {
      const folder = folderWith();
      mkdirSync(join(folder, 'closed'));
      closed(folder, 0o555);
      expectRefused(
        await earmarkHere(['train', 'digits', '--out', 'closed/runs/one'], folder),
        /cannot write closed\/runs\/one: permission denied/,
      );
      expect(readdirSync(join(folder, 'closed'))).toEqual([]);
    });
  });
});

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  const program = fileURLToPath(new URL('../../bin/earmark.js', import.meta.url));

  /** Starts training and sends SIGINT as soon as `moment` has come. */
  async function interrupted(folder: string, epochs: number, moment: (stderr: string) => boolean) {
    const args = ['train', 'digits', '--split', 'random', '--out', 'runs/one', '--epochs', `${epochs}`];
    const child = spawn(process.execPath, [program, ...args, '--patience', `${epochs}`], { cwd: folder });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const watch = setInterval(() => {
      if (!moment(stderr)) return;
      clearInterval(watch);
      child.kill('SIGINT');
    }, 1);
    const ending = await new Promise<NodeJS.Signals | number | null>((resolve) =>
      child.on('close', (code, signal) => resolve(signal ?? code)),
    );
    clearInterval(watch);
    const lines = stderr.split('\n').filter((line) => !/^warning: |loudest window|^epoch |^$/.test(line));
    return { ending, lines };
  }

  it('during training keeps what was learnt, and says how to go on', async () => {
    const folder = folderWith();
    const { ending, lines } = await interrupted(folder, 100_000, (stderr) => stderr.includes('epoch 2 of'));
    expect(ending).toBe(1);
    expect(lines).toEqual([
      'earmark: training was stopped by SIGINT; what was learnt so far is kept. Go on with the same command and --resume.',
    ]);
    expect(readdirSync(join(folder, 'runs/one'))).toEqual(['checkpoint.safetensors']);
  });

  it('while the run is written leaves all of it or nothing', async () => {
    const folder = folderWith();
    const run = join(folder, 'runs/one');
    const writing = () =>
      existsSync(run) && readdirSync(run).some((name) => /^\.earmark-.+\.tmp$/.test(name));
    const { ending, lines } = await interrupted(folder, 1, writing);
    expect(lines).toEqual([]);
    expect(['SIGINT', 0]).toContain(ending);
    const there = readdirSync(run);
    if (ending === 0) expect(there).toContain('model.onnx');
    else expect(there).toEqual(['checkpoint.safetensors']);
  });
});
