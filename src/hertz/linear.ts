// The ε rule on one linear step of a front-end: z = W x + b, column by column, with its own books.
import { type Matrix, multiply, zeros } from '../features/matrix.ts';

/** What did not go on to the input of a step; with what went on, it sums to what came. */
export interface Books {
  /** Σ R·b/s(z) */
  readonly bias: number;
  /** Σ R·(s(z) − z)/s(z) */
  readonly stabilizer: number;
  /** Σ R where there is nothing that sounds. */
  readonly silence: number;
}

/** What a step hands on. */
export interface Carried extends Books {
  /** Of the step's input [inputs, frames]. */
  readonly relevance: Matrix;
}

/** Smaller denominators count as 0: their quotients would leave float64. */
const TINY = 1e-290;

/** A step that takes relevance as it comes. */
export function passed(relevance: Matrix): Carried {
  return { relevance, bias: 0, stabilizer: 0, silence: 0 };
}

/** What a step knows beyond its matrix. */
export interface StepOptions {
  /** b [outputs], or none. */
  readonly b?: Float64Array;
  /** ε of each output [outputs], or none. */
  readonly epsilon?: Float64Array;
  /** R/z [outputs, frames], where the method gives it, so that nothing is divided. */
  readonly perUnit?: Matrix;
}

/**
 * R_j = x_j Σₖ W_kj R_k/s(z_k) with z = W x + b and s(z) = z + sg(z)·ε; where z is 0, R is booked as silence.
 *
 * @param W [outputs, inputs]
 * @param x [inputs, frames]
 * @param R relevance of z [outputs, frames]
 */
export function throughMatrix(
  W: Matrix,
  x: Matrix,
  R: Matrix,
  { b, epsilon, perUnit }: StepOptions = {},
): Carried {
  const { ratio, ...books } = perUnit
    ? { ratio: perUnit, stabilizer: 0, silence: 0 }
    : quotient(R, multiply(W, x), b, epsilon);
  const relevance = multiply(transposed(W), ratio);
  for (const [i, v] of x.data.entries()) relevance.data[i] *= v;
  const bias = b ? ratio.data.reduce((total, v, i) => total + v * b[Math.floor(i / ratio.columns)], 0) : 0;
  return { relevance, bias, ...books };
}

/** R/s(z) with z = Wx + b, and what of R is not in it. */
function quotient(R: Matrix, Wx: Matrix, b: Float64Array | undefined, epsilon: Float64Array | undefined) {
  const ratio = zeros(R.rows, R.columns);
  let [stabilizer, silence] = [0, 0];
  for (const [i, r] of R.data.entries()) {
    const k = Math.floor(i / R.columns);
    const z = Wx.data[i] + (b?.[k] ?? 0);
    if (Math.abs(z) < TINY) {
      silence += r;
      continue;
    }
    const extra = Math.sign(z) * (epsilon?.[k] ?? 0);
    ratio.data[i] = r / (z + extra);
    stabilizer += extra * ratio.data[i];
  }
  return { ratio, stabilizer, silence };
}

/** [columns, rows] */
export function transposed({ rows, columns, data }: Matrix): Matrix {
  const out = zeros(columns, rows);
  for (const [i, v] of data.entries()) out.data[(i % columns) * rows + Math.floor(i / columns)] = v;
  return out;
}
