// The gradient of arithmetic, logic and reductions.
import { unbroadcast } from '../broadcasting.ts';
import type { OpName } from '../ops.ts';
import type { Backward, ReverseTable, Visit } from '../reverse.ts';
import { isFloat } from '../types.ts';
import { pointwise } from './activations.ts';
import { back, DISCRETE, expandedLike, ofElements, reducedAxes, unreduced } from './common.ts';

/** An elementwise op of two operands with broadcasting: one function for the adjoint of each. */
function dyadic(
  left: (v: Visit<OpName>) => string,
  right: (v: Visit<OpName>) => string,
): { backward: Backward<OpName> } {
  const side = (v: Visit<OpName>, i: number, f: typeof left) =>
    v.needs(i) ? unbroadcast(v.g, f(v), v.shape(i)) : undefined;
  return { backward: (v) => [side(v, 0, left), side(v, 1, right)] };
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

/** Split evenly among equals. */
const reducedExtremum: { backward: Backward<'ReduceMax' | 'ReduceMin'> } = {
  backward: (v) => {
    const won = v.g.emit('Equal', [v.input(0), unreduced(v, v.node.outputs[0])]);
    const ones = v.g.cast(won, v.g.type(v.input(0)).dtype);
    const share = v.g.div(unreduced(v, v.out), v.g.reduceSum(ones, reducedAxes(v)));
    return [v.g.mul(ones, share)];
  },
};

export const ARITHMETIC = {
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
  Mod: DISCRETE,
  // b·x^(b−1) and x^b·ln x
  Pow: dyadic(
    (v) => v.g.mul(v.out, v.g.mul(v.input(1), v.g.emit('Pow', [v.input(0), v.g.sub(v.input(1), 1)]))),
    (v) => v.g.mul(v.out, v.g.mul(v.node.outputs[0], v.g.emit('Log', [v.input(0)]))),
  ),
  Sum: {
    backward: (v) =>
      v.node.inputs.map((_, i) => (v.needs(i) ? unbroadcast(v.g, v.out, v.shape(i)) : undefined)),
  },
  Max: extremum,
  Min: extremum,
  Neg: back((v) => v.g.neg(v.out)),
  Abs: back((v) => v.g.where(v.g.emit('Less', [v.input(0), 0]), v.g.neg(v.out), v.out)),
  Sqrt: back((v) => v.g.div(v.g.mul(v.out, 0.5), v.node.outputs[0])),
  Exp: pointwise((v) => v.node.outputs[0]),
  Log: back((v) => v.g.div(v.out, v.input(0))),
  Reciprocal: pointwise((v) => v.g.neg(v.g.mul(v.node.outputs[0], v.node.outputs[0]))),
  Floor: DISCRETE,
  Ceil: DISCRETE,
  Sign: DISCRETE,

  Equal: DISCRETE,
  Less: DISCRETE,
  LessOrEqual: DISCRETE,
  Greater: DISCRETE,
  GreaterOrEqual: DISCRETE,
  And: DISCRETE,
  Or: DISCRETE,
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
  ReduceMax: reducedExtremum,
  ReduceMin: reducedExtremum,
  ReduceProd: 'products along an axis have none here',
  // r·x/y
  ReduceL2: {
    backward: (v) => [v.g.mul(v.input(0), v.g.div(unreduced(v, v.out), unreduced(v, v.node.outputs[0])))],
  },
  ArgMax: DISCRETE,
} satisfies Partial<ReverseTable>;
