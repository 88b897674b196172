// Property: relevance per unit of the input, times the input, is relevance; ledger and layers are as without it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf } from '../../test/support/against-twin.ts';
import { BRANCHES } from '../../test/support/blocks.ts';
import { graphOf, networks } from '../../test/support/networks.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { array64, interpret } from '../graph/interpret.ts';
import { type Graph, int64s, tensor } from '../graph/types.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { type CompileOptions, compile } from './compile.ts';
import { Explainer } from './explainer.ts';
import { parseMethod } from './method.ts';

interface Clips {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

function run(model: Graph, { dims, data }: Clips, options: CompileOptions) {
  const explanation = compile(model, options);
  const got = interpret(explanation.graph, {
    [explanation.input.name]: array64(data, [...dims]),
    [explanation.target]: array64(new Array(dims[0]).fill(0), undefined, 'int64'),
  });
  return { explanation, of: (name: string) => Array.from(got[name].data) };
}

/** To 1e-10 of the largest: terms may be added in another order. */
function expectSame(got: readonly number[], expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  const bound = 1e-10 * expected.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-300);
  for (const [i, v] of expected.entries()) expect(Math.abs(got[i] - v)).toBeLessThanOrEqual(bound);
}

const METHODS = ['epsilon', 'lrp-0', 'zplus', 'alpha2-beta1', 'gamma', 'epsilon-plus', 'input-x-gradient'];

it.each(METHODS)('%s: input times relevance per unit', (text) => {
  const method = parseMethod(text);
  let proportional = 0;
  fc.assert(
    fc.property(networks('real', BRANCHES), (network) => {
      const model = graphOf(network);
      const clips = batchOf(network);
      const plain = run(model, clips, { method, ledger: 'auto' });
      const got = run(model, clips, { method, ledger: 'auto', perUnit: true });
      const { perUnit, relevance, ledger } = got.explanation;
      expectSame(got.of(relevance), plain.of(plain.explanation.relevance));
      if (ledger && plain.explanation.ledger) {
        expectSame(got.of(ledger.name), plain.of(plain.explanation.ledger.name));
      }
      if (perUnit === undefined) return;
      proportional++;
      const rho = got.of(perUnit);
      expect(got.explanation.graph.outputs.find(({ name }) => name === perUnit)?.shape).toEqual(
        got.explanation.input.shape,
      );
      expectSame(
        rho.map((v, i) => v * clips.data[i]),
        got.of(relevance),
      );
    }),
    { numRuns: 25, seed: 4 },
  );
  expect(proportional).toBeGreaterThan(2);
});

/** A waveform [N, 6] through a convolution and a dense layer. */
function waveform(): Graph {
  const g = new GraphBuilder();
  const x = g.emit('Unsqueeze', [g.input('x', 'float32', ['N', 6]), int64s([1])]);
  const z = g.relu(g.emit('Conv', [x, tensor([1, -0.5, 0.25, 0.5, 1, -1], [2, 1, 3])]));
  g.output(
    g.emit('Gemm', [
      g.emit('Flatten', [z]),
      tensor(
        Array.from({ length: 16 }, (_, i) => Math.sin(i)),
        [8, 2],
      ),
    ]),
  );
  return g.build('waveform');
}
const clip: Clips = { dims: [1, 6], data: Float32Array.of(0, 1, -1, 0, 0.5, 2) };

it('of a linear model is its weights, where the input is 0, too', () => {
  const g = new GraphBuilder();
  g.output(g.emit('Gemm', [g.input('x', 'float32', ['N', 3]), tensor([1, 4, -2, 5, 3, 6], [3, 2])]));
  const data = Float32Array.of(0, 0.5, 2);
  const { of, explanation } = run(
    g.build('linear'),
    { dims: [1, 3], data },
    {
      method: parseMethod('lrp-0'),
      perUnit: true,
    },
  );
  for (const [i, w] of [1, -2, 3].entries()) expect(of(explanation.perUnit as string)[i]).toBeCloseTo(w, 12);
});

it('leaves relevance at the layers as it is', () => {
  const options = { method: parseMethod('epsilon'), layers: true };
  const [plain, got] = [run(waveform(), clip, options), run(waveform(), clip, { ...options, perUnit: true })];
  expect(got.explanation.layers?.map((l) => l.node)).toEqual(plain.explanation.layers?.map((l) => l.node));
  for (const [i, layer] of (got.explanation.layers ?? []).entries()) {
    expectSame(got.of(layer.name), plain.of(plain.explanation.layers?.[i].name as string));
  }
});

describe('there is none', () => {
  it.each(['epsilon-plus-flat', 'wsquare', 'zbox:low=-1,high=1', 'gradient'])('of %s', (text) => {
    const { explanation } = run(waveform(), clip, { method: parseMethod(text), perUnit: true });
    expect(explanation.perUnit).toBeUndefined();
  });

  it('where an activation comes first, or unless asked for', () => {
    const g = new GraphBuilder();
    g.output(g.emit('Gemm', [g.relu(g.input('x', 'float32', ['N', 2])), tensor([1, 2, 3, 4], [2, 2])]));
    const method = parseMethod('epsilon');
    expect(compile(g.build('relu'), { method, perUnit: true }).perUnit).toBeUndefined();
    expect(compile(waveform(), { method }).perUnit).toBeUndefined();
  });
});

it('comes out of an explainer, batch by batch', async () => {
  const explainer = await Explainer.open(nodeRuntime, waveform(), {
    method: parseMethod('epsilon-plus'),
    perUnit: true,
    batch: 2,
  });
  const data = Float32Array.from({ length: 18 }, (_, i) => Math.cos(i));
  const { relevance, perUnit } = await explainer.explain(data, [3, 6]);
  await explainer.release();
  expect(perUnit).toHaveLength(18);
  for (const [i, r] of relevance.entries()) expect(data[i] * (perUnit as Float32Array)[i]).toBeCloseTo(r, 6);
});

it('is not asked of loops', async () => {
  const method = parseMethod('smoothgrad');
  const explainer = await Explainer.open(nodeRuntime, waveform(), { method, perUnit: true });
  expect((await explainer.explain(clip.data, [1, 6])).perUnit).toBeUndefined();
  await explainer.release();
});
