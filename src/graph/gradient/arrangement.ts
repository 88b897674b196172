// The gradient of what rearranges elements: the adjoint takes the way back.

import { GraphError } from '../../errors.ts';
import { unbroadcast } from '../broadcasting.ts';
import { axisOf, staticDims } from '../dims.ts';
import type { OpName } from '../ops.ts';
import type { ReverseTable, Visit } from '../reverse.ts';
import { padPlaces } from '../slices.ts';
import { int64s } from '../types.ts';
import { back, DISCRETE, placed } from './common.ts';

const SHAPES_ONLY = 'it gives a shape, not data';

/** Back to the shape of input 0, whose batch may be open. */
function reshapedBack(v: Visit<OpName>): string {
  const shape = v.shape(0);
  const open = shape.filter((d) => typeof d === 'string').length;
  const target = shape.map((d) => (typeof d === 'string' ? -1 : d));
  return open <= 1 ? v.g.reshape(v.out, target) : v.g.reshape(v.out, v.g.emit('Shape', [v.input(0)]));
}

export const ARRANGEMENT = {
  Dropout: { backward: (v) => [v.out] },
  Identity: { backward: (v) => [v.out] },
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
  // [.., n·d, ..] → [.., n, d, ..], summed over n.
  Tile: {
    backward: (v) => {
      const repeats = Array.from(v.g.constantOf(v.input(1))?.data ?? []);
      let adjoint = v.out;
      repeats.forEach((n, axis) => {
        if (n === 1) return;
        const [size] = staticDims([v.shape(0)[axis]], v.where);
        const apart = v.g
          .shape(adjoint)
          .map((d) => (typeof d === 'string' ? -1 : d))
          .toSpliced(axis, 1, n, size);
        adjoint = v.g.reduceSum(v.g.reshape(adjoint, apart), [axis], 0);
      });
      return [adjoint];
    },
  },
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
      const list = (i: number) => Array.from(v.g.constantOf(v.input(i) ?? '')?.data ?? []);
      const rank = v.shape(0).length;
      const pads = list(1);
      const axes = v.input(3) ? list(3).map((axis) => axisOf(axis, rank, v.where)) : [...v.shape(0).keys()];
      const { mode = 'constant' } = v.node.attributes;
      let adjoint = v.out;
      axes.forEach((axis, i) => {
        const [begin, end] = [pads[i], pads[i + axes.length]];
        if (begin === 0 && end === 0) return;
        const [size] = staticDims([v.shape(0)[axis]], v.where);
        if (mode !== 'constant') {
          adjoint = placed(v.g, adjoint, axis, padPlaces(mode, size, begin, end, v.where), size);
          return;
        }
        // What was added is cut off; what was cut off is zero.
        const cut = { axis, start: Math.max(begin, 0), end: size + begin + Math.min(end, 0) };
        if (begin > 0 || end > 0) adjoint = v.g.slice(adjoint, [cut]);
        const zeros = (n: number) => new Array<number>(rank).fill(0).with(axis, Math.max(-n, 0));
        adjoint = v.g.pad(adjoint, zeros(begin), zeros(end));
      });
      return [adjoint];
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
  Range: DISCRETE,
} satisfies Partial<ReverseTable>;
