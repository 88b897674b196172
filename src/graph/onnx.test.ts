// Property, golden: .onnx files come back as they were written; older forms are raised; whatever is broken is refused by name.
import { readFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { random } from '../corpus/random.ts';
import { EarmarkError, GraphError, ModelError } from '../errors.ts';
import { GraphBuilder } from './builder.ts';
import { explicitWindows } from './explicit.ts';
import { array64, interpret } from './interpret.ts';
import { decodeOnnx, encodeOnnx } from './onnx.ts';
import { OPS } from './ops.ts';
import type { DType, Graph } from './types.ts';
import { int64s, tensor } from './types.ts';

/** A small graph with attributes of every kind and constants of several types. */
function small(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 1, 6, 6]);
  const weight = g.constant(
    tensor(
      Float32Array.from({ length: 18 }, (_, i) => i / 8 - 1),
      [2, 1, 3, 3],
    ),
    'w',
  );
  const convolved = g.emit('Conv', [x, weight], { auto_pad: 'SAME_UPPER', strides: [2, 2] }, 'conv');
  const flat = g.reshape(convolved, [0, -1]);
  const cut = g.slice(flat, [{ axis: 1, start: -1, end: -(2 ** 31), step: -2 }]);
  const dense = g.constant(
    tensor(
      Float32Array.from({ length: 18 }, (_, i) => i / 4),
      [2, 9],
    ),
    'dense',
  );
  g.emit('Gemm', [cut, dense], { alpha: 0.5, transB: 1 }, 'logits');
  g.output('logits');
  return g.build('small', { note: 'für alle', empty: '' });
}

describe('there and back', () => {
  it('a graph with its metadata, attributes and constants', () => {
    const graph = decodeOnnx(encodeOnnx(small()), 'small');
    expect(graph).toEqual(decodeOnnx(encodeOnnx(graph), 'again'));
    expect(graph.metadata).toEqual({ note: 'für alle', empty: '' });
    expect(graph.nodes).toEqual(explicitWindows(small()).nodes);
    expect(graph.inputs).toEqual(small().inputs);
    expect(graph.outputs).toEqual(small().outputs);
    for (const [name, t] of small().constants) {
      expect(Array.from(graph.constants.get(name)?.data ?? []), name).toEqual(Array.from(t.data));
    }
  });

  const DTYPES: Record<DType, fc.Arbitrary<number>> = {
    float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
    float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
    int32: fc.integer(),
    int64: fc.maxSafeInteger(),
    uint8: fc.integer({ min: 0, max: 255 }),
    bool: fc.constantFrom(0, 1),
  };
  it.each(Object.entries(DTYPES) as [DType, fc.Arbitrary<number>][])('constants of %s', (dtype, value) => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const g = new GraphBuilder();
        const constant = g.constant(tensor(values, [1, values.length], dtype), 'c');
        g.emit('Identity', [constant], {}, 'y');
        g.output('y');
        const back = decodeOnnx(encodeOnnx(g.build('constant')), 'constant');
        expect(back.constants.get('c')?.dtype).toBe(dtype);
        expect(back.outputs).toEqual([{ name: 'y', dtype, shape: [1, values.length] }]);
        expect(Array.from(back.constants.get('c')?.data ?? [])).toEqual(values);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('the largest int64, which stands for "to the end", is kept', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 5]);
    g.emit('Slice', [x, int64s([1]), int64s([2 ** 63]), int64s([1])], {}, 'y');
    g.output('y');
    const back = decodeOnnx(encodeOnnx(g.build('slice')), 'slice');
    expect(back.outputs[0].shape).toEqual(['N', 4]);
    expect(interpret(back, { x: array64([1, 2, 3, 4, 5], [1, 5]) }).y.dims).toEqual([1, 4]);
  });

  describe.each(['cnn_mel', 'cnn_bn', 'audionet'])('%s', (name) => {
    describeShared(`fixtures/lrp/${name}`, "PyTorch's file", () => {
      it('decodes to what its encoding decodes to', () => {
        const graph = decodeOnnx(readFileSync(sharedPath(`fixtures/lrp/${name}/model.onnx`)), name);
        expect(graph.nodes.length).toBeGreaterThan(5);
        expect(decodeOnnx(encodeOnnx(graph), name)).toEqual(graph);
      });

      it('cut short anywhere it is refused, and says so', () => {
        const bytes = readFileSync(sharedPath(`fixtures/lrp/${name}/model.onnx`));
        const next = random(7);
        const lengths = [
          0,
          1,
          2,
          16,
          100,
          bytes.length - 1,
          ...Array.from({ length: 40 }, () => Math.floor(next() * bytes.length)),
        ];
        for (const length of lengths) {
          expect(() => decodeOnnx(bytes.subarray(0, length), `${name}.onnx`), `${length} bytes`).toThrow(
            ModelError,
          );
        }
      });
    });
  });
});

describe('broken bytes', () => {
  const bytes = encodeOnnx({ ...small(), metadata: {} });

  // A file that lacks nothing but some metadata at its end is a valid one.
  it('every shorter file is refused', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeOnnx(bytes.subarray(0, length), 'cut'), `${length} bytes`).toThrow(EarmarkError);
    }
  });

  it('500 files with up to three bytes changed are read, or refused as what they are', () => {
    const next = random(42);
    let refused = 0;
    for (let mutant = 0; mutant < 500; mutant++) {
      const changed = bytes.slice();
      for (let change = 0; change <= mutant % 3; change++) {
        changed[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
      }
      try {
        decodeOnnx(changed, 'mutant');
      } catch (error) {
        expect(error, `mutant ${mutant}: ${error}`).toBeInstanceOf(EarmarkError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  it.each([
    ['text', new TextEncoder().encode('this is no model')],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['nothing', new Uint8Array(0)],
  ])('%s is no model', (_, data) => {
    expect(() => decodeOnnx(data, 'x.onnx')).toThrow(/^x.onnx: not an ONNX model/);
  });
});

type Value = number | string | number[];
interface RawNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Value>>;
  readonly domain?: string;
}

/** A model file as an exporter might write it: one input x, any nodes. */
function file(
  nodes: readonly RawNode[],
  { opset = 11, shape = [2, 1, 4], constants = {} as Record<string, number[]>, external = false } = {},
): Uint8Array {
  const attribute = (name: string, value: Value) => {
    if (Array.isArray(value)) {
      return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
    }
    return typeof value === 'string'
      ? create(AttributeProtoSchema, {
          name,
          type: AttributeType.STRING,
          s: new TextEncoder().encode(value),
        })
      : Number.isInteger(value)
        ? create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) })
        : create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value });
  };
  const dim = (size: number) =>
    create(TensorShapeProto_DimensionSchema, { value: { case: 'dimValue', value: BigInt(size) } });
  const input = create(ValueInfoProtoSchema, {
    name: 'x',
    type: create(TypeProtoSchema, {
      value: {
        case: 'tensorType',
        value: create(TypeProto_TensorSchema, {
          elemType: 1,
          shape: create(TensorShapeProtoSchema, { dim: shape.map(dim) }),
        }),
      },
    }),
  });
  const graph = create(GraphProtoSchema, {
    name: 'made',
    input: [input],
    output: (nodes.at(-1)?.outputs ?? []).map((name) => create(ValueInfoProtoSchema, { name })),
    initializer: Object.entries(constants).map(([name, data]) =>
      create(TensorProtoSchema, {
        name,
        dataType: 1,
        dims: [BigInt(data.length)],
        ...(external ? { dataLocation: TensorProto_DataLocation.EXTERNAL } : { floatData: data }),
      }),
    ),
    node: nodes.map(({ op, inputs, outputs, attributes = {}, domain = '' }) =>
      create(NodeProtoSchema, {
        opType: op,
        domain,
        name: `${op}_node`,
        input: [...inputs],
        output: [...outputs],
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      }),
    ),
  });
  const opsetImport = [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(opset) })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 6n, opsetImport, graph }));
}

const unary = (op: string, attributes: RawNode['attributes'] = {}): RawNode[] => [
  { op, inputs: ['x'], outputs: ['y'], attributes },
];

describe('older forms are raised', () => {
  const x = array64([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4]);

  it.each<[string, RawNode[], number, number[], number[]]>([
    [
      'ReduceSum with axes as attribute',
      unary('ReduceSum', { axes: [2], keepdims: 0 }),
      11,
      [2, 1],
      [10, 26],
    ],
    ['ReduceMean with axes as attribute', unary('ReduceMean', { axes: [-1] }), 17, [2, 1, 1], [2.5, 6.5]],
    ['ReduceMax with axes as attribute', unary('ReduceMax', { axes: [0, 2], keepdims: 0 }), 12, [1], [8]],
    ['Squeeze with axes as attribute', unary('Squeeze', { axes: [1] }), 11, [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]],
    ['Unsqueeze with axes as attribute', unary('Unsqueeze', { axes: [0] }), 11, [1, 2, 1, 4], [...x.data]],
    [
      'Dropout with its ratio as attribute',
      unary('Dropout', { ratio: 0.25 }),
      11,
      [2, 1, 4],
      [1, 2, 3, 4, 5, 6, 7, 8],
    ],
  ])('%s', (_, nodes, opset, dims, data) => {
    const { y } = interpret(decodeOnnx(file(nodes, { opset }), 'old'), { x });
    expect(y.dims).toEqual(dims);
    expect(Array.from(y.data)).toEqual(data);
  });

  it.each([
    ['sizes as attribute', { axis: 2, split: [1, 3] }, [1, 3]],
    ['no sizes', { axis: 2 }, [2, 2]],
  ])('Split with %s', (_, attributes, sizes) => {
    const nodes = [{ op: 'Split', inputs: ['x'], outputs: ['a', 'b'], attributes }];
    const { a, b } = interpret(decodeOnnx(file(nodes), 'old'), { x });
    expect([a.dims[2], b.dims[2]]).toEqual(sizes);
    expect([a.data[0], b.data[0]]).toEqual([1, sizes[0] + 1]);
  });

  it('Softmax before opset 13 has axis 1, and is refused where it would flatten', () => {
    const softmax = (shape: number[]) => decodeOnnx(file(unary('Softmax'), { shape, opset: 11 }), 'old');
    expect(softmax([2, 4]).nodes[0].attributes).toEqual({ axis: 1 });
    expect(() => softmax([2, 3, 4])).toThrow(/Softmax "Softmax_node" of an opset before 13/);
    const now = decodeOnnx(file(unary('Softmax'), { shape: [2, 3, 4], opset: 13 }), 'new');
    expect(now.nodes[0].attributes).toEqual({});
  });

  it('what newer opsets say of the default is dropped', () => {
    const attributes = { kernel_shape: [2], strides: [2], dilations: [1] };
    const { y } = interpret(decodeOnnx(file(unary('AveragePool', attributes), { opset: 19 }), 'new'), { x });
    expect(Array.from(y.data)).toEqual([1.5, 3.5, 5.5, 7.5]);
    const cast = decodeOnnx(file(unary('Cast', { to: 1, saturate: 1 }), { opset: 19 }), 'new');
    expect(cast.nodes[0].attributes).toEqual({ to: 1 });
  });
});

describe('refusals', () => {
  const add: RawNode[] = [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }];
  it.each<[string, Uint8Array, typeof EarmarkError, RegExp]>([
    [
      'an unknown op',
      file(unary('Frobnicate')),
      GraphError,
      new RegExp(`node "Frobnicate_node": op Frobnicate is not supported.*one of ${Object.keys(OPS)[0]}, `),
    ],
    [
      'an op of another domain',
      file([{ op: 'Relu', domain: 'com.microsoft', inputs: ['x'], outputs: ['y'] }]),
      GraphError,
      /op com.microsoft.Relu is not supported/,
    ],
    ['an unknown attribute', file(unary('Relu', { slope: 1 })), GraphError, /"Relu_node".*"slope" of Relu/],
    [
      'an average pool with gaps',
      file(unary('AveragePool', { kernel_shape: [2], dilations: [2] }), { opset: 19 }),
      GraphError,
      /"dilations" of AveragePool/,
    ],
    [
      'too many inputs',
      file([{ op: 'Relu', inputs: ['x', 'x'], outputs: ['y'] }]),
      GraphError,
      /expected 1, got 2/,
    ],
    ['an old opset', file(unary('Relu'), { opset: 10 }), ModelError, /opset 10 is not supported.*11 to 23/],
    ['an opset to come', file(unary('Relu'), { opset: 24 }), ModelError, /opset 24 is not supported/],
    [
      'weights in another file',
      file(add, { constants: { c: [1, 2, 3, 4] }, external: true }),
      GraphError,
      /constant "c" lies in an external data file/,
    ],
    ['a value from nowhere', file(add), GraphError, /Add "Add_node" uses "c", which is not defined/],
    [
      'a value given twice',
      file([...unary('Relu'), ...unary('Neg')]),
      GraphError,
      /value "y" is defined twice/,
    ],
    ['no nodes', file([]), ModelError, /not an ONNX model/],
  ])('%s', (_, bytes, kind, message) => {
    expect(() => decodeOnnx(bytes, 'model.onnx')).toThrow(kind);
    expect(() => decodeOnnx(bytes, 'model.onnx')).toThrow(message);
  });
});

it('gives nodes that share a name in the file names of their own', () => {
  const nodes = [
    { op: 'Relu', inputs: ['x'], outputs: ['h'] },
    { op: 'Relu', inputs: ['h'], outputs: ['y'] },
  ];
  expect(decodeOnnx(file(nodes), 'twins').nodes.map((n) => n.name)).toEqual(['Relu_node', 'Relu_node_2']);
});
