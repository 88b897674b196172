// A page that bundles the library as an application would, served from this machine and opened in Chromium.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { findChromium, NO_CHROMIUM } from './chromium.ts';

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
/** Where there is no GPU, Chromium computes WebGPU's shaders by itself. */
const GPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];
/** All that a page with Earmark needs to be allowed. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const NO_WORKERS = `${POLICY}; worker-src 'none'`;
const require = createRequire(import.meta.url);

/** The page in Chromium, once for all tests of a `describe`. */
export class InChromium {
  #folder = '';
  #server!: Server;
  #browser!: Browser;

  /** Where the page is served. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async start(executablePath: string): Promise<void> {
    this.#folder = await bundle();
    this.#server = await serve(this.#folder);
    this.#browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...GPU] });
  }

  /** Opens the page, as `earmark` in its global scope. @param path `isolated/`: cross-origin isolated; `no-workers/`: they are forbidden */
  async open(path = '', before: (page: Page) => unknown = () => {}): Promise<Page> {
    const page = await this.#browser.newPage();
    await before(page);
    await page.goto(this.origin + path, { waitUntil: 'networkidle' });
    return page;
  }

  async end(): Promise<void> {
    await this.#browser?.close();
    this.#server?.close();
    if (this.#folder) rmSync(dirname(this.#folder), { recursive: true, force: true });
  }
}

/** A `describe` that needs Chromium; where there is none its body is not run, and a skipped test says why. */
export function describeInChromium(body: (page: InChromium) => void): void {
  describe('in Chromium', () => {
    const executablePath = findChromium();
    if (!executablePath) {
      it.skip(`skipped: ${NO_CHROMIUM}`);
      return;
    }
    const page = new InChromium();
    beforeAll(() => page.start(executablePath));
    afterAll(() => page.end());
    body(page);
  });
}

/**
 * Bundles a page that holds the built package as `earmark`; the runtime's own files lie in runtime/, the worker that
 * decodes, as an entry of its own, is decoder.js. @returns its folder
 */
async function bundle(): Promise<string> {
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
    build: {
      target: 'es2022',
      rolldownOptions: {
        input: { page: join(root, 'index.html'), decoder: require.resolve('earmark/decode-worker') },
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  const dist = join(root, 'dist');
  const runtime = dirname(require.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'));
  for (const name of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
    cpSync(join(runtime, name), join(dist, 'runtime', name));
  }
  return dist;
}

/** Serves a folder on this machine only. */
async function serve(folder: string): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const path = normalize(new URL(url, 'http://localhost').pathname);
    const headers = path.startsWith('/isolated/') ? ISOLATED : {};
    const type = TYPES[extname(path)] ?? TYPES['.html'];
    const policy = path.startsWith('/no-workers/') ? NO_WORKERS : POLICY;
    const file = join(folder, path.replace(/^\/(isolated|no-workers)/, '').replace(/\/$/, '/index.html'));
    try {
      const body = readFileSync(file);
      response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': policy, ...headers });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
