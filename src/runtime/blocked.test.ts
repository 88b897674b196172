import * as ort from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { random } from '../corpus/random.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { NodeOf } from '../graph/types.ts';
import { sizeOf, tensor } from '../graph/types.ts';
import { encodeBlocked, findBlock, hasVaryingFilters } from './blocked.ts';
import { openSession } from './onnxruntime.ts';
import { float32 } from './runtime.ts';

type Conv = NodeOf<'Conv'>['attributes'];

const image = (channels: number) => ['N', channels, 9, 11];
const found = await findBlock((graph, bytes) => openSession(ort, graph, {}, bytes));

/** Two clips, a filter, a bias; y = Conv. */
function convolution(filter: readonly number[], attributes: Conv, groups = 1) {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', image(filter[1] * groups));
  const w = g.input('w', 'float32', filter);
  const b = g.input('b', 'float32', [filter[0]]);
  g.emit('Conv', [x, w, b], attributes, 'y');
  g.output('y');
  return g.build('convolution');
}

function numbers(dims: readonly number[], seed: number) {
  const next = random(seed);
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, () => next() - 0.5),
    dims,
  );
}

/** Domains and kinds of a file's ops, as its text has them. */
const opsIn = (bytes: Uint8Array) =>
  new TextDecoder('latin1').decode(bytes).match(/Reorder(In|Out)put/g) ?? [];

test.runIf(process.arch === 'x64')('this processor has blocks of 16 or of 8 channels', () => {
  expect([8, 16]).toContain(found);
});

test('a build without these kernels, and kernels that compute something else, give no block', async () => {
  const plain = (graph: Parameters<typeof openSession>[1]) => openSession(ort, graph, {});
  expect(
    await findBlock((graph, bytes) => {
      if (opsIn(bytes).length > 0) throw new Error('no kernel for ReorderInput');
      return plain(graph);
    }),
  ).toBeUndefined();
  const off = async (graph: Parameters<typeof openSession>[1], bytes: Uint8Array) => {
    const session = await plain(graph);
    if (opsIn(bytes).length === 0) return session;
    const run = async (...given: Parameters<typeof session.run>) => {
      const { y } = await session.run(...given);
      return { y: { ...y, data: (y.data as Float32Array).toReversed() } };
    };
    return { ...session, run };
  };
  expect(await findBlock(off)).toBeUndefined();
});

describe.runIf(found)('in blocks as without', () => {
  test.each<[string, readonly number[], Conv]>([
    ['3 × 3, same size', [32, 16, 3, 3], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }],
    ['1 × 1', [16, 48, 1, 1], {}],
    ['strides', [48, 32, 3, 2], { kernel_shape: [3, 2], strides: [2, 3] }],
    ['dilations and unequal pads', [16, 32, 2, 3], { dilations: [3, 2], pads: [0, 1, 2, 3] }],
    ['auto_pad', [16, 16, 4, 4], { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
  ])('%s', async (_, filter, attributes) => {
    const graph = convolution(filter, attributes);
    const bytes = encodeBlocked(graph, found ?? 16);
    expect(opsIn(bytes).length).toBeGreaterThan(0);
    const feeds = {
      x: numbers([2, filter[1], 9, 11], 1),
      w: numbers(filter, 2),
      b: numbers([filter[0]], 3),
    };
    const outcomes = [];
    for (const given of [bytes, undefined]) {
      const session = await openSession(ort, graph, {}, given);
      outcomes.push((await session.run(feeds)).y);
      await session.release();
    }
    const [blocked, plain] = outcomes;
    expect(blocked.dims).toEqual(plain.dims);
    const expected = plain.data as Float32Array;
    const largest = expected.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const off = (blocked.data as Float32Array).map((v, i) => Math.abs(v - expected[i]));
    expect(Math.max(...off) / largest).toBeLessThan(1e-5);
  });
});

describe('left as they are', () => {
  test.each<[string, readonly number[], Conv, number]>([
    ['groups', [32, 16, 3, 3], { group: 2 }, 2],
    ['channels that fill no block', [16, 12, 3, 3], {}, 1],
    ['results that fill no block', [12, 16, 3, 3], {}, 1],
  ])('%s', (_, filter, attributes, groups) => {
    expect(opsIn(encodeBlocked(convolution(filter, attributes, groups), 16))).toEqual([]);
  });

  test('filters that are constants', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', image(16));
    const w = g.constant(tensor(new Float32Array(16 * 16 * 9), [16, 16, 3, 3]));
    const y = g.emit('Conv', [x, g.relu(w)]);
    g.output(y);
    const graph = g.build('constant');
    expect(hasVaryingFilters(graph)).toBe(false);
    expect(opsIn(encodeBlocked(graph, 16))).toEqual([]);
  });
});
