// Downloads from a server that behaves as badly as servers do: in this process, on the loopback interface.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { FileError } from '../errors.ts';
import { type DownloadOptions, download } from './download.ts';

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 13));
const sha256 = createHash('sha256').update(content).digest('hex');

type Behaviour = (request: IncomingMessage, response: ServerResponse, visit: number) => void;

/** Starts a server. @returns its address, and what was asked of it */
async function serve(behave: Behaviour) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    behave(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/corpus.zip`, ranges };
}

/** Sends what is asked for, as a good server does, but breaks off after `most` bytes. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  most = content.length,
  file = content,
  tag = '"1"',
) {
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  const isPart = from !== undefined && request.headers['if-range'] === tag;
  const start = isPart ? Number(from) : 0;
  response.writeHead(isPart ? 206 : 200, {
    etag: tag,
    'content-length': file.length - start,
    ...(isPart && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
  });
  const rest = file.subarray(start, start + most);
  response.write(rest, () => (rest.length < file.length - start ? response.destroy() : response.end()));
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'earmark-download-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const quick: DownloadOptions = { firstWait: 0.001, patience: 5 };

it('goes on where a connection was dropped, again and again', async () => {
  const { url, ranges } = await serve((q, r) => send(q, r, 70_000));
  const path = join(folder(), 'a.zip');
  const seen: number[] = [];
  await download(url, path, {
    ...quick,
    sha256,
    bytes: content.length,
    onProgress: (done) => seen.push(done),
  });
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(ranges.length).toBeGreaterThanOrEqual(5);
  expect(ranges[0]).toBeUndefined();
  expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  expect(seen.at(-1)).toBe(content.length);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(readdirSync(join(path, '..'))).toEqual(['a.zip']);
});

it('goes on in another run, and says so where it gives up', async () => {
  let dead = false;
  const { url, ranges } = await serve((q, r) => {
    if (dead) return r.destroy();
    dead = true;
    send(q, r, 100_000);
  });
  const path = join(folder(), 'a.zip');
  const failed = download(url, path, { ...quick, attempts: 2 });
  await expect(failed).rejects.toThrow(
    /cannot download .*Run the same command again: it goes on where it stopped/,
  );
  expect(existsSync(path)).toBe(false);
  dead = false;
  ranges.length = 0;
  const again = download(url, path, { ...quick, attempts: 2 });
  await expect(again).rejects.toBeInstanceOf(FileError);
  expect(ranges[0]).toMatch(/^bytes=[1-9]/);
});

it('starts again where the file has changed meanwhile', async () => {
  const newer = Buffer.from(content.map((byte) => byte ^ 255));
  const { url } = await serve((q, r, visit) =>
    visit === 1 ? send(q, r, 50_000) : send(q, r, content.length, newer, '"2"'),
  );
  const path = join(folder(), 'a.zip');
  await download(url, path, quick);
  expect(readFileSync(path).equals(newer)).toBe(true);
});

it('starts again where a changed file is sent as a part all the same', async () => {
  const newer = Buffer.from(content.map((byte) => byte ^ 255));
  const { url } = await serve((q, r, visit) => {
    if (visit === 1) return send(q, r, 50_000);
    q.headers['if-range'] = '"2"';
    send(q, r, content.length, newer, '"2"');
  });
  const path = join(folder(), 'a.zip');
  await download(url, path, quick);
  expect(readFileSync(path).equals(newer)).toBe(true);
});

it.each([
  ['ignores ranges', (q: IncomingMessage) => delete q.headers.range, '"1"'],
  ['has weak tags only', () => true, 'W/"1"'],
])('takes all again from a server that %s', async (_, spoil, tag) => {
  const { url } = await serve((q, r, visit) => {
    spoil(q);
    send(q, r, visit === 1 ? 50_000 : content.length, content, tag);
  });
  const path = join(folder(), 'a.zip');
  await download(url, path, { ...quick, sha256 });
  expect(readFileSync(path).equals(content)).toBe(true);
});

it('takes a file whose length the server does not say', async () => {
  const { url } = await serve((_, r) => {
    r.writeHead(200);
    r.end(content);
  });
  const path = join(folder(), 'a.zip');
  await download(url, path, { ...quick, sha256 });
  expect(readFileSync(path).equals(content)).toBe(true);
});

it.each([
  ['a longer file than was said', content.length - 1, /expected 299999 bytes, got 300000/],
  ['a shorter file than was said', content.length + 1, /expected 300001 bytes, got 300000/],
])('refuses %s before it is taken', async (_, bytes, message) => {
  const { url, ranges } = await serve((q, r) => send(q, r));
  const path = join(folder(), 'a.zip');
  await expect(download(url, path, { ...quick, bytes })).rejects.toThrow(message);
  expect(ranges).toHaveLength(1);
  expect(existsSync(path)).toBe(false);
});

it('does not fill the disk from a server that never ends', async () => {
  const { url } = await serve((_, r) => {
    r.writeHead(200);
    const more = () => {
      while (!r.destroyed && r.write(content)) {}
    };
    r.on('drain', more);
    more();
  });
  const path = join(folder(), 'a.zip');
  await expect(download(url, path, { ...quick, maxBytes: 1e6 })).rejects.toThrow(
    /at most 1000000 bytes, got more/,
  );
});

it('refuses what has another hash, and keeps nothing of it', async () => {
  const { url } = await serve((q, r) => send(q, r));
  const where = folder();
  const wrong = download(url, join(where, 'a.zip'), { ...quick, sha256: '0'.repeat(64) });
  await expect(wrong).rejects.toThrow(/damaged, or another file: expected the SHA-256 000/);
  expect(readdirSync(where)).toEqual([]);
});

it('keeps what is there with the right hash', async () => {
  const { url, ranges } = await serve((q, r) => send(q, r));
  const path = join(folder(), 'a.zip');
  await download(url, path, { ...quick, sha256 });
  await download(url, path, { ...quick, sha256 });
  expect(ranges).toHaveLength(1);
});

it.each([[404], [403], [401]])('does not ask again after %d', async (status) => {
  const { url, ranges } = await serve((_, r) => r.writeHead(status).end('no'));
  const failed = download(url, join(folder(), 'a.zip'), quick);
  await expect(failed).rejects.toThrow(`expected the file, got the status ${status}`);
  expect(ranges).toHaveLength(1);
});

it('asks again where the server is busy, or says nothing', async () => {
  const { url, ranges } = await serve((q, r, visit) => {
    if (visit === 1) r.writeHead(503, { 'retry-after': '0' }).end();
    else if (visit > 2) send(q, r);
  });
  const path = join(folder(), 'a.zip');
  await download(url, path, { ...quick, patience: 0.3, sha256 });
  expect(ranges).toHaveLength(3);
});

/** A proxy on the loopback interface, in the environment while the test runs. @returns what it was asked for */
async function proxy(name: string, to: string): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    get(to, { headers: { ...request.headers, host: new URL(to).host } }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      pipeline(answer, response, () => {});
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    server.closeAllConnections();
    server.close();
  });
  return asked;
}

it('goes through the proxy that the environment names, and on where it stopped', async () => {
  const { url, ranges } = await serve((q, r) => send(q, r, 200_000));
  const asked = await proxy('HTTP_PROXY', url);
  const path = join(folder(), 'a.zip');
  await download('http://corpus.invalid/a.zip', path, { ...quick, sha256 });
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(asked).toEqual(['http://corpus.invalid/a.zip', 'http://corpus.invalid/a.zip']);
  expect(ranges[1]).toMatch(/^bytes=[1-9]/);
});

it('goes past the proxy to where NO_PROXY says so', async () => {
  const { url } = await serve((q, r) => send(q, r));
  const asked = await proxy('http_proxy', url);
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  await download(url, join(folder(), 'a.zip'), { ...quick, sha256 });
  expect(asked).toEqual([]);
});

it('refuses a proxy whose address is none', async () => {
  vi.stubEnv('HTTPS_PROXY', 'proxy:what');
  onTestFinished(() => void vi.unstubAllEnvs());
  const failed = download('https://corpus.invalid/a.zip', join(folder(), 'a.zip'), quick);
  await expect(failed).rejects.toThrow(/HTTPS_PROXY: expected the address of a proxy, .* got proxy:what/);
});

it('says at once that there is no network', async () => {
  const failed = download('http://corpus.invalid/a.zip', join(folder(), 'a.zip'), { firstWait: 60 });
  await expect(failed).rejects.toThrow(
    /cannot download .*: got no way to corpus.invalid \(getaddrinfo \w+ corpus.invalid\). Connect to a network, or name its proxy/,
  );
});

it('says that nobody is there', async () => {
  const failed = download('http://127.0.0.1:1/a.zip', join(folder(), 'a.zip'), { ...quick, attempts: 2 });
  await expect(failed).rejects.toThrow(/cannot download .*no answer/);
});

it.skipIf(!existsSync('/dev/full'))('says that the disk is full (where there is /dev/full)', async () => {
  const { url } = await serve((q, r) => send(q, r));
  const path = join(folder(), 'a.zip');
  symlinkSync('/dev/full', `${path}.part`);
  await expect(download(url, path, quick)).rejects.toThrow(/cannot write .*: the disk is full/);
  expect(existsSync(path)).toBe(false);
});

it('does not begin what the disk cannot hold', async () => {
  const { url } = await serve((_, r) => r.writeHead(200, { 'content-length': 2 ** 52 }).write('a'));
  const where = folder();
  const failed = download(url, join(where, 'a.zip'), { ...quick, maxBytes: 2 ** 53 });
  await expect(failed).rejects.toThrow(/the disk is too full: expected \d+ MB free/);
  expect(readdirSync(where)).toEqual([]);
});

it('whatever the pieces, the file is whole in the end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 12 }),
      async (cuts) => {
        const { url } = await serve((q, r, visit) => send(q, r, cuts[visit - 1] ?? content.length));
        const path = join(folder(), 'a.zip');
        await download(url, path, { ...quick, attempts: 14 });
        return readFileSync(path).equals(content);
      },
    ),
    { numRuns: 15 },
  );
});
