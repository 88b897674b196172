// Activations of the slow twin and their slopes.
import type { Rounding } from './rounding.ts';

interface Scalar {
  readonly of: (v: number, parameter: number) => number;
  /** By the value itself where that is how everybody computes it, rounded. */
  readonly slope: (v: number, parameter: number, round: Rounding) => number;
}

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
const within = (v: number, low: number, high: number) => (v > low && v < high ? 1 : 0);

/** erf by its series Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)), beyond 2 by the continued fraction of its complement. */
function erf(v: number): number {
  if (Math.abs(v) > 2) {
    const x = Math.abs(v);
    let fraction = x;
    for (let n = 80; n > 0; n--) fraction = x + n / 2 / fraction;
    return Math.sign(v) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction));
  }
  let [term, sum] = [v, v];
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-v * v) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Activations by ONNX's names, with ONNX's defaults; a slope where there are two is that of the flatter side. */
export const ACTIVATIONS = {
  Relu: { of: (v) => Math.max(v, 0), slope: (v) => (v > 0 ? 1 : 0) },
  LeakyRelu: { of: (v) => (v < 0 ? 0.01 * v : v), slope: (v) => (v > 0 ? 1 : 0.01) },
  /** Clip to 0…0.5, which binds where numbers are small. */
  ClipHalf: { of: (v) => clamp(v, 0, 0.5), slope: (v) => within(v, 0, 0.5) },
  /** Clip to 0…6 */
  Clip6: { of: (v) => clamp(v, 0, 6), slope: (v) => within(v, 0, 6) },
  Elu: { of: (v) => (v < 0 ? Math.expm1(v) : v), slope: (v) => (v > 0 ? 1 : Math.exp(v)) },
  Selu: {
    of: (v) => 1.0507010221481323 * (v < 0 ? 1.6732631921768188 * Math.expm1(v) : v),
    slope: (v) => 1.0507010221481323 * (v > 0 ? 1 : 1.6732631921768188 * Math.exp(v)),
  },
  Celu: { of: (v) => (v < 0 ? Math.expm1(v) : v), slope: (v) => (v > 0 ? 1 : Math.exp(v)) },
  Sigmoid: { of: sigmoid, slope: (v, _, round) => round(sigmoid(v)) * (1 - round(sigmoid(v))) },
  Tanh: { of: Math.tanh, slope: (v, _, round) => 1 - round(round(Math.tanh(v)) ** 2) },
  Softplus: { of: (v) => Math.log1p(Math.exp(v)), slope: sigmoid },
  Softsign: { of: (v) => v / (1 + Math.abs(v)), slope: (v) => 1 / (1 + Math.abs(v)) ** 2 },
  HardSigmoid: { of: (v) => clamp(0.2 * v + 0.5, 0, 1), slope: (v) => 0.2 * within(0.2 * v + 0.5, 0, 1) },
  HardSwish: {
    of: (v) => v * clamp(v / 6 + 0.5, 0, 1),
    slope: (v) => clamp(v / 6 + 0.5, 0, 1) + (v / 6) * within(v / 6 + 0.5, 0, 1),
  },
  Mish: {
    of: (v) => v * Math.tanh(Math.log1p(Math.exp(v))),
    slope: (v) => {
      const t = Math.tanh(Math.log1p(Math.exp(v)));
      return t + v * (1 - t * t) * sigmoid(v);
    },
  },
  ThresholdedRelu: { of: (v) => (v > 1 ? v : 0), slope: (v) => (v > 1 ? 1 : 0) },
  Erf: { of: erf, slope: (v) => (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v) },
} as const satisfies Record<string, Scalar>;

export type ActivationOp = keyof typeof ACTIVATIONS;
