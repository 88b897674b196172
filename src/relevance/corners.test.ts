// Corners where zeros, ties and dead units decide: the compiled graph against the slow twin, for every method.
import { describe, expect, it } from 'vitest';
import { type Batch, byInterpreter, expectTwin, type Setting } from '../../test/support/against-twin.ts';
import type { TwinLayer } from '../../test/support/lrp-twin.ts';
import { CONSERVING, NOT_CONSERVING } from '../../test/support/methods.ts';
import { graphOf, type MadeNetwork } from '../../test/support/networks.ts';
import { array64, interpret } from '../graph/interpret.ts';
import { compile } from './compile.ts';
import { parseMethod } from './method.ts';

const SETTINGS: readonly Setting[] = [
  ...CONSERVING.map(([text, twin]) => ({ method: parseMethod(text), twin, start: 'one' as const })),
  ...NOT_CONSERVING.filter(([text]) => text === 'excitation-backprop').map(([text, twin]) => ({
    method: parseMethod(text),
    twin,
    start: 'one' as const,
  })),
];

describe('corners', () => {
  const one = (layers: readonly TwinLayer[], dims: readonly number[], x: readonly number[]) => {
    const classes = (layers.at(-1) as Extract<TwinLayer, { kind: 'dense' }>).units;
    const nodes = layers.map((layer, i) => ({ name: `${layer.kind}_${i}`, layer, inputs: [i] }));
    const network: MadeNetwork = { nodes, dims, classes, clip: () => [...x] };
    const batch: Batch = { dims: [1, ...dims], data: Float32Array.from(x), targets: [0], others: [0] };
    return { network, batch };
  };
  const setting = (text: string): Setting => {
    const twin = CONSERVING.find(([name]) => name === text)?.[1];
    if (!twin) throw new Error(`the table has no ${text}`);
    return { method: parseMethod(text), twin, start: 'one' };
  };
  const conv = (weight: number[], dims: number[], bias?: number[]): TwinLayer => ({
    kind: 'conv',
    dims,
    weight,
    bias,
    strides: [1, 1],
    dilations: [1, 1],
    begin: [1, 1],
    end: [1, 1],
    group: 1,
  });
  const alternating = (count: number) => Array.from({ length: count }, (_, i) => ((i % 3) - 1) / 2);
  /** Convolution, ReLU, overlapping or tiling max pooling, dense: where ties and dead units matter. */
  const pooled = (bias: number, stride: number, other: number = bias): TwinLayer[] => [
    conv(alternating(18), [2, 1, 3, 3], [bias, other]),
    { kind: 'activation', op: 'Relu' },
    { kind: 'maxpool', kernel: [2, 2], strides: [stride, stride], begin: [0, 0], end: [0, 0] },
    { kind: 'flatten' },
    { kind: 'dense', units: 2, weight: alternating(2 * 2 * (stride === 1 ? 9 : 4)), bias: [0.5, -0.5] },
  ];
  const every = SETTINGS.map((s) => [`${s.method.name}, start ${s.start}`, s] as const);

  describe.each(every)('%s', (_, given) => {
    it.each([
      ['a field of equals', 0, new Array(16).fill(1)],
      ['silence', 0, new Array(16).fill(0)],
      ['silence under a bias', 0.25, new Array(16).fill(0)],
      ['nothing but dead units', -100, alternating(16)],
      ['some ties', 0.25, Array.from({ length: 16 }, (_, i) => Math.floor(i / 3) % 2)],
    ])('%s', async (_, bias, x) => {
      for (const stride of [1, 2]) {
        const { network, batch } = one(pooled(bias, stride), [1, 4, 4], x);
        await expectTwin(network, given, batch);
      }
    });
  });

  it('a tie goes to the first in row-major order, whichever way pooling is compiled', () => {
    for (const stride of [1, 2]) {
      const layers: TwinLayer[] = [
        { kind: 'maxpool', kernel: [2, 2], strides: [stride, stride], begin: [0, 0], end: [0, 0] },
        { kind: 'flatten' },
        { kind: 'dense', units: 2, weight: [1, 0] },
      ];
      const { network, batch } = one(layers, [1, 2, 2], [3, 3, 3, 3]);
      const explanation = compile(graphOf(network), { method: parseMethod('epsilon'), ledger: true });
      expect(Array.from(byInterpreter(explanation, batch).relevance.map(Math.round))).toEqual([3, 0, 0, 0]);
    }
  });

  it('z of exactly 0: gamma drops its relevance, epsilon divides by the stabilizer', () => {
    const { network, batch } = one([{ kind: 'dense', units: 2, weight: [1, -1, 0, 0] }], [2], [1, 1]);
    const answerOf = (name: string) =>
      byInterpreter(
        compile(graphOf(network), { method: parseMethod(name), start: 'one', ledger: true }),
        batch,
      );
    const gamma = answerOf('gamma');
    expect(Array.from(gamma.relevance)).toEqual([0, 0]);
    expect(gamma.ledger?.layers.find((row) => row.rule === 'gamma')?.dropped).toEqual([1]);
    expect(Array.from(answerOf('epsilon').relevance)).toEqual([1 / 1e-6, -1 / 1e-6]);
  });

  // z = −1 + 2 = 1 is positive by its bias; without it the pool for z > 0 is negative, and its sign decides s(z).
  it('gamma asks the layer itself, bias included, for the sign of z', async () => {
    const layers: TwinLayer[] = [{ kind: 'dense', units: 2, weight: [-1, 1], bias: [2, 0] }];
    const { network, batch } = one(layers, [1], [1]);
    const explanation = compile(graphOf(network), {
      method: parseMethod('gamma:bias=ignore'),
      start: 'one',
      ledger: true,
    });
    expect(byInterpreter(explanation, batch).relevance[0]).toBeCloseTo(1 / (1 + 1e-6), 12);
    await expectTwin(network, setting('gamma:bias=ignore'), batch);
  });

  it('LRP-0 passes dead units by', async () => {
    const { network, batch } = one(pooled(5, 2, -100), [1, 4, 4], alternating(16));
    await expectTwin(network, setting('lrp-0'), batch);
  });

  it('the graph without a ledger gives the same relevance', () => {
    const { network, batch } = one(pooled(0.25, 2), [1, 4, 4], alternating(16));
    const [without, withLedger] = [false, true].map((ledger) => {
      const { graph, input, target, relevance } = compile(graphOf(network), {
        method: parseMethod('gamma'),
        start: 'one',
        ledger,
      });
      const feeds = {
        [input.name]: array64(batch.data, batch.dims),
        [target]: array64(batch.targets, [1], 'int64'),
      };
      return interpret(graph, feeds)[relevance].data;
    });
    expect(without).toEqual(withLedger);
  });
});
