// Contract: an explanation gives the same relevance, logits and ledger, whoever executes it.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../../src/corpus/random.ts';
import { decodeNpy } from '../../src/files/npy.ts';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import type { Tensor } from '../../src/graph/types.ts';
import { compile, type Explanation } from '../../src/relevance/compile.ts';
import { type Ledger, readLedger } from '../../src/relevance/ledger.ts';
import { parseMethod } from '../../src/relevance/method.ts';
import { float32, int64, type Runtime, type RuntimeTensor } from '../../src/runtime/runtime.ts';
import { graphOf, networks } from '../support/networks.ts';
import { describeShared, sharedPath } from '../support/shared.ts';
import { interpreter } from './interpreter.ts';
import { RUNTIMES } from './runtimes.ts';

/** Largest difference over the largest value, or over what a ledger's node keeps account of. */
const BOUND = 1e-5;

const CONSERVING = [
  'epsilon',
  'epsilon-plus-flat',
  'epsilon-alpha2-beta1',
  'epsilon-gamma-box:low=-1,high=1',
  'wsquare',
];
const WITHOUT_LEDGER = ['gradient', 'guided-backprop'];
const METHODS = [...CONSERVING, ...WITHOUT_LEDGER];

interface Answer {
  readonly logits: ArrayLike<number>;
  readonly relevance: ArrayLike<number>;
  readonly ledger?: Ledger;
}

async function answer(
  runtime: Runtime,
  explanation: Explanation,
  clips: RuntimeTensor,
  targets: readonly number[],
): Promise<Answer> {
  const session = await runtime.open(explanation.graph);
  const got = await session.run({ [explanation.input.name]: clips, [explanation.target]: int64(targets) });
  await session.release();
  const numbers = (name: string) => got[name].data as Float32Array;
  const { ledger } = explanation;
  return {
    logits: numbers(explanation.logits),
    relevance: numbers(explanation.relevance),
    ...(ledger && { ledger: readLedger(ledger.rows, numbers(ledger.name), targets.length) }),
  };
}

/**
 * Every runtime gives what the float64 interpreter gives. Where a barely active unit is divided by itself, float32 can
 * be no better than what rounding inputs and weights to it changes: three times that is the bound there.
 */
async function expectOneAnswer(
  explanation: Explanation,
  clips: RuntimeTensor,
  targets: readonly number[],
): Promise<void> {
  const exact = await answer(interpreter, explanation, clips, targets);
  for (const [name, runtime] of RUNTIMES.filter(([, r]) => r !== interpreter)) {
    const off = distance(await answer(runtime, explanation, clips, targets), exact);
    if (off <= BOUND) continue;
    const own = await Promise.all([1, 2, 3, 4].map((seed) => rounded(seed, explanation, clips, targets)));
    const bound = 3 * Math.max(...own.map((other) => distance(other, exact)));
    expect(off, name).toBeLessThanOrEqual(Math.max(BOUND, bound));
  }
}

/** The interpreter's answer where inputs and weights are off by up to a unit in float32's last place. */
function rounded(
  seed: number,
  explanation: Explanation,
  clips: RuntimeTensor,
  targets: readonly number[],
): Promise<Answer> {
  const next = random(seed);
  const nudged = (values: ArrayLike<number>) =>
    Float64Array.from(values, (v) => v * (1 + (2 * next() - 1) * 2 ** -23));
  const constants = [...explanation.graph.constants].map(([name, t]): [string, Tensor] => [
    name,
    t.dtype === 'float32' ? { ...t, data: nudged(t.data) } : t,
  ]);
  const graph = { ...explanation.graph, constants: new Map(constants) };
  const data = nudged(clips.data as Float32Array);
  return answer(interpreter, { ...explanation, graph }, { ...clips, data }, targets);
}

/** The largest difference, each on its scale: the largest logit, the largest relevance, the relevance at a node. */
function distance(got: Answer, exact: Answer): number {
  const { ledger } = exact;
  const entries = ledger?.layers.flatMap((layer, i) =>
    (['out', 'in', 'bias', 'stabilizer', 'dropped', 'padding'] as const).flatMap((entry) =>
      layer[entry].map((v, n) => {
        const scale = Math.max(Math.abs(ledger.start[n]), layer.magnitude[n]);
        return over(Math.abs((got.ledger as Ledger).layers[i][entry][n] - v), scale);
      }),
    ),
  );
  return Math.max(
    relative(got.logits, exact.logits),
    relative(got.relevance, exact.relevance),
    ...(entries ?? []),
  );
}

function relative(got: ArrayLike<number>, exact: ArrayLike<number>): number {
  expect(got.length).toBe(exact.length);
  const values = Array.from(exact);
  const scale = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return over(
    values.reduce((m, v, i) => Math.max(m, Math.abs(got[i] - v)), 0),
    scale,
  );
}

const over = (difference: number, scale: number) => (difference === 0 ? 0 : difference / scale);

describe.each(['cnn_mel', 'cnn_bn', 'audionet'])('%s', (name) => {
  const folder = `fixtures/lrp/${name}`;
  describeShared(folder, 'is explained alike', () => {
    const model = decodeOnnx(readFileSync(sharedPath(`${folder}/model.onnx`)), name);
    const { data, shape } = decodeNpy(readFileSync(sharedPath(`${folder}/input.npy`)), name);
    const [first, ...clip] = shape;
    const size = data.length / first;

    it.each(METHODS)('%s', async (text) => {
      const ledger = CONSERVING.includes(text);
      const explanation = compile(model, { method: parseMethod(text), ledger });
      const one = float32(Float32Array.from(data.subarray(0, size) as Float32Array), [1, ...clip]);
      await expectOneAnswer(explanation, one, [-1]);
    });
  });
});

it('random networks are explained alike', async () => {
  await fc.assert(
    fc.asyncProperty(networks('real'), fc.constantFrom(...METHODS), async (network, text) => {
      const ledger = CONSERVING.includes(text);
      const explanation = compile(graphOf(network), { method: parseMethod(text), ledger });
      const clips = Float32Array.from([...network.clip(1), ...network.clip(2)]);
      await expectOneAnswer(explanation, float32(clips, [2, ...network.dims]), [-1, network.classes - 1]);
    }),
    { numRuns: 25 },
  );
}, 300_000);
