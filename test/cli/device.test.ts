// End to end: `--device` takes a GPU where there is one, says in a line where there is none, and never mixes the two in a run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { whyNoWebgpu } from '../../src/runtime/probe.ts';
import { earmark, type Outcome } from '../support/earmark.ts';
import { copyDigits, home, writeFiles } from './digits.ts';

const NETWORK = JSON.stringify({
  layers: [
    { kind: 'conv', channels: 4, kernel: [5, 5], stride: 4 },
    { kind: 'relu' },
    { kind: 'globalpool', of: 'average' },
    { kind: 'dense', units: 'classes' },
  ],
});
const root = home();
const clip = 'digits/0_f1_0.wav';
const model = 'cpu/model.onnx';

const train = (out: string, options: readonly string[], env = {}): Promise<Outcome> =>
  earmark(
    ['train', 'digits', '--out', out, '--architecture', 'tiny.json', '--epochs', '3', ...options],
    root,
    env,
  );
const lossesOf = (run: string): number[] =>
  readFileSync(join(root, run, 'history.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .flatMap(({ loss, validationLoss }) => [loss, validationLoss]);
const deviceOf = (run: string) => JSON.parse(readFileSync(join(root, run, 'config.json'), 'utf8')).device;

beforeAll(async () => {
  copyDigits(join(root, 'digits'));
  writeFiles(root, { 'tiny.json': NETWORK });
  expect(await train('cpu', [])).toMatchObject({ code: 0 });
}, 120_000);

it.each(['train digits --out gpu', `explain ${clip}`, `predict ${clip}`])(
  '%s: refuses other devices',
  async (text) => {
    const { code, stderr } = await earmark([...text.split(' '), '--device', 'gpu'], root);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^earmark: [^\n]*'gpu' is invalid\. Allowed choices are cpu, webgpu\.\n/);
  },
);

/** Vulkan with no driver; WebGPU of other systems needs none. */
const NO_GPU = { VK_ICD_FILENAMES: '/dev/null', VK_DRIVER_FILES: '/dev/null' };
const NOTE = /^no GPU through WebGPU \([^\n]{1,80}\): the CPU computes$/gm;

describe.skipIf(process.platform !== 'linux')(
  'where there is no GPU (it can be taken away on Linux only)',
  () => {
    it('predict says so in a line, and predicts', async () => {
      const args = ['predict', model, clip, '--json'];
      const { stdout } = await earmark(args, root);
      const got = await earmark([...args, '--device', 'webgpu'], root, NO_GPU);
      expect(got).toMatchObject({ code: 0, stdout });
      expect(got.stderr.match(NOTE)).toHaveLength(1);
    });

    it('train says so in a line, and trains what the CPU trains', async () => {
      const { code, stderr } = await train('without', ['--device', 'webgpu'], NO_GPU);
      expect(code, stderr).toBe(0);
      expect(stderr.match(NOTE)).toHaveLength(1);
      expect(deviceOf('without')).toBe('cpu');
      const [one, other] = ['cpu', 'without'].map((run) => readFileSync(join(root, run, 'model.onnx')));
      expect(one?.equals(other as Buffer)).toBe(true);
    });
  },
);

const reason = await whyNoWebgpu();

describe.skipIf(reason !== undefined)(`where there is a GPU${reason ? ` (here: ${reason})` : ''}`, () => {
  beforeAll(async () => {
    const { code, stderr } = await train('webgpu', ['--device', 'webgpu']);
    expect(code, stderr).toBe(0);
    expect(stderr.match(NOTE)).toBeNull();
  }, 120_000);

  it('train gives the same losses, to 1e-5', () => {
    expect(deviceOf('webgpu')).toBe('webgpu');
    const exact = lossesOf('cpu');
    expect(exact).toHaveLength(6);
    for (const [i, loss] of lossesOf('webgpu').entries()) {
      expect(Math.abs(loss - (exact[i] ?? Number.NaN))).toBeLessThanOrEqual(1e-5 * loss);
    }
  });

  it('--resume on another device is refused', async () => {
    const { code, stderr } = await train('webgpu', ['--resume']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/of another training: its device differs: expected "webgpu", got "cpu"/);
  });
});
