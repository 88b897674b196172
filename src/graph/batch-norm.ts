// Batch norm on the way back: the affine map of inference, and training by the statistics of the batch.
import type { GraphBuilder } from './builder.ts';
import { staticDims } from './dims.ts';
import type { Visit } from './reverse.ts';
import type { NodeOf, Shape } from './types.ts';

/** All axes of [N, C, …] but the channels. */
export const channelAxes = (shape: Shape) => [...shape.keys()].filter((axis) => axis !== 1);

/** [C] → [1, C, 1, …], to broadcast against [N, C, …]. */
function field(g: GraphBuilder, value: string, like: Shape): string {
  return g.reshape(value, [1, -1, ...like.slice(2).map(() => 1)]);
}

/** Mean over batch and positions, [C]. */
function channelMean(g: GraphBuilder, value: string): string {
  return g.reduceMean(value, channelAxes(g.shape(value)), 0);
}

/** k ⊙ x + b by channel: an inference batch norm with mean 0 and variance 1, in one pass. */
function affine(g: GraphBuilder, x: string, k: string, b: string): string {
  return g.emit('BatchNormalization', [x, k, b, g.filledLike(0, k), g.filledLike(1, k)], { epsilon: 0 });
}

/**
 * Training form: y = γ·(x − μ)/√(σ² + ε) + β with the batch's μ and σ² (population), and ONNX's running statistics
 * m·old + (1 − m)·batch. Keeps what the way back needs.
 */
export function batchNormForward(
  g: GraphBuilder,
  node: NodeOf<'BatchNormalization'>,
): Record<string, string> {
  const { epsilon = 1e-5, momentum = 0.9 } = node.attributes;
  const [x, scale, bias, oldMean, oldVariance] = node.inputs;
  const [y, newMean, newVariance] = node.outputs;
  const mean = channelMean(g, x);
  const centred = g.sub(x, field(g, mean, g.shape(x)));
  const variance = channelMean(g, g.mul(centred, centred));
  g.node({ ...node, inputs: [x, scale, bias, mean, variance], outputs: [y], attributes: { epsilon } });
  const moved = (name: string | undefined, old: string, now: string) => {
    if (!name) return;
    const parts = [g.mul(old, momentum), g.mul(now, 1 - momentum)];
    g.node({ op: 'Add', name, inputs: parts, outputs: [name], attributes: {} });
  };
  moved(newMean, oldMean, mean);
  moved(newVariance, oldVariance, variance);
  return { centred, inverse: g.emit('Reciprocal', [g.emit('Sqrt', [g.add(variance, epsilon)])]) };
}

/**
 * With k = γ/√(σ² + ε) and c = x − μ:  r_x = k·r − k·mean(r) − c·k/(σ² + ε)·mean(r·c),
 * r_γ = Σ r·c/√(σ² + ε), r_β = Σ r.
 * @see Ioffe and Szegedy, Batch Normalization, 2015
 */
export function batchNormBackward(v: Visit<'BatchNormalization'>): (string | undefined)[] {
  const { g } = v;
  const { centred, inverse } = v.saved;
  const k = g.mul(v.input(1), inverse);
  const mean = channelMean(g, v.out);
  const moment = g.mul(channelMean(g, g.mul(v.out, centred)), inverse);
  const along = field(g, g.neg(g.mul(g.mul(k, inverse), moment)), v.shape(0));
  const channels = staticDims([v.shape(0)[1]], v.where)[0];
  const count = g.div(g.countOf(v.input(0), g.type(v.out).dtype), channels);
  return [
    v.needs(0) ? g.add(affine(g, v.out, k, g.neg(g.mul(k, mean))), g.mul(centred, along)) : undefined,
    g.mul(moment, count),
    g.mul(mean, count),
    undefined,
    undefined,
  ];
}

/** Inference form, y = (x − μ)·γ/√(σ² + ε) + β with given μ and σ². */
export function affineBackward(v: Visit<'BatchNormalization'>): (string | undefined)[] {
  const { g } = v;
  const [x, scale, , mean, variance] = v.node.inputs;
  const axes = channelAxes(v.shape(0));
  const deviation = g.emit('Sqrt', [g.add(variance, v.node.attributes.epsilon ?? 1e-5)]);
  const slope = g.div(scale, deviation);
  const sum = g.reduceSum(v.out, axes, 0);
  const statistics = v.needs(1) || v.needs(4);
  const centred = statistics ? g.mul(g.sub(x, field(g, mean, v.shape(0))), v.out) : '';
  // Σ r·(x − μ)/√(σ² + ε)
  const moment = statistics ? g.div(g.reduceSum(centred, axes, 0), deviation) : '';
  return [
    v.needs(0) ? g.mul(v.out, field(g, slope, v.shape(0))) : undefined,
    v.needs(1) ? moment : undefined,
    v.needs(2) ? sum : undefined,
    v.needs(3) ? g.neg(g.mul(slope, sum)) : undefined,
    v.needs(4) ? g.mul(g.mul(moment, g.div(slope, deviation)), -0.5) : undefined,
  ];
}
