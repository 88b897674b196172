// Layers of the slow twin and the extents of what they give.
import type { ActivationOp } from './twin-activations.ts';

/** How a window moves over the spatial axes. */
export interface Sliding {
  readonly strides: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

export type Numbers = readonly number[];

/** A layer as the twin knows it: extents and axes without the batch, numbers row-major. */
export type TwinLayer =
  | (Sliding & {
      readonly kind: 'conv';
      /** [out, in/group, …kernel] */
      readonly dims: Numbers;
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly dilations: Numbers;
      readonly group: number;
    })
  | (Sliding & {
      readonly kind: 'convtranspose';
      /** [in, out/group, …kernel] */
      readonly dims: Numbers;
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly dilations: Numbers;
      readonly group: number;
      readonly outputPadding: Numbers;
    })
  /** weight [units, in], on the last axis */
  | {
      readonly kind: 'dense';
      readonly weight: Numbers;
      readonly bias?: Numbers | undefined;
      readonly units: number;
    }
  | {
      readonly kind: 'batchnorm';
      readonly gamma: Numbers;
      readonly beta: Numbers;
      readonly mean: Numbers;
      readonly variance: Numbers;
      readonly epsilon: number;
    }
  /** x ∘ value, or value ∘ x where flipped (only Add, Sub, Mul); `shape` broadcasts to x without its batch. */
  | {
      readonly kind: 'constant';
      readonly op: 'Add' | 'Sub' | 'Mul' | 'Div';
      readonly value: Numbers;
      readonly shape: Numbers;
      readonly flipped?: boolean;
    }
  | { readonly kind: 'activation'; readonly op: ActivationOp }
  | { readonly kind: 'prelu'; readonly slope: Numbers }
  | {
      readonly kind: 'lrn';
      readonly size: number;
      readonly alpha: number;
      readonly beta: number;
      readonly bias: number;
    }
  | (Sliding & { readonly kind: 'maxpool'; readonly kernel: Numbers; readonly ceil?: boolean })
  | (Sliding & { readonly kind: 'averagepool'; readonly kernel: Numbers; readonly countIncludePad: boolean })
  | { readonly kind: 'globalmax' | 'globalaverage' | 'dropout' | 'flatten' }
  | {
      readonly kind: 'reduce';
      readonly op: 'ReduceMean' | 'ReduceSum' | 'ReduceMax';
      readonly axes: Numbers;
      readonly keepdims: boolean;
    }
  | { readonly kind: 'sum'; readonly op: 'Add' | 'Sub' | 'Sum' }
  | { readonly kind: 'extreme'; readonly op: 'Max' | 'Min' }
  /** The input `signal` is weighed by the other, the gate. */
  | { readonly kind: 'product'; readonly signal: 0 | 1 }
  | { readonly kind: 'concat'; readonly axis: number }
  | {
      readonly kind: 'slice';
      readonly axis: number;
      readonly start: number;
      readonly end: number;
      readonly step: number;
    }
  /** One result of a Split. */
  | { readonly kind: 'piece'; readonly axis: number; readonly sizes: Numbers; readonly index: number }
  | {
      readonly kind: 'pad';
      readonly begin: Numbers;
      readonly end: Numbers;
      readonly value: number;
      readonly mode: 'constant' | 'edge' | 'reflect';
    }
  | { readonly kind: 'transpose'; readonly perm: Numbers }
  | { readonly kind: 'reshape'; readonly dims: Numbers }
  | { readonly kind: 'expand'; readonly dims: Numbers }
  | { readonly kind: 'final'; readonly op: 'Softmax' | 'LogSoftmax' | 'Sigmoid' };

export const size = (dims: Numbers) => dims.reduce((n, d) => n * d, 1);
export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** All indices of a shape, row-major. */
export function grid(dims: Numbers): number[][] {
  return dims.reduce<number[][]>((all, d) => all.flatMap((head) => upTo(d).map((i) => [...head, i])), [[]]);
}

export const flat = (index: Numbers, dims: Numbers) => index.reduce((n, v, a) => n * dims[a] + v, 0);

/** For each element of `dims`, the element of an operand that broadcasts to it. */
export function spread(operand: Numbers, dims: Numbers): number[] {
  const lead = dims.length - operand.length;
  return grid(dims).map((at) =>
    flat(
      operand.map((d, a) => (d === 1 ? 0 : at[a + lead])),
      operand,
    ),
  );
}

function broadcast(all: readonly Numbers[]): number[] {
  const rank = Math.max(...all.map((d) => d.length));
  return upTo(rank).map((a) => Math.max(...all.map((d) => d[a - rank + d.length] ?? 1)));
}

export const ones = (n: number) => new Array<number>(n).fill(1);

/** Extents of what a window gives. */
function slid(
  spatial: Numbers,
  kernel: Numbers,
  dilations: Numbers,
  { strides, begin, end }: Sliding,
  ceil = false,
) {
  return spatial.map((n, a) => {
    const room = n + begin[a] + end[a] - dilations[a] * (kernel[a] - 1) - 1;
    const count = Math[ceil ? 'ceil' : 'floor'](room / strides[a]) + 1;
    return ceil && (count - 1) * strides[a] >= n + begin[a] ? count - 1 : count;
  });
}

/** The shape of a layer's result. */
export function extents(layer: TwinLayer, inputs: readonly Numbers[]): number[] {
  const [dims] = inputs;
  const spatial = dims.slice(1);
  switch (layer.kind) {
    case 'conv':
      return [layer.dims[0], ...slid(spatial, layer.dims.slice(2), layer.dilations, layer)];
    case 'convtranspose':
      return [
        layer.dims[1] * layer.group,
        ...spatial.map(
          (n, a) =>
            layer.strides[a] * (n - 1) +
            layer.outputPadding[a] +
            layer.dilations[a] * (layer.dims[a + 2] - 1) +
            1 -
            layer.begin[a] -
            layer.end[a],
        ),
      ];
    case 'maxpool':
      return [dims[0], ...slid(spatial, layer.kernel, ones(spatial.length), layer, layer.ceil)];
    case 'averagepool':
      return [dims[0], ...slid(spatial, layer.kernel, ones(spatial.length), layer)];
    case 'dense':
      return [...dims.slice(0, -1), layer.units];
    case 'globalaverage':
    case 'globalmax':
      return [dims[0], ...ones(spatial.length)];
    case 'reduce':
      return dims.flatMap((d, a) => (layer.axes.includes(a) ? (layer.keepdims ? [1] : []) : [d]));
    case 'sum':
    case 'extreme':
    case 'product':
      return broadcast(inputs);
    case 'concat':
      return dims.map((d, a) => (a === layer.axis ? inputs.reduce((n, other) => n + other[a], 0) : d));
    case 'slice':
      return dims.map((d, a) => (a === layer.axis ? Math.ceil((layer.end - layer.start) / layer.step) : d));
    case 'piece':
      return dims.map((d, a) => (a === layer.axis ? layer.sizes[layer.index] : d));
    case 'pad':
      return dims.map((d, a) => d + layer.begin[a] + layer.end[a]);
    case 'transpose':
      return layer.perm.map((a) => dims[a]);
    case 'reshape':
    case 'expand':
      return [...layer.dims];
    case 'flatten':
      return [size(dims)];
    default:
      return [...dims];
  }
}
