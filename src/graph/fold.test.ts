// Constant folding and shape arithmetic: what exporters write, results kept, and known elements against runs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeRuntime } from '../runtime/node.ts';
import { GraphBuilder } from './builder.ts';
import { fold } from './fold.ts';
import { type Array64, array64, interpret } from './interpret.ts';
import { inferShapes } from './shapes.ts';
import type { Dim, Graph } from './types.ts';
import { int64s, scalar, tensor } from './types.ts';
import { verify } from './verify.ts';

const BATCH = 3;
const index = (i: number) => scalar(i, 'int64');

/** One float input x [N, 2, 6] and what is made of it, cast to float32 and named y. */
function made(build: (g: GraphBuilder, x: string) => string): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 2, 6]);
  const y = build(g, x);
  g.node({ op: 'Cast', name: 'y', inputs: [y], outputs: ['y'], attributes: { to: 1 } });
  g.output('y');
  return verify(g.build('made'));
}

const x = array64(
  Float32Array.from({ length: BATCH * 12 }, (_, i) => ((i * 7) % 11) - 5),
  [BATCH, 2, 6],
);

async function expectKept(graph: Graph): Promise<Graph> {
  const result = fold(graph);
  const expected = interpret(graph, { x }).y;
  expect(interpret(result, { x }).y).toEqual(expected);
  const session = await nodeRuntime.open(result);
  const got = (await session.run({ x: { dtype: 'float32', dims: x.dims, data: Float32Array.from(x.data) } }))
    .y;
  expect([got.dims, Array.from(got.data, Number)]).toEqual([expected.dims, [...expected.data]]);
  await session.release();
  return result;
}

/** What exporters write, by what is left of it. */
const WRITTEN: readonly [string, (g: GraphBuilder, x: string) => string, readonly string[]][] = [
  [
    'x.view(x.size(0), -1) with an open batch',
    (g, x) => {
      const size = g.emit('Gather', [g.emit('Shape', [x]), index(0)]);
      return g.reshape(x, g.concat([g.emit('Unsqueeze', [size, int64s([0])]), int64s([-1])], 0));
    },
    ['Reshape', 'Cast'],
  ],
  [
    'x.view(batch * channels, -1, width // 3)',
    (g, x) => {
      const shape = g.emit('Shape', [x]);
      const at = (i: number) => g.emit('Gather', [shape, index(i)]);
      const rows = g.emit('Cast', [g.emit('Floor', [g.emit('Cast', [g.mul(at(0), at(1))], { to: 1 })])], {
        to: 7,
      });
      const width = g.div(at(2), index(3));
      const parts = [rows, index(-1), width].map((d) => g.emit('Unsqueeze', [d, int64s([0])]));
      return g.reshape(x, g.concat(parts, 0));
    },
    ['Reshape', 'Cast'],
  ],
  [
    'F.pad: a list reversed in pairs',
    (g, x) => {
      const zeros = g.emit('Expand', [index(0), g.emit('Unsqueeze', [index(2), int64s([0])])]);
      const list = g.concat([int64s([1, 2]), int64s([0, 1]), zeros], 0);
      const pairs = g.slice(g.reshape(list, [-1, 2]), [{ axis: 0, start: -1, end: -(2 ** 63), step: -1 }]);
      const pads = g.cast(g.reshape(g.transpose(pairs, [1, 0]), [-1]), 'int64');
      return g.emit('Pad', [x, pads, scalar(0.5)], { mode: 'constant' });
    },
    ['Pad', 'Cast'],
  ],
  [
    'x.expand(-1, 2, 6): the shape where it is not −1',
    (g, x) => {
      const wanted = g.concat([g.emit('Shape', [x], { start: 0, end: 1 }), int64s([-1, 6])], 0);
      const ones = g.emit('Expand', [index(1), int64s([3])]);
      const open = g.emit('Equal', [wanted, g.mul(ones, index(-1))]);
      return g.emit('Expand', [x, g.where(open, ones, wanted)]);
    },
    ['Expand', 'Cast'],
  ],
  [
    'torch.arange(width) scaled and added',
    (g, x) => {
      const width = g.emit('Gather', [g.emit('Shape', [x]), index(-1)]);
      const places = g.cast(g.emit('Range', [index(0), width, index(1)]), 'float32');
      return g.add(x, g.div(places, scalar(8)));
    },
    ['Add', 'Cast'],
  ],
  [
    'weights reshaped, transposed and scaled',
    (g, x) => {
      const w = g.constant(tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [3, 4]));
      return g.emit('MatMul', [x, g.mul(g.transpose(g.reshape(w, [2, 6]), [1, 0]), scalar(0.5))]);
    },
    ['MatMul', 'Cast'],
  ],
  [
    'channels split by their number, put together the other way',
    (g, x) => {
      const half = g.div(g.emit('Gather', [g.emit('Shape', [x]), index(1)]), index(2));
      const cut = g.emit('Unsqueeze', [half, int64s([0])]);
      const first = g.emit('Slice', [x, int64s([0]), cut, int64s([1])]);
      const rest = g.emit('Slice', [x, cut, int64s([2 ** 63]), int64s([1])]);
      return g.concat([rest, first], 1);
    },
    ['Slice', 'Slice', 'Concat', 'Cast'],
  ],
];

describe('what exporters write', () => {
  it.each(WRITTEN)('%s', async (_, build, left) => {
    const result = await expectKept(made(build));
    expect(result.nodes.map((n) => n.op)).toEqual(left);
  });
});

describe('what stays', () => {
  it('outputs, constant or not, and what spreads a constant far', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 4]);
    const far = g.emit('Expand', [scalar(2), int64s([1100, 1000, 1])], {}, 'far');
    const near = g.emit('Expand', [scalar(2), int64s([4])], {}, 'near');
    g.output(g.emit('Neg', [scalar(3)], {}, 'three'));
    g.output(g.emit('Mul', [g.mul(x, near), far], {}, 'y'));
    const result = fold(g.build('stays'));
    expect(result.nodes.map((n) => n.outputs[0])).toEqual(['far', 'three', 'mul', 'y']);
    expect(result.constants.get('near')?.data).toEqual(new Float64Array([2, 2, 2, 2]));
  });

  it('a name that the model has itself', () => {
    const graph = made((g, x) => {
      const size = g.emit('Shape', [x], { start: 0, end: 1 });
      const target = g.concat([size, int64s([-1])], 0);
      const taken = g.constant(scalar(1), 'reshape/shape');
      return g.mul(g.emit('Reshape', [x, target]), taken);
    });
    expect(fold(graph).nodes[0].inputs[1]).toBe("reshape/shape'");
  });

  it('kinds of numbers: integers divide as integers, casts cut off', () => {
    const graph = made((g, x) => {
      const half = g.div(tensor([-7, 7], [2], 'int64'), index(2));
      const cut = g.cast(g.mul(g.cast(half, 'float32'), scalar(0.5)), 'int32');
      const rest = g.emit('Mod', [tensor([-7, 7], [2], 'int64'), index(3)]);
      const all = g.concat([half, g.cast(cut, 'int64'), rest], 0);
      return g.mul(g.reduceSum(x, [1, 2], 0), g.cast(g.reduceSum(g.mul(all, all), [0], 0), 'float32'));
    });
    const [constant] = [...fold(graph).constants.values()].filter((t) => t.dtype === 'float32');
    // −3, 3; −1, 1; 2, 1
    expect(constant.data[0]).toBe(9 + 9 + 1 + 1 + 4 + 1);
  });
});

/** A dimension with its symbol's value. */
function numberOf(dim: Dim): number {
  if (typeof dim === 'number') return dim;
  return dim.split('*').reduce((n, part) => n * (part === 'N' ? BATCH : Number(part)), 1);
}

describe('property: small shape arithmetic', () => {
  type Make = (g: GraphBuilder, a: string, b: string, c: string) => string;
  const binary = ['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Max', 'Min'] as const;
  const truths = ['Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual'] as const;
  const flat = (g: GraphBuilder, a: string) => g.reshape(a, [-1]);
  const makes: readonly Make[] = [
    ...binary.map(
      (op): Make =>
        (g, a, b) =>
          g.emit(op, [a, b]),
    ),
    ...truths.map(
      (op): Make =>
        (g, a, b, c) =>
          g.where(g.emit(op, [a, b]), a, c),
    ),
    ...truths.map(
      (op): Make =>
        (g, a, b) =>
          g.cast(g.emit(op, [a, b]), 'int64'),
    ),
    (g, a, b) => g.concat([flat(g, a), flat(g, b)], 0),
    (g, a) => g.emit('Gather', [flat(g, a), index(-1)]),
    (g, a) => g.emit('Gather', [flat(g, a), int64s([0, -1])]),
    (g, a) => g.slice(flat(g, a), [{ axis: 0, start: -1, end: -(2 ** 63), step: -2 }]),
    (g, a) => g.slice(flat(g, a), [{ axis: 0, start: 1, end: 2 ** 63 }]),
    (g, a) => g.emit('Unsqueeze', [flat(g, a), int64s([0])]),
    (g, a) => g.emit('Transpose', [g.emit('Unsqueeze', [flat(g, a), int64s([0])])]),
    (g, a) => g.emit('ReduceProd', [a], { keepdims: 0 }),
    (g, a) => g.emit('ReduceSum', [a], { keepdims: 0 }),
    (g, a) => g.emit('Tile', [flat(g, a), int64s([2])]),
    (g, a) => g.emit('Expand', [flat(g, g.emit('ReduceProd', [a])), int64s([2, 3])]),
    (g, a) => g.neg(a),
    (g, a) => g.cast(g.emit('Floor', [g.div(g.cast(a, 'float32'), scalar(2))]), 'int64'),
    (g, a, b) => g.cast(g.emit('Ceil', [g.mul(g.cast(a, 'float32'), g.cast(b, 'float32'))]), 'int64'),
  ];
  const number = fc.nat({ max: 1000 });
  const step = fc.tuple(number, number, number, number);
  const steps = fc.array(step, { minLength: 1, maxLength: 10 });

  it('elements that are known are what a run gives; folding keeps results', () => {
    let symbolic = 0;
    fc.assert(
      fc.property(steps, (drawn) => {
        const g = new GraphBuilder();
        const input = g.input('x', 'float32', ['N', 2, 6]);
        const pool = [
          g.emit('Shape', [input]),
          g.emit('Size', [input]),
          ...[int64s([4]), index(1), index(3), int64s([2, 6, 5])].map((t) => g.constant(t)),
        ];
        for (const [pick, ...at] of drawn) {
          const [a, b, c] = at.map((i) => pool[i % pool.length]);
          const fits = [a, b, c].every((name) => g.shape(name).every((d) => d !== 0));
          const dims = [a, b, c].map((name) => g.shape(name));
          const alike = dims.every((d) =>
            d.every(
              (n, i) =>
                n === 1 || dims.every((e) => [1, undefined, n].includes(e.at(i - d.length) as number)),
            ),
          );
          if (fits && alike) pool.push(makes[pick % makes.length](g, a, b, c));
        }
        for (const name of pool) if (!g.constantOf(name)) g.output(name);
        const graph = verify(g.build('shapes'));
        const run = interpret(graph, { x });
        // Division by zero has no result to compare.
        fc.pre(Object.values(run).every((v) => v.data.every((n) => Number.isSafeInteger(n))));
        const types = inferShapes(graph);
        // The interpreter's integers are doubles, with a −0 here and there.
        const plain = ({ data }: Array64) => Array.from(data, (n) => n + 0);
        for (const [name, value] of Object.entries(run)) {
          const elements = types.get(name)?.elements;
          if (elements?.some((d) => typeof d === 'string')) symbolic++;
          if (elements) expect(elements.map(numberOf), name).toEqual(plain(value));
        }
        const after = interpret(fold(graph), { x });
        for (const [name, value] of Object.entries(run))
          expect(plain(after[name]), name).toEqual(plain(value));
      }),
      { seed: 7, numRuns: 500 },
    );
    expect(symbolic).toBeGreaterThan(500);
  });
});
