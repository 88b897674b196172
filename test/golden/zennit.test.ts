// Golden: random networks by every rule and composite of zennit 0.5.1 in float64 (tools/golden/relevance.py).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import { arraysOf, boundOf, explained, largestDifference } from '../support/golden.ts';

const folder = new URL('zennit/', import.meta.url);
/** How far zennit's own float32 is from its float64, over the largest, by network and method. */
const deviations: Readonly<Record<string, Readonly<Record<string, number>>>> = JSON.parse(
  readFileSync(new URL('deviations.json', folder), 'utf8'),
);

describe.each(Object.entries(deviations))('%s', (name, methods) => {
  const model = decodeOnnx(new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder))), name);
  const expected = arraysOf(new URL(`${name}.npz`, folder));

  it.each(Object.entries(methods))('%s', async (method, deviation) => {
    const { logits, relevance } = await explained(model, method, expected.input);
    expect(largestDifference(logits, expected.logits.data)).toBeLessThan(1e-5);
    expect(largestDifference(relevance, expected[method].data)).toBeLessThanOrEqual(boundOf(deviation));
  });
});
