// The builder: names, constants, types as nodes are added; and what a graph looks like printed.
import { describe, expect, it } from 'vitest';
import { GraphError } from '../errors.ts';
import { GraphBuilder, namesOf } from './builder.ts';
import { print } from './print.ts';
import { tensor } from './types.ts';
import { verify } from './verify.ts';

const start = (reserved: string[] = []) => {
  const g = new GraphBuilder(reserved);
  return { g, x: g.input('x', 'float32', ['N', 3, 8]) };
};

describe('names', () => {
  it('are made up so that neither value nor node has them, nor any that is reserved', () => {
    const { g, x } = start(['relu_2']);
    g.node({ op: 'Neg', name: 'relu', inputs: [x], outputs: ['n'], attributes: {} });
    expect([g.relu(x), g.relu(x)]).toEqual(['relu_3', 'relu_4']);
    expect(namesOf(g.build('g'))).toEqual(['relu', 'n', 'relu_3', 'relu_3', 'relu_4', 'relu_4']);
  });

  it('are given once', () => {
    const { g, x } = start();
    expect(() => g.input('x', 'float32', [])).toThrow(/"x" is defined twice/);
    expect(() => g.constant(tensor([1]), x)).toThrow(GraphError);
    expect(() => g.relu('y')).toThrow(/"y" is not defined before it is used/);
  });
});

describe('constants', () => {
  it('small ones are shared, large ones are not', () => {
    const { g, x } = start();
    for (let i = 0; i < 2; i++) g.mul(g.add(x, 0.5), tensor(new Float32Array(24), [3, 8]));
    expect([...g.build('g').constants.values()].map((t) => t.data.length)).toEqual([1, 24, 24]);
  });

  it('numbers take the type of the first operand that has one', () => {
    const { g } = start();
    const i = g.input('i', 'int64', ['N']);
    expect(g.type(g.emit('Equal', [i, -1])).dtype).toBe('bool');
    expect(g.type(g.add(2, i)).dtype).toBe('int64');
    expect([...g.build('g').constants.values()].map((t) => t.dtype)).toEqual(['int64', 'int64']);
  });

  it('a tensor that does not fill its shape is no constant', () => {
    expect(() => tensor([1, 2, 3], [2, 2])).toThrow(RangeError);
  });
});

it('types are checked where a node is added', () => {
  const { g, x } = start();
  expect(g.type(g.reduceMean(x, [-1], 0))).toMatchObject({ dtype: 'float32', shape: ['N', 3] });
  expect(() => g.add(x, tensor([1, 2, 3]))).toThrow(/do not broadcast/);
  expect(() => g.emit('MatMul', [x, tensor(new Float32Array(6), [3, 2])])).toThrow(
    /MatMul "matmul": inner extent: expected 3, got 8/,
  );
  expect(() => g.reshape(x, [0, 5])).toThrow(/number of elements/);
  expect(() => g.emit('Conv', [x, tensor(new Float32Array(6), [1, 2, 3])])).toThrow(/input channels/);
});

it('snapshot: a printed graph', () => {
  const { g, x } = start();
  const weight = g.constant(
    tensor(
      Float32Array.from({ length: 18 }, (_, i) => i),
      [2, 3, 3],
    ),
    'w',
  );
  const convolved = g.emit('Conv', [x, weight], { pads: [1, 1], kernel_shape: [3] });
  const [half, rest] = g.split(g.relu(convolved), 2, 2);
  const flat = g.emit('Flatten', [g.sub(half, g.mul(rest, 0.1))]);
  g.emit('Softmax', [flat], { axis: 1 }, 'y');
  g.output('y');
  expect(print(verify(g.build('printed')))).toMatchInlineSnapshot(`
    "graph printed
      input x: float32[N, 3, 8]
      const w: float32[2, 3, 3]
      conv: float32[N, 2, 8] = Conv(x, w) pads=[1,1] kernel_shape=[3]
      relu: float32[N, 2, 8] = Relu(conv)
      split: float32[N, 2, 4], split_2: float32[N, 2, 4] = Split(relu) axis=2 num_outputs=2
      mul: float32[N, 2, 4] = Mul(split_2, 0.1)
      sub: float32[N, 2, 4] = Sub(split, mul)
      flatten: float32[N, 8] = Flatten(sub)
      y: float32[N, 8] = Softmax(flatten) axis=1
      output y: float32[N, 8]
    "
  `);
});
