// Properties of methods that run many times: completeness, what they come to without noise, what they give for a linear model.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { MethodError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, sizeOf, tensor } from '../graph/types.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { Explainer, type ExplainerOptions, type ExplainOptions } from './explainer.ts';
import { gaussLegendre } from './loops.ts';
import { parseMethod } from './method.ts';

const CLASSES = 3;
const next = random(3);
const numbers = (...dims: number[]) =>
  tensor(
    Float32Array.from({ length: sizeOf(dims) }, () => next() - 0.5),
    dims,
  );

/** x [N, 2, 5, 6] → Conv → Tanh → Gemm, which is smooth. */
const smooth = classifier((g, x) => {
  const hidden = g.emit('Tanh', [g.emit('Conv', [x, numbers(4, 2, 3, 3), numbers(4)])]);
  return g.emit('Gemm', [g.emit('Flatten', [hidden]), numbers(CLASSES, 48), numbers(CLASSES)], { transB: 1 });
});
const weight = numbers(CLASSES, 60);
const linear = classifier((g, x) =>
  g.emit('Gemm', [g.emit('Flatten', [x]), weight, numbers(CLASSES)], { transB: 1 }),
);

function classifier(build: (g: GraphBuilder, x: string) => string): Graph {
  const g = new GraphBuilder();
  g.output(build(g, g.input('x', 'float32', ['N', 2, 5, 6])));
  return g.build('classifier');
}

const DIMS = [2, 2, 5, 6];
const SIZE = 60;
const x = numbers(...DIMS).data as Float32Array;

async function explained(
  model: Graph,
  method: string,
  targets: number[],
  {
    against,
    ...options
  }: Omit<ExplainerOptions, 'method' | 'against'> & Pick<ExplainOptions, 'against'> = {},
  input = x,
) {
  const explainer = await Explainer.open(nodeRuntime, model, {
    method: parseMethod(method),
    against: against !== undefined,
    ...options,
  });
  return explainer.explain(input, DIMS, targets, { against }).finally(() => explainer.release());
}

const sumOf = (clip: number, values: Float32Array) =>
  values.subarray(clip * SIZE, (clip + 1) * SIZE).reduce((a, b) => a + b, 0);
const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  largest(Array.from(a, (v, i) => v - b[i])) / largest(b);

it('the Gauss–Legendre rule of n points is exact for polynomials up to degree 2n − 1', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(79), (count, degree) => {
      const power = degree % (2 * count);
      const integral = gaussLegendre(count).reduce((sum, { at, weight }) => sum + weight * at ** power, 0);
      expect(Math.abs(integral - 1 / (power + 1))).toBeLessThan(1e-13);
    }),
    { seed: 1 },
  );
});

describe('integrated gradients', () => {
  it.each([0, 0.25])('sum to f(x) − f(baseline) from a baseline of %d', async (baseline) => {
    const { relevance, logits } = await explained(
      smooth,
      `integrated-gradients:baseline=${baseline}`,
      [1, 2],
    );
    const flat = await explained(smooth, 'gradient', [1, 2], {}, new Float32Array(x.length).fill(baseline));
    [1, 2].forEach((target, n) => {
      const gain = logits[n * CLASSES + target] - flat.logits[n * CLASSES + target];
      expect(Math.abs(sumOf(n, relevance) - gain)).toBeLessThan(1e-4 * Math.max(1, Math.abs(gain)));
      expect(Math.abs(gain)).toBeGreaterThan(0.01);
    });
  });

  it('of one class against another sum to the difference of both', async () => {
    const { relevance, logits } = await explained(smooth, 'integrated-gradients', [1, 2], {
      against: [0, -1],
    });
    const silence = await explained(smooth, 'gradient', [0, 0], {}, new Float32Array(x.length));
    const others = [0, logits[3] > logits[4] ? 0 : 1];
    [1, 2].forEach((target, n) => {
      const margin = (l: Float32Array) => l[n * CLASSES + target] - l[n * CLASSES + others[n]];
      expect(Math.abs(sumOf(n, relevance) - margin(logits) + margin(silence.logits))).toBeLessThan(1e-4);
    });
  });

  it('of a linear model are x ⊙ ∂f/∂x, in batches of any size', async () => {
    const plain = await explained(linear, 'input-x-gradient', [-1, 0]);
    for (const batch of [1, 5, 32]) {
      const { relevance } = await explained(linear, 'integrated-gradients:steps=7', [-1, 0], { batch });
      expect(difference(relevance, plain.relevance)).toBeLessThan(1e-6);
    }
  });
});

describe('SmoothGrad', () => {
  it('without noise is the gradient', async () => {
    const gradient = await explained(smooth, 'gradient', [0, 1]);
    const { relevance } = await explained(smooth, 'smoothgrad:noise=0,samples=5', [0, 1], { batch: 2 });
    expect(difference(relevance, gradient.relevance)).toBeLessThan(1e-6);
  });

  it('is the same for the same seed, in batches of any size, and another for another', async () => {
    const by = async (seed: number, batch: number) =>
      (await explained(smooth, `smoothgrad:seed=${seed}`, [0, 1], { batch })).relevance;
    const first = await by(0, 32);
    expect(difference(await by(0, 3), first)).toBeLessThan(1e-6);
    expect(difference(await by(1, 32), first)).toBeGreaterThan(1e-3);
  });
});

describe('occlusion', () => {
  it('of a linear model by tiles of one element, in one channel, is w ⊙ x', async () => {
    const weights = numbers(CLASSES, 30);
    const g = new GraphBuilder();
    const input = g.input('x', 'float32', ['N', 30]);
    g.output(g.emit('Gemm', [input, weights], { transB: 1 }));
    const clip = numbers(1, 30).data as Float32Array;
    const method = parseMethod('occlusion:columns=1');
    const explainer = await Explainer.open(nodeRuntime, g.build('row'), { method });
    const { relevance } = await explainer.explain(clip, [1, 30], [2]).finally(() => explainer.release());
    expect(
      difference(
        relevance,
        clip.map((v, i) => v * weights.data[60 + i]),
      ),
    ).toBeLessThan(1e-4);
  });

  it.each([
    [1, 1, 0],
    [2, 3, 0],
    [3, 4, 0.5],
    [9, 9, -1],
  ])(
    'of a linear model by tiles of %i × %i over %d is the mean of their falls',
    async (rows, columns, baseline) => {
      const method = `occlusion:rows=${rows},columns=${columns},baseline=${baseline}`;
      const { relevance } = await explained(linear, method, [1, 1], { batch: 4 });
      expect(
        difference(
          relevance,
          [0, 1].flatMap((n) => slow(n, rows, columns, baseline)),
        ),
      ).toBeLessThan(1e-4);
    },
  );

  /** Each element: the mean, over the tiles on it, of Σ w·(x − baseline) over the tile by the tile's size. */
  function slow(clip: number, rows: number, columns: number, baseline: number): number[] {
    const corners = (size: number, tile: number) => {
      const last = Math.max(size - tile, 0);
      const step = Math.max(1, Math.floor(tile / 2));
      return [...Array(size).keys()].filter((at) => at <= last && (at % step === 0 || at === last));
    };
    const fall = (i: number) => weight.data[SIZE + i] * (x[clip * SIZE + i] - baseline);
    return Array.from({ length: SIZE }, (_, i) => {
      const [row, column] = [Math.floor(i / 6) % 5, i % 6];
      const shares = corners(5, rows).flatMap((r) =>
        corners(6, columns).flatMap((c) => {
          if (row < r || row >= r + rows || column < c || column >= c + columns) return [];
          const tile = [...Array(SIZE).keys()].filter((j) => {
            const [y, z] = [Math.floor(j / 6) % 5, j % 6];
            return y >= r && y < r + rows && z >= c && z < c + columns;
          });
          return [tile.reduce((sum, j) => sum + fall(j), 0) / tile.length];
        }),
      );
      return shares.reduce((a, b) => a + b, 0) / shares.length;
    });
  }

  it('covers an eighth of each axis unless told', async () => {
    const usual = await explained(linear, 'occlusion', [0, 0]);
    const told = await explained(linear, 'occlusion:rows=1,columns=1', [0, 0]);
    expect(usual.relevance).toEqual(told.relevance);
  });
});

it.each<[string, Omit<ExplainerOptions, 'method'>, RegExp]>([
  ['a ledger', { ledger: true }, /"smoothgrad" has neither a ledger nor relevance at its layers/],
  ['relevance at layers', { layers: true }, /neither/],
  [
    'a start at the logit',
    { start: 'logit' },
    /"smoothgrad" cannot start at the logit: expected a start of one/,
  ],
])('a loop has not %s', async (_, options, message) => {
  const opened = Explainer.open(nodeRuntime, smooth, { method: parseMethod('smoothgrad'), ...options });
  await expect(opened).rejects.toThrow(MethodError);
  await expect(opened).rejects.toThrow(message);
});

it('says how far it is after each clip', async () => {
  const explainer = await Explainer.open(nodeRuntime, linear, {
    method: parseMethod('occlusion'),
    ledger: 'auto',
  });
  const done: number[] = [];
  await explainer.explain(x, DIMS, [0, 0], { progress: (n) => done.push(n) });
  await explainer.release();
  expect(done).toEqual([1, 2]);
});
