// A page that bundles the library as an application would, served from this machine.
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { build } from 'vite';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
/** What lets a page have shared memory, and so threads. */
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
/** All that a page with Earmark needs to be allowed. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const require = createRequire(import.meta.url);

/** Bundles a page that holds the built package as `earmark`; the runtime's own files lie in runtime/. @returns its folder */
export async function bundle(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'earmark-page-'));
  writeFileSync(join(root, 'index.html'), '<!doctype html><script type="module" src="./page.js"></script>');
  writeFileSync(
    join(root, 'page.js'),
    "import * as earmark from 'earmark/browser'; globalThis.earmark = earmark;",
  );
  const entry = require.resolve('earmark/browser');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { 'earmark/browser': entry } },
    base: './',
    build: { target: 'es2022' },
  });
  const dist = join(root, 'dist');
  const runtime = dirname(require.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
  for (const name of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
    cpSync(join(runtime, name), join(dist, 'runtime', name));
  }
  return dist;
}

/** Serves a folder on this machine only; pages below /isolated/ are cross-origin isolated. */
export async function serve(folder: string): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    const headers = path.startsWith('/isolated/') ? ISOLATED : {};
    const type = TYPES[extname(path)] ?? TYPES['.html'];
    const file = join(folder, path.replace(/^\/isolated/, '').replace(/\/$/, '/index.html'));
    try {
      const body = readFileSync(file);
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': POLICY, ...headers });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
