// Contract: a bundled page in Chromium explains a recording as Node does, and fetches nothing from elsewhere.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type * as Earmark from '../../src/browser.ts';
import * as earmark from '../../src/index.ts';
import { untrainedModel } from '../support/earmark.ts';
import { describeInChromium } from '../support/page.ts';

interface Job {
  wav: number[];
  model: number[];
  method: string;
}

/** The whole way from bytes to a figure; it runs here and, as text, in the page. */
async function explain(
  api: Pick<typeof Earmark, keyof typeof Earmark & keyof typeof earmark>,
  runtime: Earmark.Runtime,
  { wav, model: bytes, method }: Job,
) {
  const model = api.decodeModel(Uint8Array.from(bytes), 'model.onnx');
  const { sampleRate } = model.features;
  const audio = await api.resample(api.decodeWav(Uint8Array.from(wav), 'clip.wav'), sampleRate);
  const features = api.modelInput(audio.samples, model.features);
  const { rows, columns, data } = features;
  const explainer = await api.Explainer.open(runtime, model.graph, {
    method: api.parseMethod(method),
    ledger: true,
  });
  const input = Float32Array.from(data);
  const explained = await explainer.explain(input, [1, 1, rows, columns]);
  await explainer.release();
  const { svg } = api.explanationFigure({
    title: 'clip',
    features,
    featureLabel: 'level',
    times: api.frameTimes(model.features),
    frequencies: api.binFrequencies(model.features),
    relevance: { rows, columns, data: explained.relevance },
  });
  return {
    features: Array.from(data),
    logits: Array.from(explained.logits),
    relevance: Array.from(explained.relevance),
    start: explained.ledger?.start ?? [],
    portable: api.encodeOnnx(explainer.explanation.graph).length,
    svg,
  };
}

const largest = (values: readonly number[]) => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

function expectClose(got: readonly number[], exact: readonly number[], bound: number): void {
  expect(got.length).toBe(exact.length);
  expect(largest(got.map((v, i) => v - exact[i])) / largest(exact)).toBeLessThanOrEqual(bound);
}

describeInChromium((chromium) => {
  it.for([
    ['a page', '', 'epsilon:epsilon=0.25', 0, 'cpu'],
    ['a cross-origin isolated page', 'isolated/', 'epsilon-plus-flat', 0, 'cpu'],
    ['a cross-origin isolated page in two threads', 'isolated/', 'epsilon-plus-flat', 1, 'cpu'],
    ['a page through WebGPU', '', 'epsilon-plus-flat', 0, 'webgpu'],
  ] as const)('%s gives what Node gives', async ([_, path, method, workers, device], { skip }) => {
    const [clip] = (await earmark.loadEmbedded()).clips;
    const job: Job = {
      wav: [...readFileSync(clip.path)],
      model: [...earmark.encodeModel(untrainedModel())],
      method,
    };
    const here = await explain(earmark, earmark.nodeRuntime, job);

    const requests: string[] = [];
    const complaints: string[] = [];
    const page = await chromium.open(path, (opened) => {
      opened.on('request', (request) => requests.push(request.url()));
      opened.on('pageerror', (error) => complaints.push(error.message));
    });
    const { origin } = chromium;
    if (workers > 0) await page.evaluate("earmark.wasmAt('runtime/')");
    const note = await page.evaluate<string | undefined>(`(async () => {
      let note;
      const runtime = await earmark.openRuntime('${device}', (line) => { note = line; });
      globalThis.runtime = { ...runtime, open: (graph) => runtime.open(graph, { threads: 2 }) };
      return note;
    })()`);
    if (note !== undefined) {
      await page.close();
      skip(note);
    }
    const there = await page.evaluate<typeof here>(`(${explain})(earmark, runtime, ${JSON.stringify(job)})`);
    const drawn = await page.evaluate(
      (svg) => new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement.tagName,
      there.svg,
    );
    const isolated = await page.evaluate(() => crossOriginIsolated);
    const threads = page.workers().length;
    await page.close();

    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(origin) && !/^(data|blob):/.test(url))).toEqual([]);
    expect(requests.some((url) => url.endsWith('.wasm'))).toBe(true);
    expectClose(there.features, here.features, 1e-6);
    expectClose(there.logits, here.logits, 1e-5);
    expectClose(there.relevance, here.relevance, 1e-5);
    expectClose(there.start, here.start, 1e-5);
    expect(there.portable).toBe(here.portable);
    expect(drawn).toBe('svg');
    expect(isolated).toBe(path !== '');
    expect(threads).toBe(workers);
  });
});
