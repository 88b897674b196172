// `earmark data`: a corpus from a server to a table, faults found on the way; the server is in this process.
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder, tinyWav } from '../support/corpus.ts';
import { earmarkHere, temporary } from '../support/earmark.ts';

const recordings = Object.fromEntries(
  ['0_ann_0', '0_bob_0', '1_ann_0', '1_bob_0'].map((name, i) => [
    `free-spoken-digit-dataset-1.0.10/recordings/${name}.wav`,
    tinyWav(200 + 10 * i),
  ]),
);

/** A server that drops the first connection half-way. */
async function mirror(file: Uint8Array): Promise<string> {
  let visits = 0;
  const server = createServer((request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    response.writeHead(from ? 206 : 200, {
      etag: '"1"',
      'content-length': file.length - start,
      ...(from && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
    });
    if (++visits > 1) response.end(file.subarray(start));
    else response.write(file.subarray(0, file.length / 2), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/fsdd.zip`;
}

it('lists what can be downloaded, with its licence', async () => {
  const { code, stdout } = await earmarkHere(['data', 'list'], temporary());
  expect(code).toBe(0);
  expect(stdout).toMatch(/^fsdd +3000 +10 +6 +8000 +about 16 MB +CC BY-SA 4.0$/m);
  expect(stdout).toMatch(/^speech-commands +105829 .* 2429 MB +CC BY 4.0$/m);
});

it('downloads, unpacks and reads a corpus, though the connection drops', async () => {
  const folder = temporary();
  const url = await mirror(zipSync(recordings));
  const got = await earmarkHere(['data', 'download', 'fsdd', '--url', url, '--out', 'digits'], folder);
  expect(got).toMatchObject({ code: 0, stdout: 'digits: 4 recordings, 2 classes, 2 speakers\n' });
  expect(got.stderr).toMatch(/Licence: CC BY-SA 4.0/);
  expect(got.stderr).toMatch(/warning: 4 recordings, not 3000/);
  expect(readdirSync(folder)).toEqual(['digits']);

  const again = await earmarkHere(['data', 'download', 'fsdd', '--url', url, '--out', 'digits'], folder);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/digits: expected a new or empty folder/);
});

it('leaves nothing of an archive that is none', async () => {
  const folder = temporary();
  const url = await mirror(new TextEncoder().encode('<html>busy</html>'));
  const got = await earmarkHere(['data', 'download', 'fsdd', '--url', url], folder);
  expect(got.code).toBe(1);
  expect(got.stderr).toMatch(/the archive is damaged/);
  expect(readdirSync(folder)).toEqual([]);
});

it('tells the hash of what came where another was wanted', async () => {
  const url = await mirror(zipSync(recordings));
  const download = (hash: string) =>
    earmarkHere(['data', 'download', 'fsdd', '--url', url, '--sha256', hash], temporary());
  expect((await download('12ab')).stderr).toMatch(
    /^earmark: --sha256: expected 64 hexadecimal digits, got 12ab/,
  );
  const [, got = ''] =
    /got ([0-9a-f]{64}); it is deleted/.exec((await download('A'.repeat(64))).stderr) ?? [];
  expect((await download(got.toUpperCase())).code).toBe(0);
});

it('refuses a corpus that it does not know', async () => {
  const got = await earmarkHere(['data', 'download', 'imagenet'], temporary());
  expect(got).toMatchObject({ code: 1, stdout: '' });
  expect(got.stderr).toMatch(/expected one of audiomnist, fsdd, speech-commands, got imagenet/);
});

it('shows what is in a corpus', async () => {
  const folder = temporaryFolder(['digits/0_ann_0.wav', 'digits/0_bob_0.wav', 'digits/1_ann_0.wav']);
  const { code, stdout } = await earmarkHere(['data', 'inspect', 'digits'], folder);
  expect(code).toBe(0);
  expect(stdout).toMatchInlineSnapshot(`
    "digits:
    layout           fsdd
    recordings       3
    length, s        0.10 to 0.10, median 0.10, 95 % up to 0.10; 0.30 in all
    sample rate, Hz  8000 (3)
    speakers         ann (2), bob (1)
    columns          repetition

    class  recordings  speakers  seconds
    0      2           2         0.20
    1      1           1         0.10
    "
  `);
});

it('shows what is wrong with one, which fails it if that is asked for', async () => {
  const folder = temporaryFolder(['digits/0_ann_0.wav', 'digits/1_ann_0.wav', 'digits/0_bob_1.wav'], {
    'digits/1_bob_1.wav': 'no recording',
  });
  copyFileSync(join(folder, 'digits/0_ann_0.wav'), join(folder, 'digits/1_cid_0.wav'));
  const { code, stdout } = await earmarkHere(['data', 'audit', 'digits'], folder);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^digits: 2 findings \(5 recordings\)\nunreadable: .*1_bob_1.wav/);
  expect(stdout).toMatch(
    /\nduplicate: the same sound 2 times, as 0 and 1\n {2}0_ann_0.wav\n {2}1_cid_0.wav\n$/,
  );
  expect((await earmarkHere(['data', 'audit', 'digits', '--strict'], folder)).code).toBe(1);
  const json = JSON.parse((await earmarkHere(['data', 'audit', 'digits', '--json'], folder)).stdout);
  expect(json.findings.map((f: { kind: string }) => f.kind)).toEqual(['unreadable', 'duplicate']);
});

it('tells of recordings in formats that cannot be read', async () => {
  const folder = temporaryFolder(['words/no/a.wav', 'words/yes/a.wav', 'words/up/a.m4a', 'words/yes/b.m4a']);
  for (const command of ['inspect', 'audit']) {
    const { stdout } = await earmarkHere(['data', command, 'words'], folder);
    expect(stdout).toMatch(
      /^note:? +no class folders: up; 2 in formats that cannot be read, such as up\/a.m4a: convert them to FLAC or WAV$/m,
    );
  }
});

it('finds speakers on both sides of a split, in a manifest, too', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}.wav`);
  const folder = temporaryFolder(names);
  const lines = names.map((name, i) => `${name},${i % 2 ? 'yes' : 'no'},ann`);
  writeFileSync(join(folder, 'words.csv'), ['path,word,speaker', ...lines].join('\n'));
  const args = ['data', 'audit', 'words.csv', '--label', 'word', '--split', 'random'];
  const { code, stdout } = await earmarkHere(args, folder);
  expect(code).toBe(0);
  expect(stdout).toMatch(/speakers: 1 of 1 test speakers are also in training: ann/);
});
