// End to end: `earmark features` takes librosa's arguments as options and writes what librosa computes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/wav.ts';
import { decodeNpy } from '../../src/files/npy.ts';
import { tinyWav } from '../support/corpus.ts';
import { earmark, earmarkHere, temporary } from '../support/earmark.ts';
import { describeShared, sharedPath } from '../support/shared.ts';

type Arguments = Record<string, string | number | boolean | null>;

/** librosa's arguments as a user types them. */
function optionsOf(args: Arguments): string[] {
  return Object.entries(args).flatMap(([name, value]) => {
    const option = name.replaceAll('_', '-');
    if (typeof value === 'boolean') return [value ? `--${option}` : `--no-${option}`];
    return [`--${option}`, value === null ? 'none' : `${value}`];
  });
}

describeShared('fixtures/features/cases.json', 'earmark features', () => {
  const array = (file: string) => decodeNpy(readFileSync(sharedPath(`fixtures/features/${file}`)), file);
  const { cases } = JSON.parse(readFileSync(sharedPath('fixtures/features/cases.json'), 'utf8')) as {
    cases: { file: string; signal: string; sample_rate: number; arguments: Arguments }[];
  };

  it.each(cases)('$file', async ({ file, signal, sample_rate, arguments: args }) => {
    const folder = temporary();
    const kind = /_([a-z]+)\.npy$/.exec(file)?.[1] ?? '';
    const samples = Float32Array.from(array(signal).data as Float32Array);
    writeFileSync(join(folder, 'in.wav'), encodeWav({ samples, sampleRate: sample_rate }, { bits: 32 }));
    const options = optionsOf(args);
    const { code, stdout, stderr } = await earmark(
      ['features', 'in.wav', '--kind', kind, '--out', 'f.npy', '--json', ...options],
      folder,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const expected = array(file);
    expect(JSON.parse(stdout)).toMatchObject({ kind, shape: expected.shape, sampleRate: sample_rate });
    const got = decodeNpy(readFileSync(join(folder, 'f.npy')));
    expect(got.dtype).toBe('float32');
    expect(got.shape).toEqual(expected.shape);
    const theirs = Array.from(expected.data, Number);
    const largest = Math.max(...theirs.map(Math.abs));
    const difference = Math.max(...theirs.map((v, i) => Math.abs(v - Number(got.data[i]))));
    expect(difference).toBeLessThanOrEqual(kind === 'stft' || kind === 'mel' ? 1e-5 * largest : 1e-3);
  });
});

it('resamples where a rate is given, and only there', async () => {
  const folder = temporary();
  writeFileSync(join(folder, 'in.wav'), tinyWav()); // 800 samples at 8 kHz
  const shape = async (...options: string[]) => {
    const args = ['features', 'in.wav', '--kind', 'stft', '--out', 'f.npy', '--json', '--hop-length', '100'];
    const { stdout } = await earmark([...args, ...options], folder);
    return JSON.parse(stdout).shape;
  };
  expect(await shape('--n-fft', '256')).toEqual([129, 9]);
  expect(await shape('--n-fft', '256', '--sample-rate', '16000')).toEqual([129, 17]);
});

it.each<[string, string[], RegExp]>([
  ['an unknown kind', ['--kind', 'cqt'], /'cqt' is invalid.*stft, mel, logmel, mfcc/],
  ['no kind', [], /'--kind <kind>' not specified/],
  ['an unknown argument', ['--kind', 'mel', '--n-mel', '40'], /unknown option '--n-mel'.*--n-mels/],
  ['an argument of another kind', ['--kind', 'stft', '--n-mels', '40'], /stft does not take --n-mels/],
  ['text for a number', ['--kind', 'mel', '--n-fft', 'many'], /--n-fft many: Expected a whole number/],
  [
    'none where there is no none',
    ['--kind', 'mel', '--n-fft', 'none'],
    /--n-fft none: Expected a whole number/,
  ],
  [
    'a number out of range',
    ['--kind', 'mel', '--hop-length', '0'],
    /--hop-length 0: Expected a whole number/,
  ],
  ['an unknown window', ['--kind', 'mel', '--window', 'hunn'], /unknown window.*'hunn'/],
  ['an unknown padding', ['--kind', 'mel', '--pad-mode', 'wrap'], /unsupported pad mode.*'wrap'/],
  ['an unknown norm', ['--kind', 'mel', '--norm', 'slany'], /--norm slany: Expected a number/],
  ['an unknown DCT', ['--kind', 'mfcc', '--dct-type', '4'], /dct_type: expected 1, 2 or 3, got 4/],
  ['a window longer than the frame', ['--kind', 'mel', '--n-fft', '64', '--win-length', '65'], /win_length/],
  ['frames longer than the signal', ['--kind', 'stft', '--no-center'], /too short/],
  ['a rate of 0', ['--kind', 'mel', '--sample-rate', '0'], /at least 1/],
])('refuses %s', async (_, options, message) => {
  const folder = temporary();
  writeFileSync(join(folder, 'in.wav'), tinyWav());
  const { code, stdout, stderr } = await earmarkHere(
    ['features', 'in.wav', '--out', 'f.npy', ...options],
    folder,
  );
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
  expect([code, stdout]).toEqual([1, '']);
});
