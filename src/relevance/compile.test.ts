// Oracle and property: random networks explained by the compiled graph and, in matrix form, by the slow twin; the ledger closes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  explainByTwin,
  sloppyFloat32,
  type TwinEntry,
  type TwinLayer,
  type TwinResult,
} from '../../test/support/lrp-twin.ts';
import { graphOf, type MadeNetwork, type Numbers, networks } from '../../test/support/networks.ts';
import { GraphError, ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { array64, interpret } from '../graph/interpret.ts';
import type { Graph } from '../graph/types.ts';
import { tensor } from '../graph/types.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { float32, int64 } from '../runtime/runtime.ts';
import { compile, type Explanation } from './compile.ts';
import { type Ledger, readLedger } from './ledger.ts';
import { parseMethod } from './method.ts';

const METHODS = [
  'epsilon',
  'epsilon:epsilon=0.25',
  'zplus',
  'alpha2-beta1',
  'gamma',
  'gamma:gamma=2,stabilizer=0.01',
  'flat',
  'epsilon-plus',
  'epsilon-plus-flat',
];

/** Every method with the bias taking its share and not, from the logit and from one. */
const SETTINGS = METHODS.flatMap((name) =>
  ['', name.includes(':') ? ',bias=ignore' : ':bias=ignore'].flatMap((bias) =>
    (['logit', 'one'] as const).map((start) => ({ method: parseMethod(name + bias), start })),
  ),
);
type Setting = (typeof SETTINGS)[number];
/** Of each network, some: all of them are covered many times over the networks. */
const some = fc.shuffledSubarray(SETTINGS, { minLength: 6, maxLength: 6 });

/** Relevance and ledger of a batch of clips, as one compiled graph gave them. */
interface Answer {
  readonly logits: Float64Array;
  readonly relevance: Float64Array;
  readonly ledger: Ledger;
}

interface Batch {
  readonly dims: readonly number[];
  readonly data: Float32Array;
  readonly targets: readonly number[];
}

function batchOf(network: MadeNetwork): Batch {
  const clips = [network.clip(1), network.clip(2)];
  return {
    dims: [clips.length, ...network.dims],
    data: Float32Array.from(clips.flat()),
    targets: [-1, network.classes - 1],
  };
}

function byInterpreter(explanation: Explanation, { dims, data, targets }: Batch): Answer {
  const got = interpret(explanation.graph, {
    [explanation.input.name]: array64(data, dims),
    [explanation.target]: array64(targets, undefined, 'int64'),
  });
  return answer(explanation, (name) => got[name].data, dims[0]);
}

async function byRuntime(explanation: Explanation, { dims, data, targets }: Batch): Promise<Answer> {
  const session = await nodeRuntime.open(explanation.graph, { threads: 1 });
  const got = await session.run({
    [explanation.input.name]: float32(data, dims),
    [explanation.target]: int64(targets),
  });
  await session.release();
  return answer(explanation, (name) => Float64Array.from(got[name].data as Float32Array), dims[0]);
}

function answer(
  { logits, relevance, ledger }: Explanation,
  read: (name: string) => Float64Array,
  count: number,
): Answer {
  const { name, rows } = ledger as NonNullable<typeof ledger>;
  return { logits: read(logits), relevance: read(relevance), ledger: readLedger(rows, read(name), count) };
}

const largest = (v: readonly number[]) => v.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
/** Largest difference over the largest value. */
const difference = (got: readonly number[], expected: readonly number[]) =>
  largest(expected.map((v, i) => got[i] - v)) / (largest(expected) || 1);
const magnitude = (v: readonly number[]) => v.reduce((sum, x) => sum + Math.abs(x), 0);
const clipOf = (v: ArrayLike<number>, n: number, count: number) =>
  Array.from(v).slice((n * v.length) / count, ((n + 1) * v.length) / count);

/** Rules with a formula, in a ledger's rows as in the twin's. */
const FORMULA = /^(Conv|Gemm|BatchNormalization|AveragePool|GlobalAveragePool)$/;

/** The ledger's entries are the twin's, each from its own formula. */
function expectEntries(ledger: Ledger, n: number, twin: TwinResult, bound: number): void {
  const rows = ledger.layers.filter((row) => FORMULA.test(row.op));
  expect(rows.map((row) => row.op)).toHaveLength(twin.ledger.length);
  rows.forEach((row, i) => {
    const scale = Math.max(row.magnitude[n], Math.abs(ledger.start[n]), magnitude(twin.relevance));
    for (const [name, value] of Object.entries(twin.ledger[i]) as [keyof TwinEntry, number][]) {
      expect(Math.abs(row[name][n] - value), `${row.node}: ${name}`).toBeLessThanOrEqual(bound * scale);
    }
  });
}

/**
 * What came in went on or was absorbed, at each node and over the graph. Σ|R| at a node counts what it passes on too:
 * where z is a small difference of large terms, R/s(z) makes that far larger than what came, and its sum no exacter.
 */
function expectClosed({ ledger, relevance }: Answer, n: number, count: number, bound: number): void {
  const start = Math.abs(ledger.start[n]);
  const received = clipOf(relevance, n, count);
  const magnitudes = [...ledger.layers.map((row) => row.magnitude[n]), magnitude(received)];
  let absorbed = 0;
  ledger.layers.forEach((row, i) => {
    const taken = row.bias[n] + row.stabilizer[n] + row.dropped[n];
    const scale = Math.max(start, magnitudes[i], magnitudes[i + 1]);
    expect(Math.abs(row.out[n] - row.in[n] - taken), row.node).toBeLessThanOrEqual(bound * scale);
    absorbed += taken;
  });
  const total = received.reduce((a, b) => a + b, 0);
  const scale = Math.max(start, ...magnitudes);
  expect(Math.abs(ledger.start[n] - total - absorbed)).toBeLessThanOrEqual(bound * scale);
}

/** Compiles, runs twice, and holds both against the twin. */
async function expectTwin(network: MadeNetwork, setting: Setting, batch = batchOf(network)): Promise<void> {
  const explanation = compile(graphOf(network), { ...setting, ledger: true });
  const slow = byInterpreter(explanation, batch);
  const fast = await byRuntime(explanation, batch);
  const [count] = batch.dims;
  batch.targets.forEach((target, n) => {
    const clip = clipOf(batch.data, n, count);
    const twinOf = (seed?: number) => {
      const rounding = seed === undefined ? undefined : sloppyFloat32(seed);
      return explainByTwin(network.layers, network.dims, clip, { ...setting, target }, rounding);
    };
    const twin = twinOf();
    const name = `${setting.method.name}, start ${setting.start}, clip ${n}`;
    expect(difference(clipOf(slow.logits, n, count), twin.logits), name).toBeLessThanOrEqual(1e-12);
    expect(difference(clipOf(slow.relevance, n, count), twin.relevance), name).toBeLessThanOrEqual(1e-9);
    expectEntries(slow.ledger, n, twin, 1e-9);
    expectClosed(slow, n, count, 1e-9);
    const single = difference(clipOf(fast.relevance, n, count), twin.relevance);
    // Where z is a small difference of large terms, float32 itself is further away: how far, the twin says.
    const float32s = single <= 1e-5 ? [] : [1, 2, 3, 4].map(twinOf);
    const own = Math.max(0, ...float32s.map((t) => difference(t.relevance, twin.relevance)));
    expect(single, name).toBeLessThanOrEqual(Math.max(1e-5, 3 * own));
    expectClosed(fast, n, count, 1e-5);
  });
}

describe.each<[Numbers, number]>([
  ['real', 24],
  ['quarters', 24],
])('networks of %s numbers', (numbers, numRuns) => {
  it('agree with the twin, and their ledgers with its and with themselves', async () => {
    await fc.assert(
      fc.asyncProperty(networks(numbers), some, async (network, settings) => {
        for (const setting of settings) await expectTwin(network, setting);
      }),
      { numRuns, seed: 20, endOnFailure: true },
    );
  }, 180_000);
});

describe('corners', () => {
  const one = (layers: readonly TwinLayer[], dims: readonly number[], x: readonly number[]) => {
    const classes = (layers.at(-1) as Extract<TwinLayer, { kind: 'dense' }>).units;
    const network: MadeNetwork = { layers, dims, classes, clip: () => [...x] };
    return { network, batch: { dims: [1, ...dims], data: Float32Array.from(x), targets: [0] } };
  };
  const setting = (name: string, start: Setting['start'] = 'one') => ({ method: parseMethod(name), start });
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
    { kind: 'relu' },
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
      const explanation = compile(graphOf(network), { ...setting('epsilon', 'logit'), ledger: true });
      expect(Array.from(byInterpreter(explanation, batch).relevance.map(Math.round))).toEqual([3, 0, 0, 0]);
    }
  });

  it('z of exactly 0: gamma drops its relevance, epsilon divides by the stabilizer', () => {
    const { network, batch } = one([{ kind: 'dense', units: 2, weight: [1, -1, 0, 0] }], [2], [1, 1]);
    const answerOf = (name: string) =>
      byInterpreter(compile(graphOf(network), { ...setting(name), ledger: true }), batch);
    const gamma = answerOf('gamma');
    expect(Array.from(gamma.relevance)).toEqual([0, 0]);
    expect(gamma.ledger.layers.find((row) => row.rule === 'gamma')?.dropped).toEqual([1]);
    expect(Array.from(answerOf('epsilon').relevance)).toEqual([1 / 1e-6, -1 / 1e-6]);
  });

  // z = −1 + 2 = 1 is positive by its bias; without it the pool for z > 0 is negative, and its sign decides s(z).
  it('gamma asks the layer itself, bias included, for the sign of z', async () => {
    const layers: TwinLayer[] = [{ kind: 'dense', units: 2, weight: [-1, 1], bias: [2, 0] }];
    const { network, batch } = one(layers, [1], [1]);
    const explanation = compile(graphOf(network), { ...setting('gamma:bias=ignore'), ledger: true });
    expect(byInterpreter(explanation, batch).relevance[0]).toBeCloseTo(1 / (1 + 1e-6), 12);
    await expectTwin(network, setting('gamma:bias=ignore'), batch);
  });

  it('LRP-0 passes dead units by', async () => {
    const { network, batch } = one(pooled(5, 2, -100), [1, 4, 4], alternating(16));
    await expectTwin(network, setting('epsilon:epsilon=0'), batch);
  });

  it('the graph without a ledger gives the same relevance', () => {
    const { network, batch } = one(pooled(0.25, 2), [1, 4, 4], alternating(16));
    const [without, withLedger] = [false, true].map((ledger) => {
      const { graph, input, target, relevance } = compile(graphOf(network), { ...setting('gamma'), ledger });
      const feeds = {
        [input.name]: array64(batch.data, batch.dims),
        [target]: array64(batch.targets, [1], 'int64'),
      };
      return interpret(graph, feeds)[relevance].data;
    });
    expect(without).toEqual(withLedger);
  });
});

describe('what is no classifier, or has no rule', () => {
  const build = (make: (g: GraphBuilder, x: string) => string, inputs: number = 1): Graph => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 1, 4, 4]);
    for (let i = 1; i < inputs; i++) g.input(`x${i}`, 'float32', ['N', 2]);
    g.output(make(g, x));
    return g.build('model');
  };
  const flat = (g: GraphBuilder, x: string) => g.emit('Flatten', [x]);
  const logits = (g: GraphBuilder, x: string) =>
    g.emit('Gemm', [x, tensor(new Float32Array(32), [16, 2])], {}, 'fc');
  const compiled = (graph: Graph) => () => compile(graph, { method: parseMethod('epsilon') });

  it.each<[string, Graph, typeof GraphError, RegExp]>([
    [
      'an activation without a rule',
      build((g, x) => logits(g, g.emit('Sigmoid', [flat(g, x)], {}, 'squash'))),
      GraphError,
      /back through Sigmoid "squash".*no rule for Sigmoid; supported are Conv/,
    ],
    [
      'a product of computed matrices',
      build((g, x) => {
        const square = g.reshape(x, [-1, 4, 4]);
        return logits(g, flat(g, g.emit('MatMul', [square, square], {}, 'attend')));
      }),
      GraphError,
      /MatMul "attend"/,
    ],
    ['two inputs', build((g, x) => logits(g, flat(g, x)), 2), ModelError, /one float32 input.*x1/],
    [
      'logits for every position',
      build((_, x) => x),
      ModelError,
      /no classifier.*\[N, classes\].*\[N, 1, 4, 4\]/,
    ],
    [
      'logits that do not depend on the input',
      build((g) => logits(g, g.constant(tensor(new Float32Array(16), [1, 16])))),
      GraphError,
      /do not depend on its input/,
    ],
  ])('%s', (_, graph, kind, message) => {
    expect(compiled(graph)).toThrow(kind);
    expect(compiled(graph)).toThrow(message);
  });

  it.each([2, -2, -3])('class %i of two is refused by the compiled graph itself', async (target) => {
    const explanation = compile(
      build((g, x) => logits(g, flat(g, x))),
      { method: parseMethod('epsilon'), ledger: true },
    );
    const batch = { dims: [1, 1, 4, 4], data: new Float32Array(16), targets: [target] };
    await expect(byRuntime(explanation, batch)).rejects.toThrow(GraphError);
    expect(() => byInterpreter(explanation, batch)).toThrow(GraphError);
  });
});
