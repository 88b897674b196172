// What exporters write beyond plain nodes: functions, branches, half precision, outputs that are no logits, newer ops.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { GraphError, ModelError } from '../../errors.ts';
import { array64, interpret } from '../interpret.ts';
import { decodeOnnx } from '../onnx.ts';

const FLOAT = 1;
const INT64 = 7;
const STRING = 8;
const FLOAT16 = 10;
const BFLOAT16 = 16;

function value(name: string, dims: readonly (number | string)[], elemType = FLOAT): ValueInfoProto {
  const dim = dims.map((d) =>
    typeof d === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(d) } }
      : { value: { case: 'dimParam' as const, value: d } },
  );
  const type = { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } };
  return create(ValueInfoProtoSchema, { name, type });
}

function node(
  opType: string,
  input: string[],
  output: string[],
  { attribute = [], domain = '' }: { attribute?: AttributeProto[]; domain?: string } = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    name: `${opType} of ${output[0]}`,
    input,
    output,
    attribute,
    domain,
  });
}

const attribute = (fields: MessageInitShape<typeof AttributeProtoSchema>) =>
  create(AttributeProtoSchema, fields);
const int = (name: string, i: number) => attribute({ name, type: AttributeType.INT, i: BigInt(i) });
const float = (name: string, f: number) => attribute({ name, type: AttributeType.FLOAT, f });
const floats = (name: string, list: number[]) =>
  attribute({ name, type: AttributeType.FLOATS, floats: list });
const text = (name: string, s: string) =>
  attribute({ name, type: AttributeType.STRING, s: new TextEncoder().encode(s) });

const constant = (name: string, floatData: number[], dims = [floatData.length]): TensorProto =>
  create(TensorProtoSchema, { name, dataType: FLOAT, dims: dims.map(BigInt), floatData });

interface Parts {
  readonly nodes: NodeProto[];
  readonly outputs?: ValueInfoProto[];
  readonly initializers?: TensorProto[];
  readonly functions?: MessageInitShape<typeof FunctionProtoSchema>[];
  readonly input?: ValueInfoProto;
  readonly opset?: number;
}

function file({
  nodes,
  outputs = [value('y', [])],
  initializers = [],
  functions = [],
  input = value('x', ['N', 3]),
  opset = 20,
}: Parts): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 9n,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      functions: functions.map((f) => create(FunctionProtoSchema, f)),
      graph: create(GraphProtoSchema, {
        input: [input],
        output: outputs,
        node: nodes,
        initializer: initializers,
      }),
    }),
  );
}

const decode = (parts: Parts) => decodeOnnx(file(parts), 'model.onnx');
const X = [-2, 0.5, 3];
const run = (parts: Parts, x = X) =>
  Array.from(interpret(decode(parts), { x: array64(x, [x.length / 3, 3]) }).y.data);

function expectClose(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  for (const [i, v] of expected.entries()) expect(got[i]).toBeCloseTo(v, 6);
}

describe('ops in terms of others', () => {
  // x·Φ(x), with Φ(−2) = 0.02275013, Φ(0.5) = 0.69146246, Φ(3) = 0.99865010.
  it('Gelu by erf', () => {
    expectClose(run({ nodes: [node('Gelu', ['x'], ['y'])] }), [-0.04550026, 0.34573123, 2.99595031]);
  });

  it('Gelu by tanh', () => {
    const gelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    const approximate = text('approximate', 'tanh');
    expectClose(run({ nodes: [node('Gelu', ['x'], ['y'], { attribute: [approximate] })] }), X.map(gelu));
  });

  it('Mean of several', () => {
    expectClose(
      run({ nodes: [node('Neg', ['x'], ['n']), node('Mean', ['x', 'n', 'x'], ['y'])] }),
      X.map((v) => v / 3),
    );
  });

  it('ConstantOfShape, with a value and without', () => {
    const filling = attribute({ name: 'value', type: AttributeType.TENSOR, t: constant('', [7]) });
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('ConstantOfShape', ['s'], ['c'], { attribute: [filling] }),
      node('ConstantOfShape', ['s'], ['z']),
      node('Add', ['c', 'z'], ['y']),
    ];
    expect(run({ nodes }, [1, 2, 3, 4, 5, 6])).toEqual([7, 7, 7, 7, 7, 7]);
  });

  it('CastLike', () => {
    const nodes = [
      node('Cast', ['x'], ['i'], { attribute: [int('to', INT64)] }),
      node('CastLike', ['i', 'x'], ['y']),
    ];
    expect(decode({ nodes }).outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['N', 3] }]);
    expect(run({ nodes })).toEqual([-2, 0, 3]);
  });

  it("scikit-learn's Scaler", () => {
    const parts = {
      attribute: [floats('offset', [1, 2, 3]), floats('scale', [2, 4, 8])],
      domain: 'ai.onnx.ml',
    };
    expect(run({ nodes: [node('Scaler', ['x'], ['y'], parts)] })).toEqual([-6, -6, 0]);
  });
});

describe('local functions', () => {
  /** leak(a; slope = 0.5) = max(a, slope·a), with the slope as a Constant, and once more around it. */
  const slope = attribute({ name: 'value_float', type: AttributeType.FLOAT, refAttrName: 'slope' });
  const leak = {
    domain: 'own',
    name: 'leak',
    input: ['a'],
    output: ['b'],
    attributeProto: [float('slope', 0.5)],
    node: [
      node('Constant', [], ['s'], { attribute: [slope] }),
      node('Mul', ['a', 's'], ['t']),
      node('Max', ['a', 't'], ['b']),
    ],
  };
  const twice = {
    domain: 'own',
    name: 'twice',
    input: ['a'],
    output: ['b'],
    node: [node('leak', ['a'], ['t'], { domain: 'own' }), node('leak', ['t'], ['b'], { domain: 'own' })],
  };

  it('stand for their bodies, with defaults and the attributes of the caller', () => {
    const call = (list: AttributeProto[]) => [node('leak', ['x'], ['y'], { domain: 'own', attribute: list })];
    expect(run({ nodes: call([]), functions: [leak] })).toEqual([-1, 0.5, 3]);
    expect(run({ nodes: call([float('slope', 0.25)]), functions: [leak] })).toEqual([-0.5, 0.5, 3]);
  });

  it('may call others, and be called more than once', () => {
    const nodes = [
      node('twice', ['x'], ['h'], { domain: 'own' }),
      node('leak', ['h'], ['y'], { domain: 'own' }),
    ];
    const graph = decode({ nodes, functions: [leak, twice] });
    expect(graph.nodes.map((n) => n.op)).toEqual(['Mul', 'Max', 'Mul', 'Max', 'Mul', 'Max']);
    expect(run({ nodes, functions: [leak, twice] })).toEqual([-0.25, 0.5, 3]);
  });

  it('that call themselves are refused', () => {
    const loop = { ...twice, node: [node('twice', ['a'], ['b'], { domain: 'own' })] };
    const nodes = [node('twice', ['x'], ['y'], { domain: 'own' })];
    expect(() => decode({ nodes, functions: [loop] })).toThrow(/function twice calls itself/);
  });
});

describe('branches', () => {
  const branch = (op: string) =>
    create(GraphProtoSchema, {
      node: [node(op, ['x'], ['inner'])],
      output: [create(ValueInfoProtoSchema, { name: 'inner' })],
    });
  const choice = (condition: string) =>
    node('If', [condition], ['y'], {
      attribute: [
        attribute({ name: 'then_branch', type: AttributeType.GRAPH, g: branch('Neg') }),
        attribute({ name: 'else_branch', type: AttributeType.GRAPH, g: branch('Abs') }),
      ],
    });
  const index = (i: number) =>
    create(TensorProtoSchema, { name: 'i', dataType: INT64, dims: [], int64Data: [BigInt(i)] });
  const three = create(TensorProtoSchema, { name: 'three', dataType: INT64, dims: [], int64Data: [3n] });

  it.each([
    ['taken', 3, [2, -0.5, -3]],
    ['not taken', 2, [2, 0.5, 3]],
  ])('decided by a shape: %s', (_, columns, expected) => {
    const nodes = [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'i'], ['columns']),
      node('Equal', ['columns', 'asked'], ['same']),
      choice('same'),
    ];
    const asked = create(TensorProtoSchema, { ...three, name: 'asked', int64Data: [BigInt(columns)] });
    expect(run({ nodes, initializers: [index(1), asked] })).toEqual(expected);
  });

  it('decided by the data are refused', () => {
    const nodes = [
      node('ReduceMax', ['x'], ['m'], { attribute: [int('keepdims', 0)] }),
      node('Greater', ['m', 'zero'], ['some']),
      choice('some'),
    ];
    const zero = constant('zero', [0], []);
    expect(() => decode({ nodes, initializers: [zero] })).toThrow(/If "If of y" chooses by the data/);
  });
});

describe('half precision', () => {
  const bits = (dataType: number, int32Data: number[]) =>
    create(TensorProtoSchema, { name: 'w', dataType, dims: [BigInt(int32Data.length)], int32Data });
  const nodes = [node('Identity', ['w'], ['y'])];
  const read = (t: TensorProto) =>
    Array.from(decode({ nodes, initializers: [t] }).constants.get('w')?.data ?? []);

  it('of 16 bits: normal, subnormal, negative, largest', () => {
    const some = bits(FLOAT16, [0x3c00, 0xc000, 0x0001, 0x8000, 0x7bff, 0x3555]);
    expect(read(some)).toEqual([1, -2, 2 ** -24, -0, 65504, 0.333251953125]);
  });

  it('of bfloat16', () => {
    expect(read(bits(BFLOAT16, [0x3f80, 0xc040, 0x4049]))).toEqual([1, -3, 3.140625]);
  });

  it('as raw bytes, and as the type of inputs and casts, is float32', () => {
    const rawData = new Uint8Array(Uint16Array.of(0x3c00, 0x4000, 0x4200).buffer);
    const w = create(TensorProtoSchema, { name: 'w', dataType: FLOAT16, dims: [3n], rawData });
    const cast = node('Cast', ['x'], ['c'], { attribute: [int('to', FLOAT16)] });
    const graph = {
      nodes: [cast, node('Mul', ['c', 'w'], ['y'])],
      initializers: [w],
      input: value('x', ['N', 3], FLOAT16),
    };
    expect(decode(graph).inputs[0].dtype).toBe('float32');
    expect(run(graph)).toEqual([-2, 1, 9]);
  });
});

describe('outputs', () => {
  const logits = node('Relu', ['x'], ['y']);
  const label = node('Frobnicate', ['y'], ['label'], { domain: 'ai.onnx.ml' });
  const labelled = value('label', ['N'], STRING);

  it('that are no float tensors and cannot be read are left out, with what made them', () => {
    const graph = decode({
      nodes: [logits, node('Neg', ['y'], ['n']), label],
      outputs: [labelled, value('y', [])],
    });
    expect(graph.outputs.map((o) => o.name)).toEqual(['y']);
    expect(graph.nodes.map((n) => n.op)).toEqual(['Relu']);
  });

  it('of floats behind the first are left out, too', () => {
    const nodes = [logits, node('Frobnicate', ['x'], ['e'])];
    expect(decode({ nodes, outputs: [value('y', []), value('e', [])] }).outputs.length).toBe(1);
  });

  it('of floats in the first place are not: no other is explained in their stead', () => {
    const nodes = [node('Frobnicate', ['x'], ['e']), logits];
    expect(() => decode({ nodes, outputs: [value('e', []), value('y', [])] })).toThrow(
      /node "Frobnicate of e": op Frobnicate is not supported/,
    );
  });

  it('name what is in the way where none is left', () => {
    expect(() => decode({ nodes: [logits, label], outputs: [labelled] })).toThrow(/op ai.onnx.ml.Frobnicate/);
  });
});

describe('weights that are no numbers', () => {
  const add = [node('Add', ['x', 'w'], ['y'])];
  it.each([
    ['not a number', Number.NaN],
    ['infinite', Number.NEGATIVE_INFINITY],
  ])('%s', (_, bad) => {
    const reading = () => decode({ nodes: add, initializers: [constant('w', [1, bad, 2])] });
    expect(reading).toThrow(ModelError);
    expect(reading).toThrow(/constant "w": expected finite numbers, got (NaN|-Infinity) at 1/);
  });

  it('bounds may be infinite', () => {
    const bounds = [constant('low', [0], []), constant('high', [Number.POSITIVE_INFINITY], [])];
    expect(run({ nodes: [node('Clip', ['x', 'low', 'high'], ['y'])], initializers: bounds })).toEqual([
      0, 0.5, 3,
    ]);
  });
});

describe('refusals', () => {
  it('an axis without a size that a layer needs is named', () => {
    const parts = {
      nodes: [node('Conv', ['x', 'w'], ['y'])],
      initializers: [constant('w', [1, 2, 3], [1, 1, 3])],
      input: value('x', ['N', 1, 'time']),
    };
    expect(() => decode(parts)).toThrow(ModelError);
    expect(() => decode(parts)).toThrow(
      /input "x" has no fixed size on axis 2 \("time"\).*Export the model with a fixed input size/,
    );
  });

  it.each([
    [
      'BatchNormalization',
      node('BatchNormalization', ['x', 'w', 'w', 'w', 'w'], ['y'], { attribute: [int('training_mode', 1)] }),
    ],
    ['Dropout', node('Dropout', ['x', '', 'yes'], ['y'])],
  ])('%s in training mode', (op, training) => {
    const yes = create(TensorProtoSchema, { name: 'yes', dataType: 9, dims: [], int32Data: [1] });
    const reading = () => decode({ nodes: [training], initializers: [constant('w', [1, 1, 1]), yes] });
    expect(reading).toThrow(ModelError);
    expect(reading).toThrow(new RegExp(`${op} ".*" is in training mode.*model.eval`));
  });

  it('a sequence in the place of logits', () => {
    const reading = () => decode({ nodes: [node('SequenceConstruct', ['x'], ['y'])] });
    expect(reading).toThrow(GraphError);
    expect(reading).toThrow(/op SequenceConstruct is not supported/);
  });
});
