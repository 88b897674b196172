// The way back from a broadcast: what was repeated is summed.
import type { GraphBuilder } from './builder.ts';
import type { Shape } from './types.ts';
import { int64s } from './types.ts';

/** Sums an adjoint over the axes along which an operand of `shape` was broadcast. */
export function unbroadcast(g: GraphBuilder, adjoint: string, shape: Shape): string {
  const from = g.shape(adjoint);
  const lead = from.length - shape.length;
  const axes = from.flatMap((dim, i) => (i < lead || (shape[i - lead] === 1 && dim !== 1) ? [i] : []));
  if (axes.length === 0) return adjoint;
  const kept = g.reduceSum(adjoint, axes, 1);
  return lead === 0 ? kept : g.emit('Squeeze', [kept, int64s(Array.from({ length: lead }, (_, i) => i))]);
}
