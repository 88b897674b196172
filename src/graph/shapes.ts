// Shape inference: for every op, the types of its outputs from the types of its inputs.
import { GraphError } from '../errors.ts';
import { Arguments, elementsOf, expectDim, type Known, sameType, without } from './arguments.ts';
import { axisOf, broadcast, productOf, quotient, staticDims, totalOf } from './dims.ts';
import { ONNX_DTYPES } from './dtypes.ts';
import { FEW, smallElements } from './elements.ts';
import type { OpName } from './ops.ts';
import { padPlaces, type SliceAxis, sliceAxis, splitSizes } from './slices.ts';
import type { Dim, Graph, Node, NodeOf, Shape, Tensor, ValueType } from './types.ts';
import { isFloat, showType, sizeOf } from './types.ts';
import { transposedWindowOf, windowOf } from './window.ts';

export type { Known } from './arguments.ts';
export { ONNX_DTYPES, onnxDType } from './dtypes.ts';

type ShapeRule<K extends OpName> = (x: Arguments<K>) => ValueType | ValueType[];

type ReductionOp = 'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ReduceMin' | 'ReduceProd' | 'ReduceL2';

const unary: ShapeRule<OpName> = (x) => x.same();
const elementwise: ShapeRule<OpName> = (x) => {
  const shape = x.node.inputs.map((_, i) => x.shape(i)).reduce((a, b) => broadcast(a, b, x.where));
  for (let i = 1; i < x.node.inputs.length; i++) sameType(x, 0, i);
  return { dtype: x.at(0).dtype, shape };
};
const comparison: ShapeRule<OpName> = (x) => ({ ...(elementwise(x) as ValueType), dtype: 'bool' });

const reduction: ShapeRule<ReductionOp> = (x) => {
  const rank = x.shape(0).length;
  const given = x.has(1) ? x.ints(1).map((axis) => axisOf(axis, rank, x.where)) : [];
  if (given.length === 0 && x.a.noop_with_empty_axes) return x.same();
  const axes = given.length ? given : [...x.shape(0).keys()];
  return { dtype: x.at(0).dtype, shape: without(x.shape(0), axes, x.a.keepdims ?? 1) };
};

const globalPool: ShapeRule<OpName> = (x) => ({
  dtype: x.at(0).dtype,
  shape: [...x.shape(0).slice(0, 2), ...x.spatial(0).map(() => 1)],
});

const SHAPES: { readonly [K in OpName]: ShapeRule<K> } = {
  Conv: (x) => {
    const [outChannels, perGroup] = x.shape(1);
    const kernel = staticDims(x.shape(1).slice(2), x.where);
    expectDim(x, 'input channels', x.shape(0)[1], productOf([perGroup, x.a.group ?? 1]));
    return {
      dtype: x.at(0).dtype,
      shape: [x.shape(0)[0], outChannels, ...windowOf(x.a, kernel, x.spatial(0), x.where).output],
    };
  },
  ConvTranspose: (x) => {
    const [inChannels, perGroup, ...kernel] = staticDims(x.shape(1), x.where);
    expectDim(x, 'input channels', x.shape(0)[1], inChannels);
    return {
      dtype: x.at(0).dtype,
      shape: [
        x.shape(0)[0],
        perGroup * (x.a.group ?? 1),
        ...transposedWindowOf(x.a, kernel, x.spatial(0), x.where).output,
      ],
    };
  },
  Gemm: (x) => {
    const [m, k] = flip(x.shape(0), x.a.transA, x);
    const [k2, n] = flip(x.shape(1), x.a.transB, x);
    expectDim(x, 'inner extent', k, k2);
    if (x.has(2)) broadcast([m, n], x.shape(2), x.where);
    return { dtype: x.at(0).dtype, shape: [m, n] };
  },
  MatMul: (x) => {
    const a = x.shape(0).length === 1 ? [1, x.shape(0)[0]] : x.shape(0);
    const b = x.shape(1).length === 1 ? [x.shape(1)[0], 1] : x.shape(1);
    expectDim(x, 'inner extent', a.at(-1) as Dim, b.at(-2) as Dim);
    const shape = [...broadcast(a.slice(0, -2), b.slice(0, -2), x.where)];
    if (x.shape(0).length > 1) shape.push(a.at(-2) as Dim);
    if (x.shape(1).length > 1) shape.push(b.at(-1) as Dim);
    return { dtype: x.at(0).dtype, shape };
  },

  MaxPool: (x) => {
    const shape = pooled(x);
    return [
      { dtype: x.at(0).dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
  AveragePool: (x) => ({ dtype: x.at(0).dtype, shape: pooled(x) }),
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,

  BatchNormalization: (x) => {
    for (let i = 1; i < 5; i++) expectDim(x, `extent of input ${i}`, x.shape(i)[0], x.shape(0)[1]);
    return [x.same(), x.same(3), x.same(4)];
  },
  Dropout: (x) => [x.same(), x.same(0, 'bool')],
  LRN: (x) => {
    const { size = 0 } = x.a;
    if (size % 2 === 1 && x.spatial(0).length === 2) return x.same();
    throw new GraphError({
      what: x.where,
      expected: 'an input [N, C, H, W] and an odd size',
      got: `${showType(x.at(0))} and ${size}`,
    });
  },
  Identity: unary,
  Relu: unary,
  LeakyRelu: unary,
  PRelu: (x) => {
    sameType(x, 0, 1);
    const shape = broadcast(x.shape(0), x.shape(1), x.where);
    shape.forEach((dim, i) => {
      expectDim(x, `extent ${i} of the slope`, dim, x.shape(0)[i]);
    });
    return x.same();
  },
  ThresholdedRelu: unary,
  Clip: unary,
  Elu: unary,
  Selu: unary,
  Celu: unary,
  Sigmoid: unary,
  HardSigmoid: unary,
  HardSwish: unary,
  Mish: unary,
  Softplus: unary,
  Softsign: unary,
  Tanh: unary,
  Erf: unary,
  Softmax: unary,
  LogSoftmax: unary,

  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Mod: elementwise,
  Pow: (x) => ({ dtype: x.at(0).dtype, shape: broadcast(x.shape(0), x.shape(1), x.where) }),
  Sum: elementwise,
  Max: elementwise,
  Min: elementwise,
  Neg: unary,
  Abs: unary,
  Sqrt: unary,
  Exp: unary,
  Log: unary,
  Reciprocal: unary,
  Floor: unary,
  Ceil: unary,
  Sign: unary,

  Equal: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  And: comparison,
  Or: comparison,
  Not: unary,
  Where: (x) => {
    sameType(x, 1, 2);
    const shape = [1, 2].reduce<Shape>((s, i) => broadcast(s, x.shape(i), x.where), x.shape(0));
    return { dtype: x.at(1).dtype, shape };
  },
  Cast: (x) => {
    const dtype = ONNX_DTYPES[x.a.to ?? 0];
    if (!dtype) {
      throw new GraphError({
        what: `${x.where}: element type ${x.a.to} is not supported`,
        expected: Object.values(ONNX_DTYPES).join(', '),
      });
    }
    return x.same(0, dtype);
  },

  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  ReduceMin: reduction,
  ReduceProd: reduction,
  ReduceL2: reduction,
  ArgMax: (x) => {
    const axis = axisOf(x.a.axis ?? 0, x.shape(0).length, x.where);
    return { dtype: 'int64', shape: without(x.shape(0), [axis], x.a.keepdims ?? 1) };
  },

  Flatten: (x) => {
    const rank = x.shape(0).length;
    const axis = x.a.axis ?? 1;
    const at = axis === rank ? rank : axisOf(axis, rank, x.where);
    const shape = [productOf(x.shape(0).slice(0, at)), productOf(x.shape(0).slice(at))];
    return { dtype: x.at(0).dtype, shape };
  },
  Reshape: (x) => ({ dtype: x.at(0).dtype, shape: reshaped(x) }),
  Transpose: (x) => {
    const rank = x.shape(0).length;
    const perm = x.a.perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
    return { dtype: x.at(0).dtype, shape: perm.map((axis) => x.shape(0)[axis]) };
  },
  Squeeze: (x) => {
    const rank = x.shape(0).length;
    const axes = x.has(1)
      ? x.ints(1).map((axis) => axisOf(axis, rank, x.where))
      : [...x.shape(0).keys()].filter((i) => x.shape(0)[i] === 1);
    return { dtype: x.at(0).dtype, shape: without(x.shape(0), axes, 0) };
  },
  Unsqueeze: (x) => {
    const rank = x.shape(0).length + x.ints(1).length;
    const axes = new Set(x.ints(1).map((axis) => axisOf(axis, rank, x.where)));
    const rest = [...x.shape(0)];
    const shape = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() as Dim)));
    return { dtype: x.at(0).dtype, shape };
  },
  Expand: (x) => ({ dtype: x.at(0).dtype, shape: broadcast(x.shape(0), elementsOf(x, 1), x.where) }),
  Tile: (x) => {
    const repeats = elementsOf(x, 1);
    expectDim(x, 'number of repeats', repeats.length, x.shape(0).length);
    return { dtype: x.at(0).dtype, shape: x.shape(0).map((dim, i) => productOf([dim, repeats[i]])) };
  },
  Concat: (x) => {
    const parts = x.node.inputs.map((_, i) => x.at(i));
    const axis = axisOf(x.a.axis ?? 0, parts[0].shape.length, x.where);
    for (let i = 1; i < parts.length; i++) {
      parts[0].shape.forEach((dim, j) => {
        if (j !== axis) expectDim(x, `extent ${j} of input ${i}`, parts[i].shape[j], dim);
      });
    }
    const along = parts.map((p) => p.shape[axis]);
    return { dtype: parts[0].dtype, shape: parts[0].shape.with(axis, totalOf(along)) };
  },
  Slice: (x) => {
    const slices = slicesOf(x);
    const shape = x.shape(0).map((dim, axis) => slices.get(axis)?.length ?? dim);
    return { dtype: x.at(0).dtype, shape };
  },
  Split: (x) => {
    const axis = axisOf(x.a.axis ?? 0, x.shape(0).length, x.where);
    const [size] = staticDims([x.shape(0)[axis]], x.where);
    const parts = splitSizes(size, x.node.outputs.length, x.has(1) ? x.ints(1) : undefined);
    expectDim(x, 'sum of the parts', totalOf(parts), size);
    return parts.map((length) => ({ dtype: x.at(0).dtype, shape: x.shape(0).with(axis, length) }));
  },
  Pad: (x) => {
    const rank = x.shape(0).length;
    const axes = x.has(3) ? x.ints(3).map((axis) => axisOf(axis, rank, x.where)) : [...x.shape(0).keys()];
    const pads = x.ints(1);
    expectDim(x, 'number of pads', pads.length, 2 * axes.length);
    const shape = [...x.shape(0)];
    axes.forEach((axis, i) => {
      const [begin, end] = [pads[i], pads[i + axes.length]];
      if (begin === 0 && end === 0) return;
      const [size] = staticDims([shape[axis]], x.where);
      shape[axis] = padPlaces(x.a.mode ?? 'constant', size, begin, end, x.where).length;
    });
    return { dtype: x.at(0).dtype, shape };
  },
  Gather: (x) => {
    const axis = axisOf(x.a.axis ?? 0, x.shape(0).length, x.where);
    const shape = [...x.shape(0).slice(0, axis), ...x.shape(1), ...x.shape(0).slice(axis + 1)];
    return { dtype: x.at(0).dtype, shape };
  },
  GatherElements: (x) => ({ dtype: x.at(0).dtype, shape: x.shape(1) }),
  ScatterElements: (x) => x.same(),
  Shape: (x) => {
    const rank = x.shape(0).length;
    const bound = (i: number) => Math.min(Math.max(i < 0 ? i + rank : i, 0), rank);
    const length = bound(x.a.end ?? rank) - bound(x.a.start ?? 0);
    return { dtype: 'int64', shape: [Math.max(length, 0)] };
  },
  Size: () => ({ dtype: 'int64', shape: [] }),
  Range: (x) => {
    const [[start], [limit], [delta]] = [0, 1, 2].map((i) => elementsOf(x, i));
    const { dtype } = x.at(0);
    if (start === 0 && delta === 1) return { dtype, shape: [limit] };
    const [from, to, step] = staticDims([start, limit, delta], x.where);
    return { dtype, shape: [Math.max(Math.ceil((to - from) / step), 0)] };
  },
};

function flip<K extends OpName>(shape: Shape, transposed: number | undefined, x: Arguments<K>): [Dim, Dim] {
  if (shape.length !== 2) {
    throw new GraphError({ what: x.where, expected: 'matrices', got: `[${shape.join(', ')}]` });
  }
  return transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
}

function pooled(x: Arguments<'MaxPool'> | Arguments<'AveragePool'>): Dim[] {
  const window = windowOf(x.a, x.a.kernel_shape ?? [], x.spatial(0), x.where);
  return [...x.shape(0).slice(0, 2), ...window.output];
}

function reshaped(x: Arguments<'Reshape'>): Dim[] {
  const target = elementsOf(x, 1).map((dim, i) => (dim === 0 && !x.a.allowzero ? x.shape(0)[i] : dim));
  const open = target.indexOf(-1);
  const total = productOf(x.shape(0));
  const rest = productOf(target.filter((_, i) => i !== open));
  if (open >= 0) {
    const filled = quotient(total, rest);
    if (filled !== undefined) return target.with(open, filled);
  } else if (quotient(total, rest) === 1 || (typeof rest === 'number') !== (typeof total === 'number')) {
    return target;
  }
  throw new GraphError({
    what: `${x.where}: shapes do not hold the same number of elements`,
    got: `[${x.shape(0).join(', ')}] to [${elementsOf(x, 1).join(', ')}]`,
  });
}

function slicesOf(x: Arguments<'Slice'>): Map<number, SliceAxis> {
  const rank = x.shape(0).length;
  const starts = x.ints(1);
  const ends = elementsOf(x, 2);
  const axes = x.has(3) ? x.ints(3) : starts.map((_, i) => i);
  const steps = x.has(4) ? x.ints(4) : starts.map(() => 1);
  return new Map(
    axes.map((axis, i) => {
      const at = axisOf(axis, rank, x.where);
      return [at, sliceAxis(x.shape(0)[at], starts[i], ends[i], steps[i], x.where)];
    }),
  );
}

/** What is known of a constant; small integer arrays and single numbers keep their elements. */
export function knownConstant(t: Tensor): Known {
  const type = { dtype: t.dtype, shape: t.dims };
  return sizeOf(t.dims) <= (isFloat(t.dtype) ? 1 : FEW) ? { ...type, elements: Array.from(t.data) } : type;
}

/**
 * Types of a node's outputs.
 * @throws GraphError where the inputs do not fit the op.
 */
export function inferNode(node: Node, known: (name: string) => Known | undefined): Known[] {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : known(name)));
  const rule = SHAPES[node.op] as unknown as ShapeRule<OpName>;
  const types = [rule(new Arguments(node as NodeOf<OpName>, inputs))].flat();
  const elements = smallElements(node, inputs, types);
  return types.map((type, i) => (elements?.[i] ? { ...type, elements: elements[i] } : type));
}

/** Types of all values of a graph. */
export function inferShapes(graph: Graph): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const input of graph.inputs) known.set(input.name, { dtype: input.dtype, shape: input.shape });
  for (const [name, constant] of graph.constants) known.set(name, knownConstant(constant));
  for (const node of graph.nodes) {
    const types = inferNode(node, (name) => known.get(name));
    node.outputs.forEach((name, i) => {
      if (name !== '') known.set(name, types[i]);
    });
  }
  return known;
}
