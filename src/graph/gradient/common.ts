// What the rules of the gradient share: the way back through broadcasting, picking and reducing.
import type { GraphBuilder } from '../builder.ts';
import { axisOf } from '../dims.ts';
import type { OpName } from '../ops.ts';
import type { Backward, Visit } from '../reverse.ts';
import { int64s } from '../types.ts';

export const DISCRETE = 'its result is discrete';

/** Ops that only rearrange: the adjoint takes the way back. */
export const back = (undo: (v: Visit<OpName>) => string): { backward: Backward<OpName> } => ({
  backward: (v) => [undo(v)],
});

type Reduction =
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'ReduceMin'
  | 'ReduceL2'
  | 'ReduceProd'
  | 'ArgMax';

/** Puts a reduced adjoint back into its operand's rank, so that it broadcasts. */
export function unreduced(v: Visit<Reduction>, value: string): string {
  const rank = v.shape(0).length;
  if (v.g.shape(value).length === rank) return value;
  return v.g.emit('Unsqueeze', [value, int64s(reducedAxes(v))]);
}

export function reducedAxes(v: Visit<Reduction>): number[] {
  const rank = v.shape(0).length;
  const given = v.g.constantOf(v.input(1) ?? '');
  return given ? Array.from(given.data, (axis) => axisOf(axis, rank, v.where)) : [...v.shape(0).keys()];
}

export function expandedLike(g: GraphBuilder, value: string, like: string): string {
  return g.emit('Expand', [value, g.emit('Shape', [like])]);
}

/** Number of elements of a value, as a float scalar. */
export function ofElements(v: Visit<OpName>, name: string): string {
  return v.g.countOf(name, v.g.type(v.input(0)).dtype);
}

/**
 * Adds slices of `value` along an axis into zeros of that axis' size, at the given places
 * (none for −1): a product with a 0/1 matrix.
 */
export function placed(
  g: GraphBuilder,
  value: string,
  axis: number,
  places: readonly number[],
  size: number,
): string {
  const matrix = new Float64Array(places.length * size);
  places.forEach((place, row) => {
    if (place >= 0) matrix[row * size + place] = 1;
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
