// End to end: what every command has in common: help, version, errors, a reader that leaves.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import packageFile from '../../package.json' with { type: 'json' };
import { describeError } from '../../src/cli/describe.ts';
import { progressOn } from '../../src/cli/progress.ts';
import { AudioError } from '../../src/errors.ts';
import { tinyWav } from '../support/corpus.ts';
import { earmark, earmarkHere, modelFile, temporary } from '../support/earmark.ts';

const COMMANDS: readonly string[] = [
  ...[
    'demo',
    'train',
    'predict',
    'explain',
    'attribute',
    'inspect',
    'compile',
    'import',
    'describe',
    'features',
  ],
];

it('tells its version, from the checkout', async () => {
  expect(await earmark(['--version'])).toEqual({ code: 0, stdout: `${packageFile.version}\n`, stderr: '' });
});

it('lists its commands, and explains each with an example that begins with its name', async () => {
  const { code, stdout } = await earmark(['--help']);
  expect(code).toBe(0);
  const commands = [...stdout.matchAll(/^ {2}(\w+) .*[<[]/gm)].map(([, name]) => name);
  expect(commands).toEqual(COMMANDS);
  for (const name of commands) {
    const help = await earmarkHere([name, '--help'], process.cwd());
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/\nExamples?:\n/);
    expect(help.stdout).toContain(`\n  earmark ${name} `);
  }
});

it('lists the methods where one can be chosen', async () => {
  for (const name of ['explain', 'attribute']) {
    const { stdout } = await earmarkHere([name, '--help'], process.cwd());
    for (const method of ['epsilon-plus-flat', 'alpha2-beta1', 'gamma'])
      expect(stdout).toContain(`\n  ${method} `);
  }
});

it('the examples in the help are command lines that are understood', async () => {
  const folder = temporary();
  for (const name of COMMANDS.filter((name) => name !== 'demo')) {
    const { stdout } = await earmarkHere([name, '--help'], folder);
    const [, example] = /\n {2}earmark (.+)\n/.exec(stdout.slice(stdout.search(/\nExamples?:/))) ?? [];
    const { code, stderr } = await earmarkHere(example.split(' '), folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^(?:model: the digit classifier [^\n]+\n)?earmark: cannot read the (model|recording|folder|feature settings) [^\n]+: no such file or folder[^\n]*\n$/,
    );
  }
});

it('prints its help where no command is given, and names an unknown one', async () => {
  const none = await earmark([]);
  expect(none.code).toBe(1);
  expect(none.stderr).toContain('Usage: earmark');
  const unknown = await earmark(['predictt', 'x']);
  expect(unknown).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^earmark: unknown command 'predictt'[^\n]+predict[^\n]+\n$/),
  });
});

describe('errors', () => {
  it('are one line, whatever they hold', () => {
    const clear = new AudioError({ what: 'a.wav: broken\n  here', todo: 'Mend it.' });
    expect(describeError(clear)).toBe('earmark: a.wav: broken here. Mend it.');
    expect(describeError(new TypeError('x is\nnot'))).toMatch(
      /^earmark: unexpected error: x is not\. Please report [^\n]+$/,
    );
    expect(describeError('thrown')).toMatch(/^earmark: unexpected error: thrown\./);
  });
});

it('ends quietly where its reader leaves', async () => {
  const folder = temporary();
  const program = fileURLToPath(new URL('../../bin/earmark.js', import.meta.url));
  writeFileSync(join(folder, 'a.wav'), tinyWav());
  const audio = new Array(200).fill('a.wav');
  const child = spawn(process.execPath, [program, 'predict', modelFile(folder), ...audio, '--json'], {
    cwd: folder,
  });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, stderr]).toEqual([0, '']);
});

describe('progress', () => {
  const shown = (isTTY: boolean) => {
    const stream = Object.assign(new PassThrough(), { isTTY, cursorTo() {}, clearLine() {}, columns: 80 });
    let text = '';
    stream.on('data', (part) => {
      text += part;
    });
    const progress = progressOn(stream);
    progress.start(10, 'epochs');
    progress.update(4, '97 %');
    progress.clear();
    progress.update(10);
    progress.stop();
    progress.update(11);
    return text;
  };
  it('is drawn on a terminal', () => expect(shown(true)).toContain('epochs'));
  it('does not know the time left before anything is done', () =>
    expect(shown(true)).toMatch(/epochs \S+ 0\/10 {2}\? left/));
  it('is silent elsewhere', () => expect(shown(false)).toBe(''));
});
