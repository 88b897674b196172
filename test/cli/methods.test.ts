// End to end: every method in `explain` and `attribute`; composites from files, contrasts, layers; what is refused.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inputShape } from '../../src/features/input.ts';
import { decodeNpy, encodeNpy } from '../../src/files/npy.ts';
import { decodeNpz } from '../../src/files/npz.ts';
import { methods } from '../../src/relevance/method.ts';
import { earmarkHere, modelFile, temporary, untrainedModel } from '../support/earmark.ts';
import { copyDigits } from './digits.ts';

const model = untrainedModel();
const [bins, frames] = inputShape(model.features);
const size = bins * frames;

/** A folder with a model, two clips of its input, and one recording. */
function workplace(): string {
  const folder = temporary();
  modelFile(folder, model);
  const data = Float32Array.from({ length: 2 * size }, (_, i) => ((i * 37) % 97) / 97);
  writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: [2, 1, bins, frames], data }));
  copyDigits(folder, { digits: ['3'], voices: ['alex'], takes: [0] });
  return folder;
}

const attribute = (folder: string, ...options: string[]) =>
  earmarkHere(
    ['attribute', 'model.onnx', '--input', 'x.npy', '--out', 'r.npy', '--json', ...options],
    folder,
  );
const explain = (folder: string, ...options: string[]) =>
  earmarkHere(['explain', 'model.onnx', '3_alex_0.wav', '--out', 'maps', ...options], folder);
const relevanceIn = (folder: string) =>
  decodeNpy(readFileSync(join(folder, 'r.npy')), 'r.npy').data as Float32Array;
const factsIn = (folder: string) => JSON.parse(readFileSync(join(folder, 'maps/3_alex_0.json'), 'utf8'));
const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0);

/** `pass` is for layers that keep the shape, which no layer with weights of this model does. */
const usable = methods().filter(({ name }) => name !== 'pass');

it.each(usable)('$name', async ({ name, group }) => {
  const folder = workplace();
  const fast =
    group === 'loop' && name !== 'occlusion'
      ? `${name}:${name === 'smoothgrad' ? 'samples' : 'steps'}=4`
      : name;
  expect(await attribute(folder, '--method', fast)).toMatchObject({ code: 0, stderr: '' });
  const relevance = relevanceIn(folder);
  expect(relevance).toHaveLength(2 * size);
  expect(largest(relevance)).toBeGreaterThan(0);
  expect(await explain(folder, '--method', fast)).toMatchObject({ code: 0, stderr: '' });
  const { method, start, ledger } = factsIn(folder);
  const conserves = group === 'preset' || group === 'rule';
  expect([method, start, ledger !== undefined]).toEqual([
    fast,
    conserves && name !== 'excitation-backprop' ? 'logit' : 'one',
    conserves,
  ]);
});

it('a composite from a file', async () => {
  const folder = workplace();
  const rules = [
    { position: 'first', rule: 'flat' },
    { kind: 'convolution', rule: 'zplus' },
    { kind: 'dense', rule: 'epsilon' },
  ];
  writeFileSync(join(folder, 'mine.json'), JSON.stringify({ name: 'mine', rules }));
  expect(await attribute(folder, '--method', 'mine.json')).toMatchObject({ code: 0, stderr: '' });
  const own = relevanceIn(folder);
  const { stdout } = await attribute(folder, '--method', 'epsilon-plus-flat');
  expect(relevanceIn(folder)).toEqual(own);
  expect(JSON.parse(stdout)).toMatchObject({
    method: 'epsilon-plus-flat',
    start: 'logit',
    shape: [2, 1, bins, frames],
  });
  expect(await explain(folder, '--method', 'mine.json')).toMatchObject({ code: 0, stderr: '' });
  expect(factsIn(folder)).toMatchObject({ method: 'mine', start: 'logit' });
});

it('why a class and not another, in numbers and in the title', async () => {
  const folder = workplace();
  expect(await explain(folder, '--against', 'runner-up')).toMatchObject({ code: 0, stderr: '' });
  const { target, against, logits, ledger, predicted } = factsIn(folder);
  const ranked = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
  expect([target, against]).toEqual(ranked.slice(0, 2).map((k) => ({ class: k, label: `${k}` })));
  expect(ledger.start[0]).toBeCloseTo(logits[ranked[0]] - logits[ranked[1]], 4);
  const svg = readFileSync(join(folder, 'maps/3_alex_0.svg'), 'utf8');
  expect(svg).toContain(`why “${target.label}” and not “${against.label}”`);
  expect(svg).toMatch(new RegExp(`logit of “${target.label}” .* less logit of “${against.label}”`));

  const same = await explain(folder, '--against', predicted);
  expect(same.code).toBe(0);
  expect(same.stderr).toMatch(/3_alex_0.wav: predicted as “\d” itself, so that nothing is left to explain/);
  expect(await explain(folder)).toMatchObject({ code: 0 });
  expect(factsIn(folder)).not.toHaveProperty('against');
});

it('of raw tensors a class against another for each clip, and against the one that is predicted', async () => {
  const folder = workplace();
  const classes = (a: bigint, b: bigint) =>
    encodeNpy({ dtype: 'int64', shape: [2], data: BigInt64Array.from([a, b]) });
  writeFileSync(join(folder, 'a.npy'), classes(1n, 2n));
  writeFileSync(join(folder, 'b.npy'), classes(3n, 4n));
  expect(await attribute(folder, '--target', 'a.npy', '--against', 'b.npy')).toMatchObject({
    code: 0,
    stderr: '',
  });
  const there = relevanceIn(folder);
  expect(await attribute(folder, '--target', 'b.npy', '--against', 'a.npy')).toMatchObject({ code: 0 });
  const back = relevanceIn(folder);
  expect(largest(there)).toBeGreaterThan(0);
  expect(largest(there.map((v, i) => v + back[i]))).toBeLessThanOrEqual(1e-5 * largest(there));

  await attribute(folder, '--logits', 'l.npy');
  const logits = decodeNpy(readFileSync(join(folder, 'l.npy')), 'l.npy').data as Float32Array;
  const first = logits.subarray(0, 10).indexOf(Math.max(...logits.subarray(0, 10)));
  const { stderr } = await attribute(folder, '--against', `${first}`);
  expect(stderr).toMatch(/predicted as the class to explain against.*: clips 0/);
  expect(largest(relevanceIn(folder).subarray(0, size))).toBe(0);
});

it("relevance at each layer's output, by the node's name", async () => {
  const folder = workplace();
  const { code, stderr, stdout } = await attribute(folder, '--layers', 'l.npz', '--ledger', 'l.json');
  expect([code, stderr]).toEqual([0, '']);
  const arrays = decodeNpz(readFileSync(join(folder, 'l.npz')), 'l.npz');
  const ledger = JSON.parse(readFileSync(join(folder, 'l.json'), 'utf8'));
  const shapes: { node: string; dims: number[] }[] = JSON.parse(stdout).layers.shapes;
  expect(Object.keys(arrays)).toEqual(shapes.map(({ node }) => node));
  for (const { node, dims } of shapes) {
    expect(arrays[node]).toMatchObject({ dtype: 'float32', shape: dims });
    const { out, magnitude } = ledger.layers.find((layer: { node: string }) => layer.node === node);
    const values = arrays[node].data as Float32Array;
    const sum = values.subarray(0, values.length / 2).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum - out[0])).toBeLessThanOrEqual(1e-5 * magnitude[0]);
  }
});

describe('refusals', () => {
  const files: Readonly<Record<string, string>> = {
    'text.json': 'epsilon',
    'kind.json': '{"rules": [{"kind": "conv", "rule": "epsilon"}]}',
    'rule.json': '{"rules": [{"kind": "dense", "rule": "epsilonn"}]}',
    'pool.json': '{"rules": [{"kind": "max", "rule": "epsilon"}]}',
  };
  it.each<[string[], RegExp]>([
    [['--method', 'none.json'], /cannot read the method none.json: no such file/],
    [['--method', 'text.json'], /text.json: not JSON/],
    [['--method', 'kind.json'], /kind.json: rules.0.kind: expected one or several of convolution/],
    [['--method', 'rule.json'], /rule.json: rules.0: unknown rule "epsilonn"/],
    [['--method', 'pool.json'], /cannot take "epsilon": expected one of gradient for a layer of kind max/],
    [['--method', 'pass'], /relevance cannot pass Gemm .* expected input and output of the same shape/],
    [['--method', 'gradient', '--ledger', 'l.json'], /"gradient" does not conserve relevance.*no ledger/],
    [
      ['--method', 'occlusion', '--layers', 'l.npz'],
      /"occlusion" has neither a ledger nor relevance at its layers/,
    ],
    [['--method', 'smoothgrad', '--start', 'logit'], /"smoothgrad" cannot start at the logit/],
    [['--target', '3', '--against', '3'], /--against: expected another class than --target, got 3/],
    [
      ['--against', 'ten'],
      /--against: expected runner-up, one of 0, 1, .*, a class from 0, or a .npy file, got ten/,
    ],
    [['--against', '10'], /class to explain against: expected a class from 0 to 9/],
    [['--layers', 'r.npy'], /named for two outputs/],
  ])('%j', async (options, message) => {
    const folder = workplace();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const { code, stdout, stderr } = await attribute(folder, ...options);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^earmark: [^\n]+\n$/);
    expect([code, stdout]).toEqual([1, '']);
    expect(existsSync(join(folder, 'r.npy'))).toBe(false);
  });

  it.each<[string[], RegExp]>([
    [['--target', '3', '--against', '3'], /--against: expected another class than --target/],
    [['--against', 'ten'], /--against: expected runner-up, a number from 0 to 9, or one of 0, 1/],
    [['--against', '-1'], /--against: .*got -1/],
  ])('explain %j', async (options, message) => {
    const { code, stderr } = await explain(workplace(), ...options);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});

it.each(['explain', 'attribute', 'compile', 'inspect'])(
  '%s --help lists every method and a composite',
  async (command) => {
    const { code, stdout } = await earmarkHere([command, '--help'], temporary());
    expect(code).toBe(0);
    for (const { name } of methods()) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(stdout).toMatch(/Presets.*One rule on every.*Gradients:.*Many runs:.*composite of your own/s);
    // Examples are to be copied whole.
    const lines = stdout.split('\n').filter((line) => !line.startsWith('  earmark '));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(90);
  },
);
