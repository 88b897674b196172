// The canonical form: every rewriting keeps the logits in the float64 interpreter, and what it rewrites is gone.
import { describe, expect, it } from 'vitest';
import { random } from '../../corpus/random.ts';
import { GraphError, ModelError } from '../../errors.ts';
import { GraphBuilder } from '../../graph/builder.ts';
import { array64, interpret } from '../../graph/interpret.ts';
import type { Graph } from '../../graph/types.ts';
import { int64s, sizeOf, type Tensor, tensor } from '../../graph/types.ts';
import { compile } from '../compile.ts';
import { parseMethod } from '../method.ts';
import { canonize } from './canonize.ts';
import { biasAdd } from './scale.ts';

const next = random(11);
const weights = (...dims: number[]): Tensor =>
  tensor(
    Float32Array.from({ length: sizeOf(dims) }, () => 2 * next() - 1),
    dims,
  );
const positive = (n: number) => tensor(Float32Array.from({ length: n }, () => next() + 0.1));

const IMAGE = ['N', 2, 4, 5];
const ROW = ['N', 6];

/** Builds a model on x of a shape; its last value is the output. */
function model(shape: (string | number)[], build: (g: GraphBuilder, x: string) => string): Graph {
  const g = new GraphBuilder();
  g.output(build(g, g.input('x', 'float32', shape)));
  return g.build('model');
}
const head = (g: GraphBuilder, x: string) =>
  g.emit('Gemm', [g.emit('Flatten', [x]), weights(3, 40), weights(3)], { transB: 1 }, 'fc');
const norm = (g: GraphBuilder, x: string, channels: number) =>
  g.emit(
    'BatchNormalization',
    [x, weights(channels), weights(channels), weights(channels), positive(channels)],
    {
      epsilon: 1e-3,
    },
  );
const conv = (g: GraphBuilder, x: string, bias: boolean) =>
  g.emit('Conv', [x, weights(2, 2, 3, 3), ...(bias ? [weights(2)] : [])], { pads: [1, 1, 1, 1] });
const ops = (graph: Graph) => graph.nodes.map((n) => n.op);

/** Canonizes a model, having seen that its logits stay, but for rounding in the last places of float64. */
function same(graph: Graph, of: string = graph.outputs[0].name): Graph {
  const canonical = canonize(graph);
  const { shape } = graph.inputs[0];
  const dims = shape.map((d) => (typeof d === 'string' ? 3 : d));
  const draw = random(5);
  const x = array64(
    Array.from({ length: sizeOf(dims) }, () => 2 * draw() - 1),
    dims,
  );
  const expected = interpret(graph, { x }, [of])[of];
  const [got] = Object.values(interpret(canonical, { x }));
  expect(got.dims).toEqual(expected.dims);
  expected.data.forEach((v, i) => {
    expect(Math.abs(got.data[i] - v)).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.abs(v)));
  });
  return canonical;
}

describe('dense layers become Gemm(x, W, b) with W [units, features]', () => {
  it.each<[string, (g: GraphBuilder, x: string) => string, number]>([
    ['Gemm, W transposed', (g, x) => g.emit('Gemm', [x, weights(4, 6), weights(4)], { transB: 1 }), 3],
    ['Gemm as it comes', (g, x) => g.emit('Gemm', [x, weights(6, 4), weights(1, 4)]), 3],
    [
      'Gemm with α and β',
      (g, x) => g.emit('Gemm', [x, weights(6, 4), weights(4)], { alpha: 0.5, beta: -2 }),
      3,
    ],
    ['Gemm with one bias for all', (g, x) => g.emit('Gemm', [x, weights(6, 4), weights(1)], { beta: 3 }), 3],
    ['Gemm without bias', (g, x) => g.emit('Gemm', [x, weights(6, 4)], { alpha: 2 }), 2],
    ['MatMul', (g, x) => g.emit('MatMul', [x, weights(6, 4)]), 2],
    ['MatMul and Add', (g, x) => g.add(g.emit('MatMul', [x, weights(6, 4)]), weights(4)), 3],
    ['Add to the left', (g, x) => g.add(weights(1, 4), g.emit('MatMul', [x, weights(6, 4)])), 3],
  ])('%s', (_, build, inputs) => {
    const canonical = same(model(ROW, build));
    expect(ops(canonical)).toEqual(['Gemm']);
    const [node] = canonical.nodes;
    expect([node.inputs.length, node.attributes]).toEqual([inputs, { transB: 1 }]);
    expect(canonical.constants.get(node.inputs[1])?.dims).toEqual([4, 6]);
  });

  it('two layers that share one matrix, named as the new ones would be', () => {
    const graph = model(['N', 4], (g, x) => {
      const shared = g.constant(weights(4, 4), 'a/weight');
      g.emit('Gemm', [x, shared], { alpha: 2 }, 'a');
      return g.emit('Gemm', ['a', shared], {}, 'b');
    });
    expect(ops(same(graph))).toEqual(['Gemm', 'Gemm']);
  });

  it('takes any Add of constants, and none of a product that is used twice', () => {
    const added = model(ROW, (g, x) => g.add(g.emit('MatMul', [x, weights(6, 4)]), tensor([0.5])));
    expect(ops(same(added))).toEqual(['Gemm']);
    const twice = model(ROW, (g, x) => {
      const product = g.emit('MatMul', [x, weights(6, 4)]);
      return g.mul(g.add(product, weights(4)), product);
    });
    expect(ops(same(twice))).toEqual(['Gemm', 'Add', 'Mul']);
  });

  it('weights and biases that come of constants are computed', () => {
    const folded = model(ROW, (g, x) =>
      g.emit('Gemm', [x, g.relu(g.constant(weights(6, 4))), g.relu(g.constant(weights(4)))]),
    );
    expect(ops(same(folded))).toEqual(['Gemm']);
  });

  it('weights that come of the input stay as they are, and have no rule', () => {
    const graph = model(ROW, (g, x) => {
      const row = g.emit('Gemm', [x, weights(6, 6)], {}, 'keys');
      return g.reshape(
        g.emit('MatMul', [g.reshape(x, [-1, 1, 6]), g.reshape(row, [-1, 6, 1])], {}, 'attend'),
        [-1, 1],
      );
    });
    expect(ops(same(graph))).toContain('MatMul');
    const compiled = () => compile(graph, { method: parseMethod('epsilon') });
    expect(compiled).toThrow(GraphError);
    expect(compiled).toThrow(/no rule for MatMul "attend"/);
  });
});

describe('batch norm', () => {
  it.each([true, false])('is merged into a convolution (with a bias of its own: %s)', (bias) => {
    const canonical = same(model(IMAGE, (g, x) => head(g, g.relu(norm(g, conv(g, x, bias), 2)))));
    expect(ops(canonical)).toEqual(['Conv', 'Relu', 'Flatten', 'Gemm']);
    expect(canonical.nodes[0].inputs).toHaveLength(3);
  });

  it.each([true, false])('is merged into a dense layer (with a bias of its own: %s)', (bias) => {
    const dense = (g: GraphBuilder, x: string) =>
      g.emit('Gemm', [x, weights(6, 4), ...(bias ? [weights(4)] : [])], { alpha: 0.5 });
    const canonical = same(model(ROW, (g, x) => norm(g, dense(g, x), 4)));
    expect(ops(canonical)).toEqual(['Gemm']);
  });

  it('two in a row are both merged', () => {
    const canonical = same(model(IMAGE, (g, x) => head(g, norm(g, norm(g, conv(g, x, true), 2), 2))));
    expect(ops(canonical)).toEqual(['Conv', 'Flatten', 'Gemm']);
  });

  it('stays where what it could go into has another reader, or something else stands between', () => {
    const shared = same(
      model(IMAGE, (g, x) => {
        const z = conv(g, x, false);
        return head(g, g.add(z, norm(g, z, 2)));
      }),
    );
    expect(ops(shared)).toContain('BatchNormalization');
    const between = same(model(IMAGE, (g, x) => head(g, g.relu(norm(g, g.relu(conv(g, x, true)), 2)))));
    expect(ops(between)).toContain('BatchNormalization');
  });

  it('in training mode is refused', () => {
    const graph = model(IMAGE, (g, x) => {
      const operands = [conv(g, x, false), weights(2), weights(2), weights(2), positive(2)];
      return head(g, g.emit('BatchNormalization', operands, { training_mode: 1 }, 'bn'));
    });
    expect(() => canonize(graph)).toThrow(/BatchNormalization "bn" is in training mode/);
  });
});

describe('an affine layer that none stands before is merged into the layer behind it', () => {
  const plainConv = (g: GraphBuilder, x: string) => g.emit('Conv', [x, weights(2, 2, 2, 3), weights(2)]);
  const only = (op: string, graph: Graph) => ops(graph).filter((other) => other === op).length;

  it.each<[string, (g: GraphBuilder, x: string) => string, string[]]>([
    ['a convolution', (g, x) => plainConv(g, norm(g, g.relu(x), 2)), ['Relu', 'Conv']],
    ['a dense layer, past Flatten', (g, x) => head(g, norm(g, g.relu(x), 2)), ['Relu', 'Flatten', 'Gemm']],
    ['at the input', (g, x) => plainConv(g, norm(g, x, 2)), ['Conv']],
    [
      'past a ConvTranspose, too',
      (g, x) => g.emit('ConvTranspose', [norm(g, x, 2), weights(2, 3, 2, 2)]),
      ['ConvTranspose', 'Add'],
    ],
    ['two in a row', (g, x) => plainConv(g, norm(g, norm(g, x, 2), 2)), ['Conv']],
    [
      'arithmetic with constants',
      (g, x) => plainConv(g, g.emit('Div', [g.sub(g.mul(x, 0.5), weights(2, 1, 1)), positive(1)])),
      ['Conv'],
    ],
  ])('%s', (_, build, expected) => {
    const canonical = same(model(IMAGE, (g, x) => g.emit('Flatten', [build(g, x)])));
    expect(ops(canonical).filter((op, i, all) => op !== 'Flatten' || i < all.length - 1)).toEqual(expected);
  });

  it('where zeros pad, its shift becomes a bias map', () => {
    const canonical = same(model(IMAGE, (g, x) => head(g, g.relu(conv(g, norm(g, x, 2), true)))));
    expect(ops(canonical)).toEqual(['Conv', 'Add', 'Relu', 'Flatten', 'Gemm']);
    const map = biasAdd(canonical, canonical.nodes[0]);
    expect(canonical.constants.get(map?.bias ?? '')?.dims).toEqual([2, 4, 5]);
    expect(canonical.nodes[0].inputs).toHaveLength(2);
  });

  it.each(['AveragePool', 'GlobalAveragePool'] as const)('not past %s, which has a rule of its own', (op) => {
    const pooled = (g: GraphBuilder, x: string) =>
      op === 'AveragePool' ? g.emit(op, [x], { kernel_shape: [1, 1] }) : g.emit(op, [x]);
    const graph = model(IMAGE, (g, x) =>
      g.emit('Flatten', [g.emit('Conv', [pooled(g, norm(g, x, 2)), weights(2, 2, 1, 1)])]),
    );
    expect(ops(same(graph))).toEqual(['BatchNormalization', op, 'Conv', 'Flatten']);
  });

  const scaled = (g: GraphBuilder, x: string, scale: number[]) =>
    g.emit(
      'BatchNormalization',
      [x, tensor(Float32Array.from(scale)), weights(2), weights(2), tensor(Float32Array.from([1, 1]))],
      { epsilon: 0 },
    );
  const pooled = (g: GraphBuilder, x: string) => g.emit('MaxPool', [x], { kernel_shape: [2, 2] });

  it('past MaxPool go the channels of positive scale', () => {
    const all = same(model(IMAGE, (g, x) => plainConv2(g, pooled(g, scaled(g, x, [0.5, 2])))));
    expect(ops(all)).toEqual(['MaxPool', 'Conv', 'Flatten']);
    const one = same(model(IMAGE, (g, x) => plainConv2(g, pooled(g, scaled(g, x, [0.5, -2])))));
    expect(ops(one)).toEqual(['BatchNormalization', 'MaxPool', 'Conv', 'Flatten']);
    const [norm] = one.nodes;
    expect(Array.from(one.constants.get(norm.inputs[1])?.data ?? [])).toEqual([1, -2]);
    expect(one.constants.get(norm.inputs[2])?.data[0]).toBe(0);
    const none = same(model(IMAGE, (g, x) => plainConv2(g, pooled(g, scaled(g, x, [-0.5, -2])))));
    expect(ops(none)).toEqual(['BatchNormalization', 'MaxPool', 'Conv', 'Flatten']);
  });

  it('back past MaxPool into the layer before goes a batch norm whose scales are all positive', () => {
    const behind = (scale: number[]) =>
      same(
        model(IMAGE, (g, x) => g.emit('Flatten', [g.relu(scaled(g, pooled(g, conv(g, x, true)), scale))])),
      );
    expect(only('BatchNormalization', behind([0.5, 2]))).toBe(0);
    expect(only('BatchNormalization', behind([0.5, -2]))).toBe(1);
  });

  function plainConv2(g: GraphBuilder, x: string): string {
    return g.emit('Flatten', [g.emit('Conv', [x, weights(2, 2, 2, 2), weights(2)])]);
  }
});

it('notes say what was merged into what, looked through, and left out', () => {
  const graph = model(IMAGE, (g, x) => {
    const z = g.emit('Conv', [x, weights(2, 2, 3, 3)], {}, 'conv');
    const operands = [z, weights(2), weights(2), weights(2), positive(2)];
    const y = g.emit('Dropout', [g.emit('BatchNormalization', operands, {}, 'bn')], {}, 'drop');
    return g.emit('Softmax', [g.emit('Flatten', [y], {}, 'flat')], { axis: 1 }, 'softmax');
  });
  const notes: string[] = [];
  canonize(graph, (node, what) => notes.push(`${node}: ${what}`));
  expect(notes.sort()).toEqual([
    'bn: merged into conv',
    'drop: does nothing at inference',
    'softmax: looked through: the logit is explained',
  ]);
});

it('Dropout, Identity and a Pad by nothing are taken out, also one after the other', () => {
  const canonical = same(
    model(IMAGE, (g, x) => {
      const padded = g.emit('Pad', [x, int64s(new Array(8).fill(0))]);
      const through = g.emit('Identity', [g.emit('Dropout', [g.emit('Dropout', [padded])])]);
      return g.emit('Identity', [head(g, conv(g, through, true))]);
    }),
  );
  expect(ops(canonical)).toEqual(['Conv', 'Flatten', 'Gemm']);
});

it.each(['Softmax', 'LogSoftmax'] as const)('a final %s is looked through', (op) => {
  const graph = model(IMAGE, (g, x) =>
    g.emit('Identity', [g.emit(op, [head(g, conv(g, x, true))], { axis: 1 })]),
  );
  expect(ops(same(graph, 'fc'))).toEqual(['Conv', 'Flatten', 'Gemm']);
});

it('of several outputs the one named logits is explained, else the first', () => {
  const two = (names: string[]) => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ROW);
    for (const name of names) {
      g.emit('Gemm', [x, weights(6, 3)], {}, name);
      g.output(name);
    }
    return g.build('two');
  };
  expect(canonize(two(['a', 'logits'])).outputs.map((o) => o.name)).toEqual(['logits']);
  expect(canonize(two(['a', 'b'])).outputs.map((o) => o.name)).toEqual(['a']);
});

it.each<[string, Graph, RegExp]>([
  ['no input', { ...model(ROW, head2), inputs: [] }, /one input of floating-point numbers, got none/],
  ['an input of integers', integers(), /one input of floating-point numbers, got x: int64/],
  ['no output', { ...model(ROW, head2), outputs: [] }, /no classifier/],
  ['one number a clip', model(ROW, (g, x) => g.reduceSum(x, [1], 0)), /no classifier.*got reducesum \[N\]/],
  ['an open number of classes', model(['N', 'T'], (g, x) => g.relu(x)), /no classifier/],
])('refuses a model with %s', (_, graph, message) => {
  expect(() => canonize(graph)).toThrow(ModelError);
  expect(() => canonize(graph)).toThrow(message);
});

function head2(g: GraphBuilder, x: string): string {
  return g.emit('Gemm', [x, weights(6, 3)]);
}

function integers(): Graph {
  const g = new GraphBuilder();
  g.output(head2(g, g.cast(g.input('x', 'int64', ROW), 'float32')));
  return g.build('integers');
}

describe('a Pad of zeros becomes the padding of what alone reads it', () => {
  const padded = (g: GraphBuilder, x: string) => g.pad(x, [0, 0, 1, 0], [0, 0, 2, 1]);

  it('Conv, beside its own', () => {
    const graph = model(IMAGE, (g, x) => {
      const y = g.emit('Conv', [padded(g, x), weights(2, 2, 3, 3)], { pads: [0, 1, 0, 1] });
      return g.emit('Flatten', [y]);
    });
    expect(ops(same(graph))).toEqual(['Conv', 'Flatten']);
  });

  it('AveragePool, which then counts the zeros', () => {
    const graph = model(IMAGE, (g, x) => {
      const y = g.emit('AveragePool', [padded(g, x)], { kernel_shape: [3, 2], strides: [2, 2] });
      return g.emit('Flatten', [y]);
    });
    expect(ops(same(graph))).toEqual(['AveragePool', 'Flatten']);
  });

  it('not where its padding would mean something else', () => {
    const graph = model(IMAGE, (g, x) => {
      const y = g.emit('MaxPool', [padded(g, x)], { kernel_shape: [2, 2] });
      return g.emit('Flatten', [y]);
    });
    expect(ops(canonize(graph))).toContain('Pad');
  });
});
