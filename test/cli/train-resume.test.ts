// End to end: training that was killed, stopped or out of space goes on to the same model; what is no part of it is refused.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { random } from '../../src/corpus/random.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/files/safetensors.ts';
import { earmarkHere, type Outcome, temporary } from '../support/earmark.ts';
import { copyDigits, home, writeFiles } from './digits.ts';

const program = fileURLToPath(new URL('../../bin/earmark.js', import.meta.url));
const EPOCHS = 40;
const NETWORK = JSON.stringify({
  layers: [
    { kind: 'conv', channels: 4, kernel: [5, 5], stride: 4 },
    { kind: 'relu' },
    { kind: 'dropout', rate: 0.2 },
    { kind: 'globalpool', of: 'average' },
    { kind: 'dense', units: 'classes' },
  ],
});

const root = home();
const CHECKPOINT = 'checkpoint.safetensors';
const args = (out: string, ...options: string[]) =>
  [
    'train',
    'digits',
    '--out',
    out,
    '--architecture',
    'tiny.json',
    '--epochs',
    `${EPOCHS}`,
    '--patience',
    '99',
  ].concat(['--augment', 'strong,mixup=0.2', '--average', '0.9', ...options]);
const train = (out: string, ...options: string[]): Promise<Outcome> =>
  earmarkHere(args(out, ...options), root);
const modelOf = (run: string) => readFileSync(join(root, run, 'model.onnx'));

/** Starts training and kills it as soon as `moment` has come. @returns whether it was killed */
async function killed(command: readonly string[], moment: () => boolean): Promise<boolean> {
  const child = spawn(process.execPath, [program, ...command], { cwd: root, stdio: 'ignore' });
  const watch = setInterval(() => moment() && child.kill('SIGKILL'), 1);
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
  clearInterval(watch);
  return signal === 'SIGKILL';
}

/** True some time after a file was written anew. */
function after(milliseconds: number, file: string): () => boolean {
  const changed = () => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const before = changed();
  let since = Number.POSITIVE_INFINITY;
  return () => {
    if (since === Number.POSITIVE_INFINITY && changed() !== before) since = performance.now();
    return performance.now() - since > milliseconds;
  };
}

beforeAll(async () => {
  copyDigits(join(root, 'digits'));
  writeFiles(root, { 'tiny.json': NETWORK });
  expect(await train('whole')).toMatchObject({ code: 0 });
}, 120_000);

describe('a run that was killed', () => {
  it('goes on to the same model, byte for byte', async () => {
    const draw = random(7);
    let kills = 0;
    while (kills < 3) {
      const resume = existsSync(join(root, 'killed')) ? ['--resume'] : [];
      const wait = 40 * draw(); // some 10 epochs of 40
      if (!(await killed(args('killed', ...resume), after(wait, `killed/${CHECKPOINT}`)))) break;
      kills++;
    }
    expect(kills).toBe(3);
    const { code, stderr } = await train('killed', '--resume');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/going on after \d+ steps, in epoch \d+/);
    expect(modelOf('killed').equals(modelOf('whole'))).toBe(true);
    expect(readdirSync(join(root, 'killed'))).toEqual(readdirSync(join(root, 'whole')));
  }, 120_000);

  it('before its first checkpoint was whole begins anew', async () => {
    writeFiles(root, { 'early/.checkpoint.safetensors.0badf00d.tmp': 'half of it' });
    expect(await train('early', '--resume')).toMatchObject({ code: 0 });
    expect(modelOf('early').equals(modelOf('whole'))).toBe(true);
    expect(readdirSync(join(root, 'early'))).toEqual(readdirSync(join(root, 'whole')));
  });

  it('while its files took their places goes on from its checkpoint', async () => {
    writeFiles(root, { 'moved/bands.png': 'new', 'moved/.earmark-0badf00d.tmp/model.onnx': 'new' });
    writeFiles(root, { [`moved/${CHECKPOINT}`]: await unfinished() });
    expect(await train('moved', '--resume')).toMatchObject({ code: 0 });
    expect(modelOf('moved').equals(modelOf('whole'))).toBe(true);
    expect(readdirSync(join(root, 'moved'))).toEqual(readdirSync(join(root, 'whole')));
  });
});

let kept: Uint8Array | undefined;
/** A checkpoint from the middle of the run `whole`. */
async function unfinished(): Promise<Uint8Array> {
  if (kept) return kept;
  expect(await killed(args('half'), after(0, `half/${CHECKPOINT}`))).toBe(true);
  kept = readFileSync(join(root, 'half', CHECKPOINT));
  return kept;
}

describe('--resume', () => {
  it('of a complete run gives its metrics', async () => {
    const before = statSync(join(root, 'whole/model.onnx')).mtimeMs;
    const { code, stdout, stderr } = await train('whole', '--resume', '--json');
    expect([code, stderr]).toEqual([0, 'whole is complete: nothing is left to train\n']);
    const { run: _, ...metrics } = JSON.parse(stdout);
    expect(metrics).toEqual(JSON.parse(readFileSync(join(root, 'whole/metrics.json'), 'utf8')));
    expect(statSync(join(root, 'whole/model.onnx')).mtimeMs).toBe(before);
    const other = await train('whole', '--resume', '--seed', '5');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/^earmark: the run in whole is of another training: [^\n]+\n$/);
  });

  it('is named where a run was not finished', async () => {
    writeFiles(root, { [`begun/${CHECKPOINT}`]: await unfinished() });
    const { code, stderr } = await train('begun');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^earmark: begun holds a run that was not finished\. Go on with it with --resume, [^\n]+\n$/,
    );
    expect(await train('begun', '--replace')).toMatchObject({ code: 0 });
  });

  const cases: [string, (bytes: Uint8Array) => Uint8Array, string[], RegExp][] = [
    ['other options', (b) => b, ['--learning-rate', '0.1'], /its options differs: expected schedule\.rate/],
    [
      'another architecture',
      (b) => b,
      ['--architecture', 'mel-cnn'],
      /the checkpoint is of another training/,
    ],
    [
      'other variations',
      (b) => b,
      ['--augment', 'none'],
      /another training: its (augmentation|options) differs/,
    ],
    ['another input', (b) => b, ['--clip-seconds', '1'], /another training: its (features|input) differs/],
    ['half a checkpoint', (b) => b.slice(0, b.length >> 1), [], /not a whole safetensors file/],
    [
      'a checkpoint with a broken header',
      (b) => b.map((v, i) => (i < 30 ? 0x7b : v)),
      [],
      /not a whole safetensors/,
    ],
    [
      'a checkpoint of another version',
      (b) => rewritten(b, (metadata) => ({ ...metadata, format: 'earmark checkpoint 0' })),
      [],
      /not a checkpoint of this version: expected earmark checkpoint 2, got earmark checkpoint 0/,
    ],
    [
      'a checkpoint whose progress is no JSON',
      (b) => rewritten(b, (metadata) => ({ ...metadata, progress: '{' })),
      [],
      /the checkpoint is damaged: expected checksum/,
    ],
    [
      'a checkpoint without a weight',
      (b) => rewritten(b, (metadata) => metadata, 1),
      [],
      /the checkpoint is damaged: expected checksum/,
    ],
    [
      'a checkpoint with a flipped bit',
      (b) => b.with(b.length - 400, b[b.length - 400] ^ 1),
      [],
      /the checkpoint is damaged: expected checksum [^\n]+ Train anew with --replace/,
    ],
  ];
  it.each(cases)('refuses %s', async (name, change, options, message) => {
    const run = name.replaceAll(' ', '-');
    writeFiles(root, { [`${run}/${CHECKPOINT}`]: change(await unfinished()) });
    const before = readFileSync(join(root, run, CHECKPOINT));
    const { code, stdout, stderr } = await train(run, '--resume', ...options);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.match(/^earmark: .+$/gm)).toHaveLength(1);
    expect(readFileSync(join(root, run, CHECKPOINT)).equals(before)).toBe(true);
  });

  it('refuses a corpus that has changed since, though its recordings were kept', async () => {
    writeFiles(root, { [`changed/${CHECKPOINT}`]: await unfinished() });
    const path = join(root, 'digits/0_f1_0.wav');
    const original = readFileSync(path);
    onTestFinished(() => writeFileSync(path, original));
    writeFileSync(path, readFileSync(join(root, 'digits/0_f1_1.wav')));
    const { code, stderr } = await train('changed', '--resume', '--split', 'random', '--test-share', '0.05');
    expect(code).toBe(1);
    expect(stderr).toMatch(/of another training: its (clips|recordings) differs/);
    const same = await train('changed', '--resume');
    expect([same.code, same.stderr]).toEqual([
      1,
      expect.stringMatching(/of another training: its recordings differs: expected (training|validation) /),
    ]);
  });
});

/** A checkpoint with other metadata, and without the first `dropped` arrays. */
function rewritten(
  bytes: Uint8Array,
  change: (metadata: Readonly<Record<string, string>>) => Record<string, string>,
  dropped = 0,
): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  return encodeSafetensors({
    tensors: Object.fromEntries(Object.entries(tensors).slice(dropped)),
    metadata: change(metadata),
  });
}

describe('folds', () => {
  const folds = (out: string, ...options: string[]) =>
    args(out, '--split', 'loso', '--folds', '--epochs', '6', ...options);

  it('are trained each, go on between and within, and come to a mean and a deviation', async () => {
    expect(await killed(folds('folds'), () => existsSync(join(root, 'folds/2-andrea', CHECKPOINT)))).toBe(
      true,
    );
    const first = statSync(join(root, 'folds/1-alex/model.onnx')).mtimeMs;
    const between = () => existsSync(join(root, 'folds/3-anika/model.onnx'));
    expect(await killed(folds('folds', '--resume'), between)).toBe(true);
    const { code, stdout, stderr } = await earmarkHere(folds('folds', '--resume', '--json'), root);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^alex \(1 of 5\): [^\n]+, trained before$/m);
    expect(statSync(join(root, 'folds/1-alex/model.onnx')).mtimeMs).toBe(first);
    const { accuracy, folds: each, pooled } = JSON.parse(stdout);
    const values = each.map((fold: { metrics: { accuracy: number } }) => fold.metrics.accuracy);
    const mean = values.reduce((a: number, b: number) => a + b) / 5;
    const sd = Math.sqrt(values.reduce((a: number, v: number) => a + (v - mean) ** 2, 0) / 4);
    expect(accuracy.mean).toBeCloseTo(mean, 12);
    expect(accuracy.sd).toBeCloseTo(sd, 12);
    expect(pooled.clips).toBe(30);

    expect(await earmarkHere(folds('folds-whole'), root)).toMatchObject({ code: 0 });
    for (const fold of readdirSync(join(root, 'folds-whole')).filter((name) => /^\d-/.test(name))) {
      expect(modelOf(join('folds', fold)).equals(modelOf(join('folds-whole', fold))), fold).toBe(true);
    }
    const single = await train('folds', '--resume');
    expect([single.code, single.stderr]).toEqual([
      1,
      expect.stringMatching(/^earmark: folds holds a run for each fold\. Resume with --folds, [^\n]+\n$/),
    ]);
  }, 180_000);
});

it('a loss that is no number ends training with the best weights until then', async () => {
  const { code, stdout, stderr } = await train('nan', '--schedule', 'step:every=1,factor=1e30');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^training ended early: [^\n]+ Train with a smaller learning rate\.$/m);
  expect(stdout).toMatch(/^epoch 1 of [12] is kept$/m);
  expect(JSON.parse(readFileSync(join(root, 'nan/metrics.json'), 'utf8')).training).toMatchObject({
    bestEpoch: 1,
    failure: expect.stringContaining('smaller learning rate'),
  });
  const predict = await earmarkHere(['predict', 'nan/model.onnx', 'digits/0_f1_0.wav'], root);
  expect(predict).toMatchObject({ code: 0 });
});

describe('a full disk', () => {
  /** A file system of so many kilobytes; null where none may be made. */
  function smallDisk(kilobytes: number) {
    const disk = join(temporary(), 'disk');
    mkdirSync(disk);
    const mount = (...options: string[]) => spawnSync('mount', [...options, disk]).status === 0;
    if (!mount('-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs')) return null;
    onTestFinished(() => {
      spawnSync('umount', [disk]);
    });
    return { disk, grow: () => mount('-o', 'remount,size=64m') };
  }

  it.for([
    ['a checkpoint', 15, 'checkpoint.safetensors'],
    ['a run', 300, ''],
  ] as const)(
    'while %s is written: one line, and it goes on from the checkpoint before',
    async ([, size, file], { skip }) => {
      const small = smallDisk(size);
      if (!small) return skip('no file system can be mounted here');
      const run = join(small.disk, 'run');
      const full = await train(run);
      expect([full.code, full.stdout]).toEqual([1, '']);
      const lines = full.stderr.split('\n').filter((line) => line.startsWith('earmark: '));
      expect(lines).toEqual([
        expect.stringMatching(/^earmark: cannot write [^\n]+: the disk is full\. Free some space\.$/),
      ]);
      expect(lines[0]).toContain(file);
      expect(readdirSync(run)).toEqual([CHECKPOINT]);
      expect(small.grow()).toBe(true);
      const { code, stderr } = await train(run, '--resume');
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(/^going on after \d+ steps/m);
      expect(readFileSync(join(run, 'model.onnx')).equals(modelOf('whole'))).toBe(true);
      rmSync(run, { recursive: true });
    },
  );
});
