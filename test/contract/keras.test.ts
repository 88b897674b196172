// Contract: a page in Chromium imports what Keras saved as Node does, and fetches nothing from elsewhere.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type * as Earmark from '../../src/browser.ts';
import * as earmark from '../../src/index.ts';
import { describeInChromium } from '../support/page.ts';

/** It runs here and, as text, in the page. */
async function imported(api: Pick<typeof Earmark, 'importKeras' | 'encodeOnnx'>, bytes: number[]) {
  const { graph, layers, parameters } = await api.importKeras(Uint8Array.from(bytes));
  const refused = await api
    .importKeras(Uint8Array.from(bytes.slice(0, 500)))
    .catch((error: Error) => error.message);
  return { onnx: Array.from(api.encodeOnnx(graph)), layers, parameters, refused };
}

describeInChromium((chromium) => {
  it.each(['notebook.3.15.keras', 'nested.2.15.h5'])('%s', async (file) => {
    const bytes = [...readFileSync(new URL(`../golden/keras/${file}`, import.meta.url))];
    const complaints: string[] = [];
    const requests: string[] = [];
    const page = await chromium.open('', (opened) => {
      opened.on('request', (request) => requests.push(request.url()));
      opened.on('pageerror', (error) => complaints.push(error.message));
    });
    const there = await page.evaluate<unknown>(`(${imported})(earmark, ${JSON.stringify(bytes)})`);
    await page.close();
    expect(there).toEqual(await imported(earmark, bytes));
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(chromium.origin) && !/^(data|blob):/.test(url))).toEqual(
      [],
    );
  });
});
