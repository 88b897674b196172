// Shape inference: for every op, the types of its outputs from the types of its inputs.
import { GraphError } from '../errors.ts';
import { axisOf, broadcast, productOf, quotient, staticDims } from './dims.ts';
import type { Attributes, OpName } from './ops.ts';
import { type SliceAxis, sliceAxis, splitSizes } from './slices.ts';
import type { Dim, DType, Graph, Node, NodeOf, Shape, Tensor, ValueType } from './types.ts';
import { isFloat, showType, sizeOf } from './types.ts';
import { transposedWindowOf, windowOf } from './window.ts';

/** What is known of a value before any run: its type and, for small integer vectors (shapes), its elements. */
export interface Known extends ValueType {
  readonly elements?: readonly Dim[];
}

/** ONNX's numbers for element types, as used by Cast. */
export const ONNX_DTYPES: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'uint8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  11: 'float64',
};

export function onnxDType(dtype: DType): number {
  return Number(Object.keys(ONNX_DTYPES).find((code) => ONNX_DTYPES[Number(code)] === dtype));
}

/** The arguments of one node, read with the checks that every rule would repeat. */
class Arguments<K extends OpName> {
  readonly a: Attributes<K>;
  readonly where: string;
  readonly node: NodeOf<K>;
  private readonly known: readonly (Known | undefined)[];

  constructor(node: NodeOf<K>, known: readonly (Known | undefined)[]) {
    this.node = node;
    this.known = known;
    this.a = node.attributes;
    this.where = `${node.op} "${node.name}"`;
  }

  has(i: number): boolean {
    return this.known[i] !== undefined;
  }

  at(i: number): Known {
    const known = this.known[i];
    if (known) return known;
    const name = this.node.inputs[i];
    throw new GraphError(
      name
        ? `${this.where} uses "${name}", which is not defined before it`
        : `${this.where}: input ${i} is missing`,
    );
  }

  shape(i: number): Shape {
    return this.at(i).shape;
  }

  /** The elements of an integer input that must be known before the run, such as axes. */
  ints(i: number): number[] {
    const elements = this.at(i).elements;
    if (elements?.every((e) => typeof e === 'number')) return elements as number[];
    throw new GraphError({ what: `${this.where}: input ${i} must be a constant`, got: 'a computed value' });
  }

  spatial(i: number): number[] {
    if (this.shape(i).length < 3) {
      throw new GraphError({
        what: `${this.where}: input has no spatial axis`,
        expected: '[N, C, …]',
        got: showType(this.at(i)),
      });
    }
    return staticDims(this.shape(i).slice(2), this.where);
  }

  same(i = 0, dtype: DType = this.at(i).dtype): Known {
    return { dtype, shape: this.shape(i) };
  }
}

type ShapeRule<K extends OpName> = (x: Arguments<K>) => Known | Known[];

const unary: ShapeRule<OpName> = (x) => x.same();
const elementwise: ShapeRule<OpName> = (x) => {
  const shape = x.node.inputs.map((_, i) => x.shape(i)).reduce((a, b) => broadcast(a, b, x.where));
  for (let i = 1; i < x.node.inputs.length; i++) sameType(x, 0, i);
  return { dtype: x.at(0).dtype, shape };
};
const comparison: ShapeRule<OpName> = (x) => ({ ...(elementwise(x) as Known), dtype: 'bool' });

const reduction: ShapeRule<'ReduceSum' | 'ReduceMean' | 'ReduceMax'> = (x) => {
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
    const [outChannels, perGroup, ...kernel] = staticDims(x.shape(1), x.where);
    const group = x.a.group ?? 1;
    expectDim(x, 'input channels', x.shape(0)[1], perGroup * group);
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
  Identity: (x) => x.at(0),
  Relu: unary,
  Sigmoid: unary,
  Tanh: unary,
  Softmax: unary,
  LogSoftmax: unary,

  Add: elementwise,
  Sub: elementwise,
  Mul: (x) => {
    const [a, b] = [x.at(0).elements, x.at(1).elements];
    const known = elementwise(x as never) as Known;
    return a?.length === b?.length && a && b
      ? { ...known, elements: a.map((d, i) => productOf([d, b[i]])) }
      : known;
  },
  Div: elementwise,
  Pow: (x) => ({ dtype: x.at(0).dtype, shape: broadcast(x.shape(0), x.shape(1), x.where) }),
  Max: elementwise,
  Min: elementwise,
  Neg: unary,
  Abs: unary,
  Sqrt: unary,
  Exp: unary,
  Log: unary,
  Reciprocal: unary,

  Equal: comparison,
  Less: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  And: comparison,
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
    return { ...x.at(0), dtype };
  },

  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
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
    return { ...x.at(0), shape: without(x.shape(0), axes, 0) };
  },
  Unsqueeze: (x) => {
    const rank = x.shape(0).length + x.ints(1).length;
    const axes = new Set(x.ints(1).map((axis) => axisOf(axis, rank, x.where)));
    const rest = [...x.shape(0)];
    const shape = Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.shift() as Dim)));
    return { ...x.at(0), shape };
  },
  Expand: (x) => ({ dtype: x.at(0).dtype, shape: broadcast(x.shape(0), elementsOf(x, 1), x.where) }),
  Concat: (x) => {
    const parts = x.node.inputs.map((_, i) => x.at(i));
    const axis = axisOf(x.a.axis ?? 0, parts[0].shape.length, x.where);
    for (let i = 1; i < parts.length; i++) {
      parts[0].shape.forEach((dim, j) => {
        if (j !== axis) expectDim(x, `extent ${j} of input ${i}`, parts[i].shape[j], dim);
      });
    }
    const along = parts.map((p) => p.shape[axis]);
    const total = along.every((d) => typeof d === 'number') ? sum(along) : along.join('+');
    const elements = parts.every((p) => p.elements) ? parts.flatMap((p) => p.elements as Dim[]) : undefined;
    return {
      dtype: parts[0].dtype,
      shape: parts[0].shape.map((dim, j) => (j === axis ? total : dim)),
      ...(elements && { elements }),
    };
  },
  Slice: (x) => {
    const slices = slicesOf(x);
    const shape = x.shape(0).map((dim, axis) => slices.get(axis)?.length ?? dim);
    const cut = slices.get(0);
    const elements = cut && x.at(0).elements;
    if (!elements) return { dtype: x.at(0).dtype, shape };
    const kept = Array.from({ length: cut.length as number }, (_, i) => elements[cut.start + i * cut.step]);
    return { dtype: x.at(0).dtype, shape, elements: kept };
  },
  Split: (x) => {
    const axis = axisOf(x.a.axis ?? 0, x.shape(0).length, x.where);
    const [size] = staticDims([x.shape(0)[axis]], x.where);
    const parts = splitSizes(size, x.node.outputs.length, x.has(1) ? x.ints(1) : undefined);
    expectDim(x, 'sum of the parts', sum(parts), size);
    return parts.map((length) => ({ dtype: x.at(0).dtype, shape: x.shape(0).with(axis, length) }));
  },
  Pad: (x) => {
    const rank = x.shape(0).length;
    const axes = x.has(3) ? x.ints(3).map((axis) => axisOf(axis, rank, x.where)) : [...x.shape(0).keys()];
    const pads = x.ints(1);
    const shape = x.shape(0).map((dim, axis) => {
      const at = axes.indexOf(axis);
      const extra = at < 0 ? 0 : pads[at] + pads[at + axes.length];
      if (extra === 0) return dim;
      return staticDims([dim], x.where)[0] + extra;
    });
    return { dtype: x.at(0).dtype, shape };
  },
  Gather: (x) => {
    const axis = axisOf(x.a.axis ?? 0, x.shape(0).length, x.where);
    const shape = [...x.shape(0).slice(0, axis), ...x.shape(1), ...x.shape(0).slice(axis + 1)];
    const from = x.at(0).elements;
    const at = x.at(1).elements;
    const known = from && at?.every((i) => typeof i === 'number');
    const elements = known ? at.map((i) => from.at(i as number) as Dim) : undefined;
    return { dtype: x.at(0).dtype, shape, ...(elements && { elements }) };
  },
  GatherElements: (x) => ({ dtype: x.at(0).dtype, shape: x.shape(1) }),
  ScatterElements: (x) => x.same(),
  Shape: (x) => {
    const rank = x.shape(0).length;
    const bound = (i: number) => Math.min(Math.max(i < 0 ? i + rank : i, 0), rank);
    const elements = x.shape(0).slice(bound(x.a.start ?? 0), bound(x.a.end ?? rank));
    return { dtype: 'int64', shape: [elements.length], elements };
  },
  Size: () => ({ dtype: 'int64', shape: [] }),
};

function sum(dims: readonly Dim[]): number {
  return (dims as number[]).reduce((n, d) => n + d, 0);
}

function without(shape: Shape, axes: readonly number[], keepdims: number): Dim[] {
  return shape.flatMap((dim, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));
}

function flip<K extends OpName>(shape: Shape, transposed: number | undefined, x: Arguments<K>): [Dim, Dim] {
  if (shape.length !== 2) {
    throw new GraphError({ what: x.where, expected: 'matrices', got: `[${shape.join(', ')}]` });
  }
  return transposed ? [shape[1], shape[0]] : [shape[0], shape[1]];
}

function expectDim<K extends OpName>(x: Arguments<K>, what: string, got: Dim, expected: Dim): void {
  const open = typeof got === 'string' || typeof expected === 'string';
  if (!open && got !== expected) {
    throw new GraphError({ what: `${x.where}: ${what}`, expected: `${expected}`, got: `${got}` });
  }
}

function sameType<K extends OpName>(x: Arguments<K>, i: number, j: number): void {
  if (x.at(i).dtype !== x.at(j).dtype) {
    throw new GraphError({
      what: `${x.where}: element types differ`,
      expected: x.at(i).dtype,
      got: x.at(j).dtype,
    });
  }
}

function pooled(x: Arguments<'MaxPool'> | Arguments<'AveragePool'>): Dim[] {
  const window = windowOf(x.a, x.a.kernel_shape ?? [], x.spatial(0), x.where);
  return [...x.shape(0).slice(0, 2), ...window.output];
}

/** The elements of a shape operand; an unknown one has no place in a graph with fixed extents. */
function elementsOf<K extends OpName>(x: Arguments<K>, i: number): readonly Dim[] {
  const elements = x.at(i).elements;
  if (elements) return elements;
  throw new GraphError({
    what: `${x.where}: its shape depends on the data`,
    todo: 'Export the model with a fixed input size.',
  });
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
  const ends = x.ints(2);
  const axes = x.has(3) ? x.ints(3) : starts.map((_, i) => i);
  const steps = x.has(4) ? x.ints(4) : starts.map(() => 1);
  return new Map(
    axes.map((axis, i) => {
      const at = axisOf(axis, rank, x.where);
      return [at, sliceAxis(x.shape(0)[at], starts[i], ends[i], steps[i], x.where)];
    }),
  );
}

/** What is known of a constant; integer vectors keep their elements. */
export function knownConstant(t: Tensor): Known {
  const type = { dtype: t.dtype, shape: t.dims };
  return !isFloat(t.dtype) && sizeOf(t.dims) <= 64 ? { ...type, elements: Array.from(t.data) } : type;
}

/**
 * Types of a node's outputs.
 * @throws GraphError where the inputs do not fit the op.
 */
export function inferNode(node: Node, known: (name: string) => Known | undefined): Known[] {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : known(name)));
  const rule = SHAPES[node.op] as unknown as ShapeRule<OpName>;
  return [rule(new Arguments(node as NodeOf<OpName>, inputs))].flat();
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
