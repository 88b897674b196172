// Property: the gradient, and x times it, are what central differences of the logits give.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { batchOf, byInterpreter, clipOf } from '../../test/support/against-twin.ts';
import { BRANCHES } from '../../test/support/blocks.ts';
import { twinOf } from '../../test/support/lrp-twin.ts';
import { graphOf, networks } from '../../test/support/networks.ts';
import { compile } from './compile.ts';
import { parseMethod } from './method.ts';

const H = 1e-5;

it.each([
  ['gradient', () => 1],
  ['input-x-gradient', (x: number) => x],
] as const)('%s by central differences', (text, times) => {
  const arbitrary = networks('real', BRANCHES);
  let compared = 0;
  const property = fc.property(arbitrary, (network) => {
    const twin = twinOf(network.nodes, network.dims);
    const batch = batchOf(network);
    const got = byInterpreter(compile(graphOf(network), { method: parseMethod(text) }), batch);
    const clip = clipOf(batch.data, 1, 2);
    const relevance = clipOf(got.relevance, 1, 2);
    const logit = (i: number, v: number) => {
      const moved = clip.with(i, clip[i] + v);
      return twin(moved, { method: { activation: 'gradient' }, start: 'one', target: 0 }).logits[
        batch.targets[1]
      ];
    };
    const scale = Math.max(...relevance.map(Math.abs), 1e-3);
    // A few inputs of each network; those beside a kink, where one-sided slopes differ, have no gradient to compare.
    for (let i = 0; i < clip.length; i += 7) {
      const [above, at, below] = [logit(i, H), logit(i, 0), logit(i, -H)];
      if (Math.abs(above - 2 * at + below) / H > 1e-3 * scale) continue;
      const expected = times(clip[i]) * ((above - below) / (2 * H));
      expect(Math.abs(relevance[i] - expected)).toBeLessThanOrEqual(1e-3 * scale);
      compared += 1;
    }
  });
  fc.assert(property, { numRuns: 15, seed: 7, endOnFailure: true });
  expect(compared).toBeGreaterThan(50);
});
