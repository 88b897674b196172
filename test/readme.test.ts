// README's examples and those of docs/portable.md, run as they stand: the library example, and the commands that need no training.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { inputShape } from '../src/features/input.ts';
import { encodeNpy } from '../src/files/npy.ts';
import { earmark, modelFile, temporary, untrainedModel } from './support/earmark.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const portable = readFileSync(join(root, 'docs/portable.md'), 'utf8');
const blocks = (language: string, text = readme) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code);
const commands = blocks('sh').flatMap((code) =>
  [...code.matchAll(/^npx earmark (.+)$/gm)].map(([, args]) => args),
);

/** A folder that holds what README's examples read: the checkout's corpus, a demo's model, what it listens to, a tensor. */
function workplace(): string {
  const folder = temporary();
  const model = untrainedModel();
  const [bins, frames] = inputShape(model.features);
  mkdirSync(join(folder, 'earmark-demo'));
  mkdirSync(join(folder, 'node_modules'));
  modelFile(join(folder, 'earmark-demo'), model);
  modelFile(folder, model);
  symlinkSync(join(root, 'corpus'), join(folder, 'corpus'), 'junction');
  symlinkSync(root, join(folder, 'node_modules/earmark'), 'junction');
  copyFileSync(join(root, 'test/golden/keras/notebook.3.15.keras'), join(folder, 'model.keras'));
  writeFileSync(join(folder, 'features.json'), JSON.stringify(model.features));
  writeFileSync(join(folder, 'mine.json'), blocks('json')[0]);
  writeFileSync(join(folder, 'labels.txt'), model.labels.join('\n'));
  const data = Float32Array.from({ length: 3 * bins * frames }, (_, i) => (i % 97) / 97);
  writeFileSync(join(folder, 'x.npy'), encodeNpy({ dtype: 'float32', shape: [3, 1, bins, frames], data }));
  return folder;
}

it('the library example runs', () => {
  const [example] = blocks('js');
  const cwd = workplace();
  writeFileSync(join(cwd, 'example.mjs'), example);
  const { stdout, stderr, status } = spawnSync(process.execPath, ['example.mjs'], { cwd, encoding: 'utf8' });
  // What goes to the error stream is the name of the model that was taken, no complaint.
  expect(stderr).toMatch(/^(model: the digit classifier in the box, .*\n)?$/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^"\d", relevance \[48 mel bands, \d+ frames\]: Float32Array\(\d+\) \[/);
});

it("docs/portable.md's examples run", async () => {
  const cwd = workplace();
  const [command] = blocks('sh', portable);
  expect(await earmark(command.trim().split(' ').slice(2), cwd)).toMatchObject({ code: 0, stderr: '' });
  const compiled = readFileSync(join(cwd, 'explain.onnx'));
  writeFileSync(join(cwd, 'example.mjs'), blocks('js', portable)[0]);
  const { stderr, status } = spawnSync(process.execPath, ['example.mjs'], { cwd, encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(readFileSync(join(cwd, 'explain.onnx'))).toEqual(compiled);
});

it('shows every command', () => {
  const shown = [...commands, ...blocks('sh').flatMap((code) => code.match(/(?<=npx earmark )demo/) ?? [])];
  const names = new Set(shown.map((args) => args.split(' ')[0]));
  expect([...names].sort()).toEqual([
    'attribute',
    'compile',
    'data',
    'demo',
    'describe',
    'explain',
    'features',
    'import',
    'inspect',
    'predict',
    'train',
  ]);
});

it.each(commands)('earmark %s', async (args) => {
  const cwd = workplace();
  const { code, stdout, stderr } = await earmark(args.split(' '), cwd);
  if (args.startsWith('train ')) {
    // Its options are understood; the folder is the reader's own.
    expect(stderr).toMatch(/^earmark: .*recordings/);
    return;
  }
  // What goes to the error stream is the name of the model that was taken, no complaint.
  expect(stderr).toMatch(/^(model: the digit classifier in the box, .*\n)?$/);
  expect(code).toBe(0);
  expect(stdout).not.toBe('');
  const out = /--out (\S+)/.exec(args)?.[1];
  if (out) expect(existsSync(join(cwd, out))).toBe(true);
});
