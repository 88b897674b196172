// The operations that Earmark knows: ONNX's names, attribute types and numbers of inputs and outputs.

/** How ONNX stores an attribute. */
type AttributeKind = 'int' | 'float' | 'string' | 'ints';

interface AttributeValues {
  int: number;
  float: number;
  string: string;
  ints: readonly number[];
}

interface OpSpec {
  /** Smallest and largest number of inputs. */
  readonly inputs: readonly [number, number];
  /** Largest number of outputs; 1 where not given. */
  readonly outputs?: number;
  readonly attributes?: Readonly<Record<string, AttributeKind>>;
}

const any = Number.POSITIVE_INFINITY;
const unary = { inputs: [1, 1] } as const;
const binary = { inputs: [2, 2] } as const;
const variadic = { inputs: [1, any] } as const;
const window = { auto_pad: 'string', kernel_shape: 'ints', pads: 'ints', strides: 'ints' } as const;
const reduce = { inputs: [1, 2], attributes: { keepdims: 'int', noop_with_empty_axes: 'int' } } as const;

/** Every op, in groups: linear, pooling, normalisation and activation, arithmetic, logic, reduction, rearrangement, shape. */
export const OPS = {
  Conv: { inputs: [2, 3], attributes: { ...window, dilations: 'ints', group: 'int' } },
  ConvTranspose: {
    inputs: [2, 3],
    attributes: { ...window, dilations: 'ints', group: 'int', output_padding: 'ints', output_shape: 'ints' },
  },
  Gemm: { inputs: [2, 3], attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' } },
  MatMul: binary,

  MaxPool: {
    inputs: [1, 1],
    outputs: 2,
    attributes: { ...window, ceil_mode: 'int', dilations: 'ints', storage_order: 'int' },
  },
  AveragePool: { inputs: [1, 1], attributes: { ...window, ceil_mode: 'int', count_include_pad: 'int' } },
  GlobalAveragePool: unary,
  GlobalMaxPool: unary,

  BatchNormalization: {
    inputs: [5, 5],
    outputs: 3,
    attributes: { epsilon: 'float', momentum: 'float', training_mode: 'int' },
  },
  LRN: { inputs: [1, 1], attributes: { alpha: 'float', beta: 'float', bias: 'float', size: 'int' } },
  Dropout: { inputs: [1, 3], outputs: 2, attributes: { seed: 'int' } },
  Identity: unary,
  Relu: unary,
  LeakyRelu: { inputs: [1, 1], attributes: { alpha: 'float' } },
  PRelu: binary,
  ThresholdedRelu: { inputs: [1, 1], attributes: { alpha: 'float' } },
  Clip: { inputs: [1, 3] },
  Elu: { inputs: [1, 1], attributes: { alpha: 'float' } },
  Selu: { inputs: [1, 1], attributes: { alpha: 'float', gamma: 'float' } },
  Celu: { inputs: [1, 1], attributes: { alpha: 'float' } },
  Sigmoid: unary,
  HardSigmoid: { inputs: [1, 1], attributes: { alpha: 'float', beta: 'float' } },
  HardSwish: unary,
  Mish: unary,
  Softplus: unary,
  Softsign: unary,
  Tanh: unary,
  Erf: unary,
  Softmax: { inputs: [1, 1], attributes: { axis: 'int' } },
  LogSoftmax: { inputs: [1, 1], attributes: { axis: 'int' } },

  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Mod: { inputs: [2, 2], attributes: { fmod: 'int' } },
  Pow: binary,
  Sum: variadic,
  Max: variadic,
  Min: variadic,
  Neg: unary,
  Abs: unary,
  Sqrt: unary,
  Exp: unary,
  Log: unary,
  Reciprocal: unary,
  Floor: unary,
  Ceil: unary,
  Sign: unary,

  Equal: binary,
  Less: binary,
  LessOrEqual: binary,
  Greater: binary,
  GreaterOrEqual: binary,
  And: binary,
  Or: binary,
  Not: unary,
  Where: { inputs: [3, 3] },
  Cast: { inputs: [1, 1], attributes: { to: 'int' } },

  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceL2: reduce,
  ArgMax: { inputs: [1, 1], attributes: { axis: 'int', keepdims: 'int', select_last_index: 'int' } },

  Flatten: { inputs: [1, 1], attributes: { axis: 'int' } },
  Reshape: { inputs: [2, 2], attributes: { allowzero: 'int' } },
  Transpose: { inputs: [1, 1], attributes: { perm: 'ints' } },
  Squeeze: { inputs: [1, 2] },
  Unsqueeze: binary,
  Expand: binary,
  Tile: binary,
  Concat: { inputs: [1, any], attributes: { axis: 'int' } },
  Slice: { inputs: [3, 5] },
  Split: {
    inputs: [1, 2],
    outputs: any,
    attributes: { axis: 'int', num_outputs: 'int' },
  },
  Pad: { inputs: [2, 4], attributes: { mode: 'string' } },
  Gather: { inputs: [2, 2], attributes: { axis: 'int' } },
  GatherElements: { inputs: [2, 2], attributes: { axis: 'int' } },
  ScatterElements: { inputs: [3, 3], attributes: { axis: 'int', reduction: 'string' } },
  Shape: { inputs: [1, 1], attributes: { start: 'int', end: 'int' } },
  Size: unary,
  Range: { inputs: [3, 3] },
} as const satisfies Record<string, OpSpec>;

/** ONNX's defaults for Selu. */
export const SELU = { alpha: 1.6732631921768188, gamma: 1.0507010221481323 };

export type OpName = keyof typeof OPS;

type AttributeKinds<K extends OpName> = (typeof OPS)[K] extends { attributes: infer A }
  ? A
  : Record<never, never>;

/** The attributes of one op, each optional, typed by ONNX's own kinds. */
export type Attributes<K extends OpName> = {
  readonly [A in keyof AttributeKinds<K>]?: AttributeKinds<K>[A] extends AttributeKind
    ? AttributeValues[AttributeKinds<K>[A]]
    : never;
};

export function isOp(name: string): name is OpName {
  return Object.hasOwn(OPS, name);
}

/** What ONNX calls the attributes of an op and how each is stored. */
export function attributeKinds(op: OpName): Readonly<Record<string, AttributeKind>> {
  return (OPS[op] as OpSpec).attributes ?? {};
}

export function opSpec(op: OpName): OpSpec {
  return OPS[op];
}
