// The gradient: for every op, the adjoints of its inputs (the chain rule) or the reason why there is none.
import { GraphError } from '../errors.ts';
import {
  averagePoolAdjoint,
  convAdjoint,
  convFilterAdjoint,
  maxPoolBackward,
  maxPoolForward,
} from './adjoint.ts';
import { affineBackward, batchNormBackward, batchNormForward, channelAxes } from './batch-norm.ts';
import { GraphBuilder, namesOf } from './builder.ts';
import { axisOf, staticDims } from './dims.ts';
import type { OpName } from './ops.ts';
import { type Backward, type ReverseTable, Tape, type Visit } from './reverse.ts';
import { prune } from './simplify.ts';
import type { Graph, Node, Shape } from './types.ts';
import { int64s, isFloat } from './types.ts';
import { verify } from './verify.ts';

const DISCRETE = 'its result is discrete';
const SHAPES_ONLY = 'it gives a shape, not data';

/** Sums an adjoint over the axes along which an operand of `shape` was broadcast. */
function unbroadcast(g: GraphBuilder, adjoint: string, shape: Shape): string {
  const from = g.shape(adjoint);
  const lead = from.length - shape.length;
  const axes = from.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  if (axes.length === 0) return adjoint;
  const kept = g.reduceSum(adjoint, axes, 1);
  return lead === 0 ? kept : g.emit('Squeeze', [kept, int64s(Array.from({ length: lead }, (_, i) => i))]);
}

/** An elementwise op of one operand: r · f′. */
function pointwise(derivative: (v: Visit<OpName>) => string): { backward: Backward<OpName> } {
  return { backward: (v) => [v.g.mul(v.out, derivative(v))] };
}

/** An elementwise op of two operands with broadcasting: one function for the adjoint of each. */
function dyadic(
  left: (v: Visit<OpName>) => string,
  right: (v: Visit<OpName>) => string,
): { backward: Backward<OpName> } {
  const side = (v: Visit<OpName>, i: number, f: typeof left) =>
    v.needs(i) ? unbroadcast(v.g, f(v), v.shape(i)) : undefined;
  return { backward: (v) => [side(v, 0, left), side(v, 1, right)] };
}

/** Ops that only rearrange: the adjoint takes the way back. */
const back = (undo: (v: Visit<OpName>) => string): { backward: Backward<OpName> } => ({
  backward: (v) => [undo(v)],
});

/** Puts a reduced adjoint back into its operand's rank, so that it broadcasts. */
function unreduced(v: Visit<'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ArgMax'>, value: string): string {
  const rank = v.shape(0).length;
  if (v.g.shape(value).length === rank) return value;
  return v.g.emit('Unsqueeze', [value, int64s(reducedAxes(v))]);
}

function reducedAxes(v: Visit<'ReduceSum' | 'ReduceMean' | 'ReduceMax' | 'ArgMax'>): number[] {
  const rank = v.shape(0).length;
  const given = v.g.constantOf(v.input(1) ?? '');
  return given ? Array.from(given.data, (axis) => axisOf(axis, rank, v.where)) : [...v.shape(0).keys()];
}

function expandedLike(g: GraphBuilder, value: string, like: string): string {
  return g.emit('Expand', [value, g.emit('Shape', [like])]);
}

/** Back to the shape of input 0, whose batch may be open. */
function reshapedBack(v: Visit<OpName>): string {
  const shape = v.shape(0);
  const open = shape.filter((d) => typeof d === 'string').length;
  const target = shape.map((d) => (typeof d === 'string' ? -1 : d));
  return open <= 1 ? v.g.reshape(v.out, target) : v.g.reshape(v.out, v.g.emit('Shape', [v.input(0)]));
}

/** Hands the adjoint to the operands that equal the maximum, the first of equals. */
const extremum: { backward: Backward<'Max' | 'Min'> } = {
  backward: (v) => {
    let rest = v.out;
    return v.node.inputs.map((name, i) => {
      if (i === v.node.inputs.length - 1) return unbroadcast(v.g, rest, v.shape(i));
      const won = v.g.emit('Equal', [name, v.node.outputs[0]]);
      const share = v.g.where(won, rest, 0);
      rest = v.g.sub(rest, share);
      return unbroadcast(v.g, share, v.shape(i));
    });
  },
};

/** Global pooling spreads over all positions. */
function positions(v: Visit<OpName>): number {
  return staticDims(v.shape(0).slice(2), v.where).reduce((n, d) => n * d, 1);
}

function untouched(g: GraphBuilder, node: Node): Record<string, string> {
  g.node(node);
  return {};
}

export const GRADIENT: ReverseTable = {
  Conv: {
    backward: (v) => {
      const group = v.node.attributes.group ?? 1;
      const [x, weight] = v.node.inputs;
      const w = v.window(staticDims(v.shape(1).slice(2), v.where));
      return [
        v.needs(0) ? convAdjoint(v.g, v.out, weight, w, group) : undefined,
        v.needs(1) ? convFilterAdjoint(v.g, x, v.out, weight, w, group) : undefined,
        v.needs(2) ? v.g.reduceSum(v.out, channelAxes(v.shape(0)), 0) : undefined,
      ];
    },
  },
  ConvTranspose: {
    // The adjoint of a transposed convolution is the convolution itself, with the same kernel.
    backward: (v) => {
      if (v.needs(1))
        throw new GraphError(`the gradient of ${v.where} with respect to its kernel is not supported`);
      const { kernel_shape, strides, dilations, pads, group } = v.node.attributes;
      const attributes = { kernel_shape, strides, dilations, pads, group };
      return [
        v.g.emit('Conv', [v.out, v.input(1)], attributes),
        undefined,
        v.needs(2) ? v.g.reduceSum(v.out, channelAxes(v.shape(0)), 0) : undefined,
      ];
    },
  },
  Gemm: {
    backward: (v) => {
      const { alpha = 1, beta = 1, transA = 0, transB = 0 } = v.node.attributes;
      const [a, b] = v.node.inputs;
      const gemm = (x: string, y: string, tx: number, ty: number) =>
        v.g.emit('Gemm', [x, y], { alpha, transA: tx, transB: ty });
      return [
        v.needs(0) ? (transA ? gemm(b, v.out, transB, 1) : gemm(v.out, b, 0, transB ? 0 : 1)) : undefined,
        v.needs(1) ? (transB ? gemm(v.out, a, 1, transA) : gemm(a, v.out, transA ? 0 : 1, 0)) : undefined,
        v.needs(2) ? unbroadcast(v.g, beta === 1 ? v.out : v.g.mul(v.out, beta), v.shape(2)) : undefined,
      ];
    },
  },
  MatMul: {
    backward: (v) => {
      if (v.shape(0).length < 2 || v.shape(1).length < 2) {
        throw new GraphError(`the gradient of ${v.where} with a vector operand is not supported`);
      }
      const swapped = (name: string) => {
        const rank = v.g.shape(name).length;
        return v.g.transpose(name, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
      };
      const [a, b] = v.node.inputs;
      return [
        v.needs(0) ? unbroadcast(v.g, v.g.emit('MatMul', [v.out, swapped(b)]), v.shape(0)) : undefined,
        v.needs(1) ? unbroadcast(v.g, v.g.emit('MatMul', [swapped(a), v.out]), v.shape(1)) : undefined,
      ];
    },
  },

  MaxPool: { forward: maxPoolForward, backward: (v) => [maxPoolBackward(v.g, v.node, v.saved, v.out)] },
  AveragePool: {
    backward: (v) => [
      averagePoolAdjoint(
        v.g,
        v.out,
        v.window(),
        v.shape(0)[1] as number,
        v.node.attributes.count_include_pad === 1,
      ),
    ],
  },
  GlobalAveragePool: back((v) => expandedLike(v.g, v.g.mul(v.out, 1 / positions(v)), v.input(0))),
  GlobalMaxPool: {
    backward: (v) => {
      const [n, c] = [-1, v.shape(0)[1] as number];
      const flat = v.g.reshape(v.input(0), [n, c, positions(v)]);
      const winner = v.g.emit('ArgMax', [flat], { axis: 2, keepdims: 1 });
      const zeros = v.g.filledLike(0, flat);
      const shares = v.g.reshape(v.out, [n, c, 1]);
      const scattered = v.g.emit('ScatterElements', [zeros, winner, shares], { axis: 2 });
      return [v.g.reshape(scattered, [n, c, ...staticDims(v.shape(0).slice(2), v.where)])];
    },
  },

  BatchNormalization: {
    forward: (g, node) => (node.attributes.training_mode ? batchNormForward(g, node) : untouched(g, node)),
    backward: (v) => (v.node.attributes.training_mode ? batchNormBackward(v) : affineBackward(v)),
  },
  Dropout: { backward: (v) => [v.out] },
  Identity: { backward: (v) => [v.out] },
  Relu: pointwise((v) => v.g.cast(v.g.emit('Greater', [v.node.outputs[0], 0]), v.g.type(v.out).dtype)),
  Sigmoid: pointwise((v) => v.g.mul(v.node.outputs[0], v.g.sub(1, v.node.outputs[0]))),
  Tanh: pointwise((v) => v.g.sub(1, v.g.mul(v.node.outputs[0], v.node.outputs[0]))),
  // y ⊙ (r − Σ r⊙y)
  Softmax: {
    backward: (v) => {
      const [y] = v.node.outputs;
      const axis = axisOf(v.node.attributes.axis ?? -1, v.shape(0).length, v.where);
      return [v.g.mul(y, v.g.sub(v.out, v.g.reduceSum(v.g.mul(v.out, y), [axis])))];
    },
  },
  // r − softmax(x)·Σ r
  LogSoftmax: {
    backward: (v) => {
      const axis = axisOf(v.node.attributes.axis ?? -1, v.shape(0).length, v.where);
      return [v.g.sub(v.out, v.g.mul(v.g.emit('Exp', [v.node.outputs[0]]), v.g.reduceSum(v.out, [axis])))];
    },
  },

  Add: dyadic(
    (v) => v.out,
    (v) => v.out,
  ),
  Sub: dyadic(
    (v) => v.out,
    (v) => v.g.neg(v.out),
  ),
  Mul: dyadic(
    (v) => v.g.mul(v.out, v.input(1)),
    (v) => v.g.mul(v.out, v.input(0)),
  ),
  Div: dyadic(
    (v) => v.g.div(v.out, v.input(1)),
    (v) => v.g.neg(v.g.div(v.g.mul(v.out, v.node.outputs[0]), v.input(1))),
  ),
  // b·x^(b−1) and x^b·ln x
  Pow: dyadic(
    (v) => v.g.mul(v.out, v.g.mul(v.input(1), v.g.emit('Pow', [v.input(0), v.g.sub(v.input(1), 1)]))),
    (v) => v.g.mul(v.out, v.g.mul(v.node.outputs[0], v.g.emit('Log', [v.input(0)]))),
  ),
  Max: extremum,
  Min: extremum,
  Neg: back((v) => v.g.neg(v.out)),
  Abs: back((v) => v.g.where(v.g.emit('Less', [v.input(0), 0]), v.g.neg(v.out), v.out)),
  Sqrt: back((v) => v.g.div(v.g.mul(v.out, 0.5), v.node.outputs[0])),
  Exp: pointwise((v) => v.node.outputs[0]),
  Log: back((v) => v.g.div(v.out, v.input(0))),
  Reciprocal: pointwise((v) => v.g.neg(v.g.mul(v.node.outputs[0], v.node.outputs[0]))),

  Equal: DISCRETE,
  Less: DISCRETE,
  Greater: DISCRETE,
  GreaterOrEqual: DISCRETE,
  And: DISCRETE,
  Not: DISCRETE,
  Where: {
    backward: (v) => [
      undefined,
      v.needs(1) ? unbroadcast(v.g, v.g.where(v.input(0), v.out, 0), v.shape(1)) : undefined,
      v.needs(2) ? unbroadcast(v.g, v.g.where(v.input(0), 0, v.out), v.shape(2)) : undefined,
    ],
  },
  Cast: {
    backward: (v) => {
      const from = v.g.type(v.input(0)).dtype;
      return [isFloat(from) ? v.g.cast(v.out, from) : undefined];
    },
  },

  ReduceSum: { backward: (v) => [expandedLike(v.g, unreduced(v, v.out), v.input(0))] },
  ReduceMean: {
    backward: (v) => {
      // The batch may be open, so the number of elements is a ratio of sizes known at run time only.
      const count = v.g.div(ofElements(v, v.input(0)), ofElements(v, v.node.outputs[0]));
      return [expandedLike(v.g, v.g.div(unreduced(v, v.out), count), v.input(0))];
    },
  },
  // Split evenly among equals.
  ReduceMax: {
    backward: (v) => {
      const won = v.g.emit('Equal', [v.input(0), unreduced(v, v.node.outputs[0])]);
      const ones = v.g.cast(won, v.g.type(v.input(0)).dtype);
      const share = v.g.div(unreduced(v, v.out), v.g.reduceSum(ones, reducedAxes(v)));
      return [v.g.mul(ones, share)];
    },
  },
  ArgMax: DISCRETE,

  Flatten: back(reshapedBack),
  Reshape: back(reshapedBack),
  Squeeze: back(reshapedBack),
  Unsqueeze: back(reshapedBack),
  Transpose: {
    backward: (v) => {
      const perm = v.node.attributes.perm ?? [...v.shape(0).keys()].toReversed();
      return [
        v.g.transpose(
          v.out,
          perm.map((_, i) => perm.indexOf(i)),
        ),
      ];
    },
  },
  Expand: back((v) => unbroadcast(v.g, v.out, v.shape(0))),
  Concat: {
    backward: (v) => {
      const axis = axisOf(v.node.attributes.axis ?? 0, v.shape(0).length, v.where);
      let start = 0;
      return v.node.inputs.map((_, i) => {
        const [length] = staticDims([v.shape(i)[axis]], v.where);
        start += length;
        return v.needs(i) ? v.g.slice(v.out, [{ axis, start: start - length, end: start }]) : undefined;
      });
    },
  },
  // Into zeros, at the places that were taken.
  Slice: {
    backward: (v) => {
      const { g } = v;
      const shape = v.shape(0);
      const list = (i: number) => Array.from(g.constantOf(v.input(i) ?? '')?.data ?? []);
      const starts = list(1);
      const axes = v.input(3)
        ? list(3).map((axis) => axisOf(axis, shape.length, v.where))
        : [...starts.keys()];
      const steps = v.input(4) ? list(4) : starts.map(() => 1);
      let adjoint = v.out;
      axes.forEach((axis, i) => {
        if (g.shape(adjoint)[axis] === shape[axis] && steps[i] === 1) return;
        const [size] = staticDims([shape[axis]], v.where);
        const [length] = staticDims([g.shape(adjoint)[axis]], v.where);
        const first =
          starts[i] < 0 ? Math.max(starts[i] + size, 0) : Math.min(starts[i], size - (steps[i] < 0 ? 1 : 0));
        const places = Array.from({ length }, (_, k) => first + k * steps[i]);
        adjoint = placed(g, adjoint, axis, places, size);
      });
      return [adjoint];
    },
  },
  Split: {
    backward: (v) => {
      const axis = axisOf(v.node.attributes.axis ?? 0, v.shape(0).length, v.where);
      const parts = v.arrived.map((r, i) => r ?? v.g.filledLike(0, v.node.outputs[i]));
      return [v.g.concat(parts, axis)];
    },
  },
  Pad: {
    backward: (v) => {
      const pads = Array.from(v.g.constantOf(v.input(1))?.data ?? []);
      const rank = v.shape(0).length;
      if (v.node.attributes.mode && v.node.attributes.mode !== 'constant') {
        throw new GraphError(`the gradient of ${v.where} of mode ${v.node.attributes.mode} is not supported`);
      }
      const axes = v.input(3) ? Array.from(v.g.constantOf(v.input(3))?.data ?? []) : [...v.shape(0).keys()];
      const cuts = axes.flatMap((a, i) => {
        const axis = axisOf(a, rank, v.where);
        if (pads[i] === 0 && pads[i + axes.length] === 0) return [];
        return [{ axis, start: pads[i], end: pads[i] + staticDims([v.shape(0)[axis]], v.where)[0] }];
      });
      return [cuts.length ? v.g.slice(v.out, cuts) : v.out];
    },
  },
  Gather: {
    backward: (v) => {
      const at = v.g.constantOf(v.input(1));
      const axis = axisOf(v.node.attributes.axis ?? 0, v.shape(0).length, v.where);
      if (!at || at.dims.length > 1)
        throw new GraphError(`the gradient of ${v.where} by computed indices is not supported`);
      const [size] = staticDims([v.shape(0)[axis]], v.where);
      const column = at.dims.length === 0 ? v.g.emit('Unsqueeze', [v.out, int64s([axis])]) : v.out;
      return [
        placed(
          v.g,
          column,
          axis,
          Array.from(at.data, (i) => (i < 0 ? i + size : i)),
          size,
        ),
      ];
    },
  },
  GatherElements: {
    backward: (v) => {
      const { axis = 0 } = v.node.attributes;
      const zeros = v.g.mul(v.input(0), 0);
      return [v.g.emit('ScatterElements', [zeros, v.input(1), v.out], { axis, reduction: 'add' })];
    },
  },
  ScatterElements: 'training and explaining through it is not supported',
  Shape: SHAPES_ONLY,
  Size: SHAPES_ONLY,
};

/** Number of elements of a value, as a float scalar. */
function ofElements(v: Visit<OpName>, name: string): string {
  return v.g.cast(v.g.emit('Size', [name]), v.g.type(v.input(0)).dtype);
}

/** Adds slices of `value` along an axis into zeros of that axis' size, at the given places: a product with a 0/1 matrix. */
function placed(
  g: GraphBuilder,
  value: string,
  axis: number,
  places: readonly number[],
  size: number,
): string {
  const matrix = new Float64Array(places.length * size);
  places.forEach((place, row) => {
    matrix[row * size + place] = 1;
  });
  const rank = g.shape(value).length;
  const last = [...Array(rank).keys()].filter((i) => i !== axis).concat(axis);
  const undo = last.map((_, i) => last.indexOf(i));
  const moved = axis === rank - 1 ? value : g.transpose(value, last);
  const spread = g.emit('MatMul', [
    moved,
    { dtype: g.type(value).dtype, dims: [places.length, size], data: matrix },
  ]);
  return axis === rank - 1 ? spread : g.transpose(spread, undo);
}

/**
 * Adds the gradient of a scalar output to a graph.
 * @param of the scalar output that is differentiated
 * @param wanted inputs or constants of the graph; each gets an output `gradient.<name>` of its own shape
 * @returns a graph with the outputs of `graph` and the gradients
 * @throws GraphError where an op on the way has no gradient
 */
export function gradient(graph: Graph, of: string, wanted: readonly string[]): Graph {
  const g = new GraphBuilder(namesOf(graph));
  for (const input of graph.inputs) g.input(input.name, input.dtype, input.shape);
  const tape = new Tape(g, graph, GRADIENT, wanted);
  const seed = g.filledLike(1, of);
  const adjoints = tape.back(new Map([[of, seed]]));
  for (const output of graph.outputs) g.output(output.name);
  for (const name of wanted) {
    const adjoint = adjoints.get(name);
    if (adjoint === undefined) throw new GraphError(`"${of}" does not depend on "${name}"`);
    g.node({
      op: 'Identity',
      name: `gradient.${name}`,
      inputs: [adjoint],
      outputs: [`gradient.${name}`],
      attributes: {},
    });
    g.output(`gradient.${name}`);
  }
  return verify(prune(g.build(`${graph.name}_gradient`, graph.metadata)));
}
