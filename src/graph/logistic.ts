// The logistic function to float32's precision.
import type { GraphBuilder } from './builder.ts';

/**
 * 1/(1 + e⁻ˣ), whose relative error is that of float32 everywhere. ONNX Runtime's Sigmoid is exact to 1e-7 of 1 only, and
 * what divides by sums of small values (z⁺ behind a SiLU) makes 1e-5 of that.
 */
export function logistic(g: GraphBuilder, x: string): string {
  return g.emit('Reciprocal', [logisticDenominator(g, x)]);
}

/** 1 + e⁻ˣ */
export function logisticDenominator(g: GraphBuilder, x: string): string {
  return g.add(g.emit('Exp', [g.neg(x)]), 1);
}
