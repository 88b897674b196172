// Property: the adjoints of windows of any kind. ⟨f(x), r⟩ = ⟨x, fᵀ(r)⟩, and Euler's ⟨max(x), r⟩ = ⟨x, ∂⟩ for pooling.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeRuntime } from '../runtime/node.ts';
import type { RuntimeTensor } from '../runtime/runtime.ts';
import { GraphBuilder } from './builder.ts';
import { explicitWindows } from './explicit.ts';
import { gradient } from './gradient.ts';
import { type Array64, array64, interpret } from './interpret.ts';
import type { Attributes } from './ops.ts';
import type { Graph } from './types.ts';
import { sizeOf, tensor } from './types.ts';

interface Drawn {
  readonly rank: number;
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly attributes: Attributes<'Conv'> & Attributes<'MaxPool'> & Attributes<'ConvTranspose'>;
  readonly group: number;
  readonly perGroup: readonly [number, number];
}

const small = (min: number, max: number) => fc.integer({ min, max });
const drawn = (transposed: boolean): fc.Arbitrary<Drawn> =>
  small(1, 2).chain((rank) => {
    const list = (min: number, max: number, length = rank) =>
      fc.array(small(min, max), { minLength: length, maxLength: length });
    return fc
      .record({
        input: list(transposed ? 1 : 4, 7),
        kernel: list(1, 3),
        strides: list(1, 3),
        dilations: list(1, 2),
        pads: list(0, 2, 2 * rank),
        auto_pad: fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
        group: small(1, 3),
        perGroup: fc.tuple(small(1, 2), small(1, 5)),
        more: list(0, 2),
      })
      .map(({ input, kernel, strides, dilations, pads, auto_pad, group, perGroup, more }) => ({
        rank,
        input,
        kernel,
        group,
        perGroup,
        attributes: {
          strides,
          dilations,
          auto_pad,
          // A window that lies in padding alone has no largest input.
          pads:
            auto_pad === 'NOTSET'
              ? pads.map((p, i) => Math.min(p, kernel[i % rank] - (transposed ? 0 : 1)))
              : undefined,
          ...(transposed &&
            auto_pad === 'NOTSET' && { output_padding: more.map((n, i) => Math.min(n, strides[i] - 1)) }),
        },
      }));
  });

let counter = 0;
const numbers = (dims: readonly number[]) =>
  array64(
    Float32Array.from({ length: sizeOf(dims) }, () => ((++counter * 0.6180339887498949) % 1) * 2 - 1),
    dims,
  );
const dot = (a: Array64, b: Array64) => a.data.reduce((sum, v, i) => sum + v * b.data[i], 0);

/** ⟨f(x), r⟩ of one node as a graph. */
function paired(
  input: Array64,
  weight: Array64 | undefined,
  build: (g: GraphBuilder, inputs: string[]) => string,
): { graph: Graph; feeds: Record<string, Array64> } {
  const g = new GraphBuilder();
  const feeds: Record<string, Array64> = { x: input, ...(weight && { w: weight }) };
  const y = build(
    g,
    Object.entries(feeds).map(([name, { dims }]) => g.input(name, 'float32', dims)),
  );
  const r = numbers(g.shape(y) as number[]);
  const product = g.mul(y, g.constant(tensor(r.data, r.dims)));
  g.output(g.emit('ReduceSum', [product], { keepdims: 0 }, 'paired'));
  return { graph: g.build('paired'), feeds };
}

async function expectPaired(
  input: Array64,
  weight: Array64 | undefined,
  build: (g: GraphBuilder, inputs: string[]) => string,
): Promise<void> {
  const { graph: forward, feeds } = paired(input, weight, build);
  const graph = gradient(explicitWindows(forward), 'paired', Object.keys(feeds));
  const run = interpret(graph, feeds);
  for (const [name, value] of Object.entries(feeds)) {
    expect(run[`gradient.${name}`].dims).toEqual(value.dims);
    expect(dot(value, run[`gradient.${name}`]), name).toBeCloseTo(run.paired.data[0], 9);
  }
  const session = await nodeRuntime.open(graph);
  const single = Object.entries(feeds).map(([name, { dims, data }]): [string, RuntimeTensor] => [
    name,
    { dtype: 'float32', dims, data: Float32Array.from(data) },
  ]);
  const got = await session.run(Object.fromEntries(single));
  await session.release();
  for (const name of Object.keys(run)) {
    run[name].data.forEach((v, i) => {
      expect(Math.abs(Number(got[name].data[i]) - v), `${name}[${i}]`).toBeLessThanOrEqual(
        1e-5 * Math.max(1, Math.abs(v)),
      );
    });
  }
}

/** Draws whose window does not fit are refused by their shapes. */
function fits(build: () => unknown): boolean {
  try {
    build();
    return true;
  } catch {
    return false;
  }
}

describe('property: adjoints', () => {
  const runs = { seed: 3, numRuns: 60 };

  it.each(['Conv', 'ConvTranspose'] as const)('%s', async (op) => {
    await fc.assert(
      fc.asyncProperty(
        drawn(op === 'ConvTranspose'),
        async ({ input, kernel, attributes, group, perGroup }) => {
          const [from, to] = perGroup;
          const channels = from * group;
          const x = numbers([2, channels, ...input]);
          const w = numbers(op === 'Conv' ? [to * group, from, ...kernel] : [channels, to, ...kernel]);
          const build = (g: GraphBuilder, inputs: string[]) => g.emit(op, inputs, { ...attributes, group });
          fc.pre(fits(() => paired(x, w, build)));
          await expectPaired(x, w, build);
        },
      ),
      runs,
    );
  });

  it.each(['MaxPool', 'AveragePool'] as const)('%s', async (op) => {
    await fc.assert(
      fc.asyncProperty(drawn(false), fc.boolean(), async ({ input, kernel, attributes, perGroup }, more) => {
        const { dilations, ...rest } = attributes;
        // Rounding up with dilations: ONNX Runtime's own shapes contradict each other.
        const ceil_mode = Number(more && dilations?.every((d) => d === 1));
        const x = numbers([2, perGroup[0], ...input]);
        const build = (g: GraphBuilder, inputs: string[]) =>
          op === 'MaxPool'
            ? g.emit(op, inputs, { ...rest, dilations, kernel_shape: kernel, ceil_mode })
            : g.emit(op, inputs, { ...rest, kernel_shape: kernel, count_include_pad: Number(more) });
        fc.pre(fits(() => paired(x, undefined, build)));
        await expectPaired(x, undefined, build);
      }),
      runs,
    );
  });
});
