// Archives as they should be, and as an attacker or a broken disk makes them: each is unpacked whole or not at all.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Zippable, zipSync } from 'fflate';
import { type Header, pack as tarWriter } from 'tar-stream';
import { expect, it, onTestFinished } from 'vitest';
import { FileError } from '../errors.ts';
import { unpack } from './unpack.ts';

const text = (value: string) => new TextEncoder().encode(value);

/** Writes an archive into a folder of its own. */
function written(bytes: Uint8Array) {
  const where = mkdtempSync(join(tmpdir(), 'earmark-unpack-'));
  onTestFinished(() => rmSync(where, { recursive: true, force: true }));
  const archive = join(where, 'archive');
  writeFileSync(archive, bytes);
  return { where, archive, out: join(where, 'out') };
}

async function tarOf(...entries: [Partial<Header> & Pick<Header, 'name'>, string?][]): Promise<Uint8Array> {
  const pack = tarWriter();
  for (const [header, content] of entries) pack.entry(header, content ?? '');
  pack.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of pack) chunks.push(chunk as Uint8Array);
  return gzipSync(Buffer.concat(chunks));
}

const UNIX = 3;
const zipOf = (files: Zippable) => zipSync(files, { level: 1 });
const link = { os: UNIX, attrs: (0o120777 << 16) >>> 0 } as const;

const good: [string, () => Uint8Array | Promise<Uint8Array>][] = [
  ['zip', () => zipOf({ 'a/1.wav': text('one'), 'b/': new Uint8Array(), 'b/2.wav': text('two') })],
  [
    'tar.gz',
    () =>
      tarOf(
        [{ name: './', type: 'directory' }],
        [{ name: './a/1.wav' }, 'one'],
        [{ name: './b', type: 'directory' }],
        [{ name: './b/2.wav' }, 'two'],
      ),
  ],
];

it.each(good)('unpacks %s', async (_, make) => {
  const { archive, out, where } = written(await make());
  const seen: number[] = [];
  await unpack(archive, out, { onProgress: (files) => seen.push(files) });
  expect(readFileSync(join(out, 'a/1.wav'), 'utf8')).toBe('one');
  expect(readFileSync(join(out, 'b/2.wav'), 'utf8')).toBe('two');
  expect(seen).toEqual([1, 2]);
  expect(readdirSync(where).sort()).toEqual(['archive', 'out']);
});

it.each<[string, RegExp, () => Uint8Array | Promise<Uint8Array>]>([
  ['zip: ..', /leads elsewhere/, () => zipOf({ '../evil.wav': text('x') })],
  ['zip: .. within', /leads elsewhere/, () => zipOf({ 'a/../../evil.wav': text('x') })],
  ['zip: absolute', /leads elsewhere/, () => zipOf({ '/tmp/earmark-evil.wav': text('x') })],
  ['zip: drive', /leads elsewhere/, () => zipOf({ 'C:/evil.wav': text('x') })],
  ['zip: backslashes', /leads elsewhere/, () => zipOf({ '..\\evil.wav': text('x') })],
  ['zip: symbolic link', /a link or a device/, () => zipOf({ 'a.wav': [text('/etc/passwd'), link] })],
  [
    'zip: file and folder',
    /EEXIST|EISDIR|ENOTDIR|not a folder|of that name/,
    () => zipOf({ a: text('x'), 'a/b.wav': text('x') }),
  ],
  ['tar: ..', /leads elsewhere/, () => tarOf([{ name: '../evil.wav' }, 'x'])],
  ['tar: absolute', /leads elsewhere/, () => tarOf([{ name: '/tmp/earmark-evil.wav' }, 'x'])],
  [
    'tar: symbolic link',
    /a symlink/,
    () => tarOf([{ name: 'a', type: 'symlink', linkname: '..' }], [{ name: 'a/evil.wav' }, 'x']),
  ],
  ['tar: hard link', /a link/, () => tarOf([{ name: 'a', type: 'link', linkname: '/etc/passwd' }])],
  ['tar: device', /a character-device/, () => tarOf([{ name: 'a', type: 'character-device' }])],
  ['tar: pipe', /a fifo/, () => tarOf([{ name: 'a', type: 'fifo' }])],
  ['tar: twice', /twice/, () => tarOf([{ name: 'a.wav' }, 'x'], [{ name: './a.wav' }, 'y'])],
])('refuses %s', async (_, message, make) => {
  const { archive, out, where } = written(await make());
  const failed = unpack(archive, out);
  await expect(failed).rejects.toThrow(message);
  await expect(failed).rejects.toBeInstanceOf(FileError);
  expect(readdirSync(where)).toEqual(['archive']);
  expect(existsSync('/tmp/earmark-evil.wav')).toBe(false);
});

it.each(good)('refuses a %s that is cut or garbled anywhere', async (_, make) => {
  const whole = await make();
  for (let cut = 0; cut < whole.length; cut += 7) {
    const { archive, out, where } = written(whole.subarray(0, cut));
    await expect(unpack(archive, out)).rejects.toBeInstanceOf(FileError);
    expect(readdirSync(where)).toEqual(['archive']);
  }
});

it('refuses a zip whose content was changed', async () => {
  const bytes = zipSync({ 'a.wav': [text('a recording'), { level: 0 }] });
  const at = Buffer.from(bytes).indexOf('a recording');
  bytes[at] ^= 1;
  const { archive, out, where } = written(bytes);
  await expect(unpack(archive, out)).rejects.toThrow(/a.wav with a wrong checksum/);
  expect(readdirSync(where)).toEqual(['archive']);
});

it.each<[string, () => Uint8Array | Promise<Uint8Array>]>([
  ['zip', () => zipOf({ 'a.wav': new Uint8Array(5e6) })],
  ['tar.gz', () => tarOf([{ name: 'a.wav' }, ' '.repeat(5e6)])],
])('bounds what comes out of a %s', async (_, make) => {
  const { archive, out, where } = written(await make());
  await expect(unpack(archive, out, { maxBytes: 1e6 })).rejects.toThrow(/more than 1000000 bytes/);
  expect(readdirSync(where)).toEqual(['archive']);
});

it('bounds the number of files', async () => {
  const names = Array.from({ length: 20 }, (_, i) => [`${i}.wav`, text('x')] as const);
  const { archive, out } = written(zipOf(Object.fromEntries(names)));
  await expect(unpack(archive, out, { maxFiles: 10 })).rejects.toThrow(/more than 10 files/);
});

it('writes to an empty folder, and to none that holds something', async () => {
  const { archive, out } = written(await good[0][1]());
  mkdirSync(out);
  await unpack(archive, out);
  await expect(unpack(archive, out)).rejects.toThrow(
    /expected a new or empty folder, got 2 entries, such as a/,
  );
});

it('says that there is no archive, or that it is something else', async () => {
  const { archive, out } = written(text('<html>'));
  await expect(unpack(archive, out)).rejects.toThrow(/neither a zip archive nor gzip/);
  await expect(unpack(`${archive}x`, out)).rejects.toThrow(/no such file/);
});
