// The winner of a maximum or minimum over axes takes all, the first of equals in row-major order.
import { staticDims } from '../graph/dims.ts';
import type { Visit } from '../graph/reverse.ts';
import { reducedAxes } from './linear.ts';

/** Hands what arrives at a ReduceMax or ReduceMin to the element that won. */
export function reduceWinner(v: Visit<'ReduceMax' | 'ReduceMin'>): string {
  const { g, node } = v;
  const x = v.input(0);
  const axes = reducedAxes(v);
  const kept = [...v.shape(0).keys()].filter((axis) => !axes.includes(axis));
  const perm = [...kept, ...axes];
  const extents = staticDims(
    axes.map((axis) => v.shape(0)[axis]),
    v.where,
  );
  const count = extents.reduce((n, d) => n * d, 1);
  // [kept…, axes…] → [kept, count]
  const moved = g.reshape(g.transpose(x, perm), [-1, count]);
  const best = g.emit('ArgMax', [node.op === 'ReduceMin' ? g.neg(moved) : moved], { axis: 1, keepdims: 1 });
  const spread = g.emit('ScatterElements', [g.filledLike(0, moved), best, g.reshape(v.out, [-1, 1])], {
    axis: 1,
  });
  const open = kept.map((axis) => v.shape(0)[axis]).map((d) => (typeof d === 'string' ? -1 : d));
  return g.transpose(
    g.reshape(spread, [...open, ...extents]),
    perm.map((_, i) => perm.indexOf(i)),
  );
}
