// Contract: recordings decode in Chromium to the samples that Node gets, to the last bit, in a worker that can be ended.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { readAudio } from '../../src/audio/read.ts';
import { describeInChromium } from '../support/page.ts';

const folder = fileURLToPath(new URL('../golden/audio/', import.meta.url));
const names = readdirSync(folder).filter((name) => /\.(wav|flac|oga|ogg|opus|mp3)$/.test(name));

/** What a page tells of decoding. */
interface Decoded {
  samples: number[];
  sampleRate: number;
}

const decode = (page: Page, bytes: Iterable<number>, options = {}) =>
  page.evaluate<Decoded>(
    `earmark.decodeInBrowser(Uint8Array.from(${JSON.stringify([...bytes])}), 'clip', ${JSON.stringify(options)})
      .then(({ samples, sampleRate }) => ({ samples: [...samples], sampleRate }))`,
  );

async function expectAsInNode(page: Page, name: string): Promise<void> {
  const here = await readAudio(folder + name);
  const there = await decode(page, readFileSync(folder + name));
  expect(there.sampleRate).toBe(here.sampleRate);
  expect(Float32Array.from(there.samples)).toEqual(here.samples);
}

/**
 * Decodes 13 minutes of MP3 in a page, the frames of a file over and over, which takes seconds.
 *
 * @returns the error that ends it, and how often the page got a turn meanwhile
 */
const endedAfterLong = (page: Page, maxSeconds: number) =>
  page.evaluate<{ ended: string; turns: number }>(`(async () => {
    const frames = Uint8Array.from(${JSON.stringify([...readFileSync(`${folder}mpeg-1.mp3`)])});
    const long = new Uint8Array(2e7).map((_, i) => frames[i % frames.length]);
    let turns = 0;
    const clock = setInterval(() => turns++, 10);
    const ended = await earmark.decodeInBrowser(long, 'long.mp3', { maxSeconds: ${maxSeconds} }).catch(
      (error) => error instanceof earmark.AudioError && error.message);
    clearInterval(clock);
    return { ended, turns };
  })()`);

describeInChromium((chromium) => {
  let page: Page;
  beforeAll(async () => {
    page = await chromium.open();
  });

  it.each(names)('%s', async (name) => {
    await expectAsInNode(page, name);
    expect(page.workers()).toHaveLength(1);
  });

  it('M4A', async () => {
    const { samples, sampleRate } = await decode(page, readFileSync(`${folder}aac.m4a`));
    expect(sampleRate).toBe(48000);
    expect(samples.length / sampleRate).toBeGreaterThan(0.11);
    expect(samples.length / sampleRate).toBeLessThan(0.2);
    // A sine of amplitude 0.3 and one of 0.21, one radian behind: the power of their mean.
    const energy = samples.reduce((sum, s) => sum + s * s, 0) / sampleRate;
    const power = (0.3 ** 2 + 0.21 ** 2 + 2 * 0.3 * 0.21 * Math.cos(1)) / 8;
    expect(Math.abs(10 * Math.log10(energy / (0.12 * power)))).toBeLessThan(0.5);
  });

  it('what the browser cannot decode either is refused by name', async () => {
    await expect(decode(page, new TextEncoder().encode('FORM\0\0\0\0AIFF, and no more'))).rejects.toThrow(
      /clip: .* got an AIFF file/,
    );
  });

  it('a decoder that takes too long is ended, and the page answers meanwhile', async () => {
    const { ended, turns } = await endedAfterLong(page, 0.5);
    expect(ended).toBe(
      'long.mp3: the recording cannot be decoded: got a decoder that takes longer than 0.5 s',
    );
    expect(turns).toBeGreaterThan(10);
    // Chromium gives a worker some seconds to end by itself.
    await expect.poll(() => page.workers().length, { timeout: 20_000 }).toBe(0);
    await expectAsInNode(page, 'fixed.flac');
    expect(page.workers()).toHaveLength(1);
  });

  it('the worker can be a script of its own', async () => {
    const other = await chromium.open();
    await other.evaluate("earmark.decodeWorkerAt('decoder.js')");
    await expectAsInNode(other, 'mpeg-1.mp3');
    expect(other.workers().map((worker) => worker.url())).toEqual([`${chromium.origin}decoder.js`]);
  });

  it.each([
    ['the policy forbids it', 'no-workers/', '.'],
    ['its script is not there', '', "earmark.decodeWorkerAt('missing.js')"],
  ])('without a worker, as %s, the calling thread decodes', async (_, path, first) => {
    const other = await chromium.open(path);
    if (first !== '.') await other.evaluate(first);
    await expectAsInNode(other, 'mpeg-1.mp3');
    expect(other.workers()).toHaveLength(0);
  });
});
