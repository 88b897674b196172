// Manifests as spreadsheets and programs write them, and what is said about those that cannot be understood.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/corpus.ts';
import { CorpusError } from '../errors.ts';
import { loadCorpus } from './load.ts';

function manifest(name: string, text: string | Uint8Array): string {
  const path = join(temporaryFolder([]), name);
  writeFileSync(path, text);
  return path;
}

it('reads CSV: byte order mark, CRLF, quotes, commas and line ends in quotes, columns of any name', async () => {
  const text =
    '\uFEFFpath,label,speaker,note\r\n"b, 1.wav",one,ann,"says ""1"",\r\ntwice"\r\n\r\nsub/a.wav,two,,\r\n';
  const path = manifest('words.csv', text);
  const { clips, layout, name, root } = await loadCorpus(path);
  expect({ layout, name }).toEqual({ layout: 'manifest', name: 'words' });
  expect(clips).toEqual([
    { path: `${root}/b, 1.wav`, label: 'one', speaker: 'ann', columns: { note: 'says "1",\r\ntwice' } },
    { path: `${root}/sub/a.wav`, label: 'two', speaker: null, columns: { note: '' } },
  ]);
});

it.each([
  ['semicolons', 'a.csv', 'path;label;speaker\r\na.wav;"x, y";ann\r\nb.wav;z;\r\n'],
  ['tabs', 'a.tsv', 'path\tlabel\tspeaker\na.wav\tx, y\tann\nb.wav\tz\t\n'],
  ['other names, with capitals', 'a.csv', 'File_Name,Label,Speaker\na.wav,"x, y",ann\nb.wav,z,\n'],
  [
    "an index, a column and lines without values, as pandas' and spreadsheets'",
    'a.csv',
    ',path,label,speaker,\n0,a.wav,"x, y",ann,\n1,b.wav,z,,\n,,,,\n',
  ],
])('reads CSV with %s', async (_, name, text) => {
  const { clips, root } = await loadCorpus(manifest(name, text));
  expect(clips).toEqual([
    { path: `${root}/a.wav`, label: 'x, y', speaker: 'ann', columns: {} },
    { path: `${root}/b.wav`, label: 'z', speaker: null, columns: {} },
  ]);
});

it('knows who speaks where that is what is to be told', async () => {
  const path = manifest('who.csv', 'path,word,Speaker\na.wav,x,ann\nb.wav,x,bob\n');
  const { clips } = await loadCorpus(path, { label: 'speaker' });
  expect(clips.map(({ label, speaker }) => [label, speaker])).toEqual([
    ['ann', 'ann'],
    ['bob', 'bob'],
  ]);
});

it('reads JSONL, and takes the class from any column', async () => {
  const path = manifest(
    'words.jsonl',
    '{"path":"a.wav","digit":3,"loud":true}\n\n{"path":"/b.wav","digit":4,"speaker":null}',
  );
  const { clips, root } = await loadCorpus(path, { label: 'digit' });
  expect(clips).toEqual([
    { path: '/b.wav', label: '4', speaker: null, columns: {} },
    { path: `${root}/a.wav`, label: '3', speaker: null, columns: { loud: 'true' } },
  ]);
});

it.each<[string, string, string | Uint8Array, RegExp]>([
  [
    'no label',
    'a.csv',
    'path,word\na.wav,x\n',
    /a.csv, line 2: expected a column 'label' with a value, got the columns path, word. Name the column/,
  ],
  [
    'an empty path',
    'a.csv',
    'path,label\na.wav,x\n,y\n',
    /line 3: expected a column 'path' with a value, got nothing/,
  ],
  ['too few values', 'a.csv', 'path,label\na.wav\n', /line 2: expected 2 values, got 1/],
  ['an open quote', 'a.csv', 'path,label\n"a.wav,x\n', /line \d: expected comma-separated values, got Quote/],
  [
    'a column twice',
    'a.csv',
    'path,label,label\na,b,c\n',
    /line 1: expected each column once, got 'label' twice/,
  ],
  [
    'a recording twice',
    'a.csv',
    'path,label\na.wav,x\n./a.wav,y\n',
    /line 3: expected each recording once, got .\/a.wav as in line 2/,
  ],
  [
    'one class',
    'a.csv',
    'path,label\na.wav,x\nb.wav,x\n',
    /two classes or more in the column 'label', got 2 of one, 'x'/,
  ],
  ['nothing', 'a.csv', '', /got no line/],
  ['no JSON', 'a.jsonl', '{"path":"a.wav","label":"x"}\n{"path":', /line 2: expected a JSON object, got/],
  ['a list', 'a.jsonl', '[1]', /line 1: expected a JSON object, got \[1\]/],
  [
    'a nested value',
    'a.jsonl',
    '{"path":"a.wav","label":{"x":1}}',
    /line 1: expected text or a number in 'label'/,
  ],
  ['other bytes', 'a.csv', Uint8Array.of(0x70, 0xff, 0xfe), /expected text in UTF-8/],
])('refuses a manifest with %s', async (_, name, text, message) => {
  const failed = loadCorpus(manifest(name, text));
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toBeInstanceOf(CorpusError);
});
