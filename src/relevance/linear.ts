// The linear layers that rules run on, each as a bilinear map f(x; W) + b with its adjoint fᵀ(r; W).
import { averagePoolAdjoint, convAdjoint, isFewChannels, pooledConvAdjoint } from '../graph/adjoint.ts';
import { staticDims } from '../graph/dims.ts';
import type { Visit } from '../graph/reverse.ts';
import { int64s, tensor } from '../graph/types.ts';
import { padsOf, type Window } from '../graph/window.ts';

/** A linear layer at one node of the graph that is being compiled; all operands are names of values. */
export interface Linear {
  readonly x: string;
  /** Undefined for layers without weights of their own, such as pooling. */
  readonly weight?: string;
  readonly bias?: string;
  /** f(x; W) + b */
  readonly apply: (x: string, weight: string, bias?: string) => string;
  /** fᵀ(r; W) */
  readonly adjoint: (r: string, weight: string) => string;
  /** fᵀ of what max pooling's places hold, where that is the faster way. */
  readonly adjointOfPlaces?: ((places: readonly string[], weight: string) => string) | undefined;
  /** f(1; 1): how many real inputs each output has, a constant that broadcasts against the output. */
  readonly fanIn: () => string;
  /** fᵀ(r; 1) */
  readonly spread: (r: string) => string;
  /** All weights are ≥ 0, as an average's are. */
  readonly nonNegative?: boolean;
  /** The bias shaped so that it broadcasts against the output. */
  readonly biasField: (bias: string) => string;
}

export function convolution(v: Visit<'Conv'>): Linear {
  const { g, node } = v;
  const [x, weight, bias] = node.inputs;
  const group = node.attributes.group ?? 1;
  const [out, perGroup, ...kernel] = staticDims(g.shape(weight), v.where);
  const w = v.window(kernel);
  const attributes = {
    kernel_shape: kernel,
    strides: w.strides,
    dilations: w.dilations,
    pads: padsOf(w),
    group,
  };
  return {
    x,
    weight,
    ...(bias && { bias }),
    apply: (input, kernelPart, biasPart) =>
      g.emit('Conv', [input, kernelPart, ...(biasPart ? [biasPart] : [])], attributes),
    adjoint: (r, kernelPart) => convAdjoint(g, r, kernelPart, w, group),
    adjointOfPlaces: isFewChannels(g, weight, w, group)
      ? (places, kernelPart) => pooledConvAdjoint(g, places, kernelPart, w)
      : undefined,
    fanIn: () =>
      g.constant(
        tensor(
          counts(w).map((n) => n * perGroup),
          [1, 1, ...w.output],
        ),
      ),
    // All weights are equal, so the outputs of a group are summed first and one kernel of ones does for all.
    spread: (r) => {
      const grouped = g.reshape(r, [-1, out / group, ...w.output]);
      const ones = g.constant(tensor(counts({ ...w, output: kernel }).fill(1), [1, 1, ...kernel]));
      const single = convAdjoint(g, g.reduceSum(grouped, [1]), ones, w, 1);
      const each = perGroup === 1 ? single : g.emit('Expand', [single, int64s([1, perGroup, ...w.input])]);
      return g.reshape(each, [-1, perGroup * group, ...w.input]);
    },
    biasField: (b) => g.reshape(b, [1, -1, ...kernel.map(() => 1)]),
  };
}

export function dense(v: Visit<'Gemm'>): Linear {
  const { g, node } = v;
  const [x, weight, bias] = node.inputs;
  const [, fanIn] = staticDims(g.shape(weight), v.where);
  return {
    x,
    weight,
    ...(bias && { bias }),
    apply: (input, part, biasPart) =>
      g.emit('Gemm', [input, part, ...(biasPart ? [biasPart] : [])], { transB: 1 }),
    adjoint: (r, part) => g.emit('Gemm', [r, part], {}),
    fanIn: () => g.constant(tensor([fanIn], [1, 1])),
    spread: (r) => g.emit('Expand', [g.reduceSum(r, [1]), int64s([1, fanIn])]),
    biasField: (b) => b,
  };
}

/** Average pooling; its weights are the window's. */
export function averaging(v: Visit<'AveragePool'>): Linear {
  const [channels] = staticDims([v.shape(0)[1]], v.where);
  const countIncludePad = v.node.attributes.count_include_pad === 1;
  const adjoint = (r: string) => averagePoolAdjoint(v.g, r, v.window(), channels, countIncludePad);
  return { ...withoutWeights(v.input(0), adjoint), nonNegative: true };
}

/** Averaging over all positions. */
export function globalAveraging(v: Visit<'GlobalAveragePool'>): Linear {
  const spatial = staticDims(v.shape(0).slice(2), v.where);
  const share = 1 / spatial.reduce((n, d) => n * d, 1);
  return withoutWeights(v.input(0), (r) =>
    v.g.emit('Expand', [v.g.mul(r, share), int64s([1, 1, ...spatial])]),
  );
}

/** A batch norm that could not be merged: f(x) = k·x with k = γ/√(σ² + ε), and b = β − k·μ. */
export function affine(v: Visit<'BatchNormalization'>): Linear {
  const { g, node } = v;
  const [x, gamma, beta, mean, variance] = node.inputs;
  const field = (value: string) =>
    g.reshape(value, [
      1,
      -1,
      ...v
        .shape(0)
        .slice(2)
        .map(() => 1),
    ]);
  const k = g.div(gamma, g.emit('Sqrt', [g.add(variance, node.attributes.epsilon ?? 1e-5)]));
  const slope = field(k);
  return {
    ...withoutWeights(x, (r) => g.mul(r, slope)),
    bias: g.sub(beta, g.mul(k, mean)),
    biasField: field,
  };
}

function withoutWeights(x: string, adjoint: (r: string) => string): Linear {
  const refuse = () => {
    throw new Error('only the norm rule runs on layers without weights');
  };
  return { x, apply: refuse, adjoint, fanIn: refuse, spread: refuse, biasField: refuse };
}

/** Real positions under the window at each output, in row-major order. */
function counts(w: Window): number[] {
  return w.output.reduce<number[]>(
    (all, size, i) =>
      all.flatMap((n) =>
        Array.from({ length: size }, (_, o) => {
          const start = o * w.strides[i] - w.padsBegin[i];
          const taps = Array.from({ length: w.kernel[i] }, (_, k) => start + k * w.dilations[i]);
          return n * taps.filter((at) => at >= 0 && at < w.input[i]).length;
        }),
      ),
    [1],
  );
}
