// The gradient of a convolution by its kernel, in the forms that ONNX Runtime computes fastest.
import { indices } from './adjoint.ts';
import type { GraphBuilder } from './builder.ts';
import { staticDims } from './dims.ts';
import { sizeOf, tensor } from './types.ts';
import { padsOf, span, type Window } from './window.ts';

/** So many columns or fewer, a matrix product is made by one thread. */
const FEW_COLUMNS = 16;
/** Positions up to which a product with a matrix of as many rows is faster than a transposition. */
const SMALL_KERNEL = 32;

/**
 * ∂/∂W of a convolution, itself a convolution, whose channels are the clips and whose kernel is r, as large as the output:
 *
 *     ∂W[o, c, k] = Σₙ Σₚ r[n, o, p] · x[n, c, stride·p + dilation·k]
 *
 * Channels c go into the last axis, where one position is a step of C: so each row that the runtime lays out for its
 * matrix product is C neighbours, and padding by a position is padding by C.
 * @param r adjoint of the output [N, O, …output]
 * @returns [O, C/group, …kernel]
 */
export function convFilterAdjoint(
  g: GraphBuilder,
  x: string,
  r: string,
  weight: string,
  w: Window,
  group: number,
): string {
  const [out, perGroup, ...kernel] = staticDims(g.shape(weight), 'weight');
  if (group * perGroup === 1 && sizeOf(kernel) <= FEW_COLUMNS) return singleFilterAdjoint(g, x, r, out, w);
  const last = kernel.length - 1;
  const merged = (extents: readonly number[]) => extents.with(last, extents[last] * perGroup);
  const missing = w.input.map(
    (size, i) => (w.output[i] - 1) * w.strides[i] + span(w, i) - w.padsBegin[i] - size,
  );
  const read = w.input.map((size, i) => size + Math.min(missing[i], 0));
  const cut = read.every((size, i) => size === w.input[i])
    ? x
    : g.slice(
        x,
        read.map((end, i) => ({ axis: i + 2, start: 0, end })),
      );
  // [N, group·C, …input] → [group, N, …input, C], for one group in the form that is the faster
  const spatial = read.map((_, i) => i + 2);
  const channelsLast =
    group === 1
      ? g.transpose(cut, [0, ...spatial, 1])
      : g.transpose(g.reshape(cut, [-1, group, perGroup, ...read]), [
          1,
          0,
          ...spatial.map((axis) => axis + 1),
          2,
        ]);
  const image = g.reshape(channelsLast, [1, -1, ...merged(read)]);
  const filters = g.transpose(r, [1, 0, ...spatial]);
  const steps = w.dilations.with(last, 1);
  const summed = g.emit('Conv', [image, filters], {
    kernel_shape: w.output,
    strides: steps,
    dilations: merged(w.strides),
    pads: padsOf({ padsBegin: merged(w.padsBegin), padsEnd: merged(missing.map((n) => Math.max(n, 0))) }),
    group,
  });
  // [1, O, …kernel·C/group], along the last axis also what lies between the positions of a dilated kernel.
  const all = g.reshape(summed, [out, ...kernel.with(last, span(w, last)), perGroup]);
  const step = w.dilations[last];
  const taken = step === 1 ? all : g.slice(all, [{ axis: last + 1, start: 0, end: span(w, last), step }]);
  return g.reshape(swapped(g, g.reshape(taken, [out, sizeOf(kernel), perGroup])), [out, perGroup, ...kernel]);
}

/** [O, K, C] → [O, C, K]; for a small K faster as a product with 1, since products take their factors transposed. */
function swapped(g: GraphBuilder, rows: string): string {
  const [, places] = staticDims(g.shape(rows), 'kernel');
  const transposed = g.transpose(rows, [0, 2, 1]);
  if (places > SMALL_KERNEL) return transposed;
  const one = Float64Array.from({ length: places ** 2 }, (_, i) => Number(i % (places + 1) === 0));
  return g.emit('MatMul', [transposed, tensor(one, [places, places], g.type(rows).dtype)]);
}

/** The same for one channel and a small kernel: a matrix product for each clip, so that threads share the clips. */
function singleFilterAdjoint(g: GraphBuilder, x: string, r: string, out: number, w: Window): string {
  const padded = g.pad(x, [0, 0, ...w.padsBegin], [0, 0, ...w.padsEnd]);
  const met = indices(w.kernel).map((k) => {
    const cuts = k.map((at, i) => {
      const start = at * w.dilations[i];
      return { axis: i + 2, start, end: start + (w.output[i] - 1) * w.strides[i] + 1, step: w.strides[i] };
    });
    return g.reshape(g.slice(padded, cuts), [-1, 1, sizeOf(w.output)]);
  });
  // [N, O, P] · [N, P, K]
  const columns = g.transpose(g.concat(met, 1), [0, 2, 1]);
  const perClip = g.emit('MatMul', [g.reshape(r, [-1, out, sizeOf(w.output)]), columns]);
  return g.reshape(g.reduceSum(perClip, [0], 0), [out, 1, ...w.kernel]);
}
