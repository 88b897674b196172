// Contract: recordings decode in Chromium to the samples that Node gets, to the last bit; M4A by the browser's own decoder.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio } from '../../src/audio/read.ts';
import { findChromium, NO_CHROMIUM } from '../support/chromium.ts';
import { bundle, serve } from './page.ts';

const folder = fileURLToPath(new URL('../golden/audio/', import.meta.url));
const names = readdirSync(folder).filter((name) => /\.(flac|oga|ogg|opus|mp3)$/.test(name));
const executablePath = findChromium();

describe('in Chromium', () => {
  if (!executablePath) {
    it.skip(`skipped: ${NO_CHROMIUM}`);
    return;
  }
  let pages: string;
  let server: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    pages = await bundle();
    server = await serve(pages);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
      waitUntil: 'networkidle',
    });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    if (pages) rmSync(dirname(pages), { recursive: true, force: true });
  });

  const decode = (bytes: Iterable<number>) =>
    page.evaluate<{ samples: number[]; sampleRate: number }>(
      `earmark.decodeInBrowser(Uint8Array.from(${JSON.stringify([...bytes])}), 'clip')
        .then(({ samples, sampleRate }) => ({ samples: [...samples], sampleRate }))`,
    );

  it.each(names)('%s', async (name) => {
    const here = await readAudio(folder + name);
    const there = await decode(readFileSync(folder + name));
    expect(there.sampleRate).toBe(here.sampleRate);
    expect(Float32Array.from(there.samples)).toEqual(here.samples);
  });

  it('M4A', async () => {
    const { samples, sampleRate } = await decode(readFileSync(`${folder}aac.m4a`));
    expect(sampleRate).toBe(48000);
    expect(samples.length / sampleRate).toBeGreaterThan(0.11);
    expect(samples.length / sampleRate).toBeLessThan(0.2);
    // A sine of amplitude 0.3 and one of 0.21, one radian behind: the power of their mean.
    const energy = samples.reduce((sum, s) => sum + s * s, 0) / sampleRate;
    const power = (0.3 ** 2 + 0.21 ** 2 + 2 * 0.3 * 0.21 * Math.cos(1)) / 8;
    expect(Math.abs(10 * Math.log10(energy / (0.12 * power)))).toBeLessThan(0.5);
  });

  it('what the browser cannot decode either is refused by name', async () => {
    await expect(decode(new TextEncoder().encode('FORM\0\0\0\0AIFF, and no more'))).rejects.toThrow(
      /got an AIFF file/,
    );
  });
});
