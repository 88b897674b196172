// Contract: what every runtime does with a graph, whoever executes it.
import { describe, expect, it } from 'vitest';
import { GraphError } from '../../src/errors.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph } from '../../src/graph/types.ts';
import { openRuntime as openInNode } from '../../src/runtime/node.ts';
import { DEVICES, float32, int64, type RuntimeTensor } from '../../src/runtime/runtime.ts';
import { openRuntime as openInBrowser, webRuntime } from '../../src/runtime/web.ts';
import { noWebgpu, RUNTIMES, WEBGPU } from './runtimes.ts';

/** sums [N, 2] = x + x, picked [N] = x[n, index[n]], positive [N, 2] = x > 0, same [N] = index. */
function sample(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 2]);
  const index = g.input('index', 'int64', ['N']);
  const add = (op: 'Add' | 'Greater', b: string | number, name: string) =>
    g.node({
      op,
      name,
      inputs: [x, typeof b === 'number' ? g.constant(zero) : b],
      outputs: [name],
      attributes: {},
    });
  const zero = { dtype: 'float32', dims: [], data: new Float32Array(1) } as const;
  add('Add', x, 'sums');
  add('Greater', 0, 'positive');
  const column = g.emit(
    'Unsqueeze',
    [index, g.constant({ dtype: 'int64', dims: [1], data: new Float64Array([1]) })],
    {},
  );
  g.node({
    op: 'GatherElements',
    name: 'picked',
    inputs: [x, column],
    outputs: ['picked'],
    attributes: { axis: 1 },
  });
  g.node({ op: 'Identity', name: 'same', inputs: [index], outputs: ['same'], attributes: {} });
  for (const name of ['sums', 'positive', 'picked', 'same']) g.output(name);
  return g.build('sample');
}

const x = float32(new Float32Array([1, -2, 3, 4, -5, 0]), [3, 2]);
const feeds = { x, index: int64([1, 0, 1]) };
const numbers = ({ data }: RuntimeTensor) => Array.from(data as ArrayLike<number | bigint>, Number);

describe.each(RUNTIMES)('%s', (name, runtime) => {
  it('runs a graph: every output, its type and shape', async () => {
    const session = await runtime.open(sample());
    const got = await session.run(feeds);
    expect(Object.keys(got).sort()).toEqual(['picked', 'positive', 'same', 'sums']);
    expect(numbers(got.sums)).toEqual([2, -4, 6, 8, -10, 0]);
    expect(numbers(got.picked)).toEqual([-2, 3, 0]);
    expect([got.picked.dims, got.positive.dims, got.same.dims]).toEqual([[3, 1], [3, 2], [3]]);
    expect(got.positive).toMatchObject({ dtype: 'bool', data: Uint8Array.of(1, 0, 1, 1, 0, 0) });
    expect(got.same).toMatchObject({ dtype: 'int64', data: BigInt64Array.of(1n, 0n, 1n) });
    await session.release();
  });

  it('takes any extent of a dimension that has a name', async () => {
    const session = await runtime.open(sample());
    for (const n of [1, 5, 2]) {
      const { sums } = await session.run({
        x: float32(new Float32Array(2 * n).fill(n), [n, 2]),
        index: int64(new Array(n).fill(0)),
      });
      expect(sums.dims).toEqual([n, 2]);
      expect(numbers(sums)).toEqual(new Array(2 * n).fill(2 * n));
    }
    await session.release();
  });

  it('writes fetches into the tensors given, and computes no other output but those named', async () => {
    const session = await runtime.open(sample());
    const sums = float32(new Float32Array(6), [3, 2]);
    const got = await session.run(feeds, { sums }, ['same']);
    expect(Object.keys(got).sort()).toEqual(['same', 'sums']);
    expect(numbers(got.sums)).toEqual(numbers(sums));
    expect(numbers(sums)).toEqual([2, -4, 6, 8, -10, 0]);
    expect(numbers(got.same)).toEqual([1, 0, 1]);
    await session.release();
  });

  it('leaves feeds as they are, and results of an earlier run', async () => {
    const session = await runtime.open(sample());
    const first = await session.run(feeds);
    await session.run({ ...feeds, x: float32(new Float32Array(6).fill(7), [3, 2]) });
    expect(numbers(first.sums)).toEqual([2, -4, 6, 8, -10, 0]);
    expect(numbers(x)).toEqual([1, -2, 3, 4, -5, 0]);
    await session.release();
  });

  it.each([
    ['an input that is missing', { x }],
    ['another type', { x: int64([1, 2], [1, 2]), index: int64([0]) }],
    ['another rank', { ...feeds, x: float32(new Float32Array(2), [2]) }],
    ['another extent', { ...feeds, x: float32(new Float32Array(9), [3, 3]) }],
  ])('refuses %s, and runs on', async (_, wrong) => {
    const session = await runtime.open(sample());
    await expect(session.run(wrong as typeof feeds)).rejects.toThrow(GraphError);
    expect(numbers((await session.run(feeds)).picked)).toEqual([-2, 3, 0]);
    await session.release();
  });

  // A GPU checks no index while it runs: what explains checks its targets before.
  it.skipIf(name === WEBGPU)('refuses an index out of range, and runs on', async () => {
    const session = await runtime.open(sample());
    const wrong = { ...feeds, index: int64([1, 0, 2]) };
    await expect(session.run(wrong)).rejects.toThrow(GraphError);
    expect(numbers((await session.run(feeds)).picked)).toEqual([-2, 3, 0]);
    await session.release();
  });

  it('refuses a graph that reads what nothing computes', async () => {
    const graph = sample();
    const [node] = graph.nodes;
    const broken = {
      ...graph,
      nodes: [{ ...node, inputs: ['nowhere', 'x'] } as typeof node, ...graph.nodes.slice(1)],
    };
    await expect(runtime.open(broken)).rejects.toThrow(GraphError);
  });

  it('keeps sessions apart, and refuses to run one that was released', async () => {
    const [one, other] = [await runtime.open(sample()), await runtime.open(sample())];
    await one.release();
    await expect(one.run(feeds)).rejects.toThrow(GraphError);
    expect(numbers((await other.run(feeds)).same)).toEqual([1, 0, 1]);
    await other.release();
  });
});

describe.each([
  ['Node', openInNode],
  ['browsers', openInBrowser],
])('openRuntime of %s', (_, open) => {
  it.each(DEVICES)('%s: computes, and says in a line where another device does', async (device) => {
    const notes: string[] = [];
    const runtime = await open(device, (line) => notes.push(line));
    const session = await runtime.open(sample());
    expect(numbers((await session.run(feeds)).picked)).toEqual([-2, 3, 0]);
    await session.release();
    const told =
      runtime.device === device ? [] : [/^no GPU through WebGPU \([^\n]{1,80}\): the CPU computes$/];
    expect(notes).toEqual(told.map((line) => expect.stringMatching(line)));
  });
});

it('Node has no WebGPU for browsers: WebAssembly computes', async () => {
  expect(await openInBrowser('webgpu', () => {})).toBe(webRuntime);
});

if (noWebgpu !== undefined) it.skip(`WebGPU: ${noWebgpu}`);
