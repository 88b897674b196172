// Tests of the error hierarchy: its text, and names that survive a minifier.
import { build } from 'vite';
import { expect, it } from 'vitest';
import * as errors from './errors.ts';

const SOURCE = new URL('./errors.ts', import.meta.url).pathname;
const classes = Object.entries(errors);

it.each(classes)('%s says its own name', (name, Class) => {
  const error = new Class('what');
  expect(error).toBeInstanceOf(errors.EarmarkError);
  expect(error.name).toBe(name);
  expect(String(error)).toBe(`${name}: what`);
});

it('keeps names in a minified bundle', async () => {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, lib: { entry: SOURCE, formats: ['es'], fileName: 'errors' } },
  });
  const [{ output }] = built as { output: { code: string }[] }[];
  const url = `data:text/javascript;base64,${Buffer.from(output[0].code).toString('base64')}`;
  const minified: typeof errors = await import(/* @vite-ignore */ url);
  const names = Object.entries(minified).map(([name, Class]) => [name, new Class('').name, Class.name]);
  expect(names.map(([exported, name]) => [exported, name])).toEqual(
    classes
      .map(([name]) => name)
      .sort()
      .map((name) => [name, name]),
  );
  expect(
    names.some(([exported, , own]) => own !== exported),
    'the minifier renames classes',
  ).toBe(true);
});

it('is one line of what, expected, got and what to do', () => {
  const error = new errors.FileError({ what: 'a\n b', expected: 'x', got: 'y', todo: 'Do z.' });
  expect(error.message).toBe('a b: expected x, got y. Do z.');
});
