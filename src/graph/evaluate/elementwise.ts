// Reference evaluation of activations, arithmetic and logic, element by element.
import { broadcastTo, map } from '../array64.ts';
import { ONNX_DTYPES } from '../dtypes.ts';
import { SELU } from '../ops.ts';
import { isFloat } from '../types.ts';
import type { EvaluateTable } from './table.ts';

export const ELEMENTWISE = {
  Relu: ([x]) => map(x, (v) => Math.max(v, 0)),
  LeakyRelu: ([x], { alpha = 0.01 }) => map(x, (v) => (v < 0 ? alpha * v : v)),
  PRelu: (x) => broadcastTo(x, (v, slope) => (v < 0 ? slope * v : v)),
  ThresholdedRelu: ([x], { alpha = 1 }) => map(x, (v) => (v > alpha ? v : 0)),
  Clip: ([x, low, high]) => {
    const [from, to] = [low?.data[0] ?? Number.NEGATIVE_INFINITY, high?.data[0] ?? Number.POSITIVE_INFINITY];
    return map(x, (v) => Math.min(Math.max(v, from), to));
  },
  Elu: ([x], { alpha = 1 }) => map(x, (v) => (v < 0 ? alpha * Math.expm1(v) : v)),
  Selu: ([x], { alpha = SELU.alpha, gamma = SELU.gamma }) =>
    map(x, (v) => gamma * (v < 0 ? alpha * Math.expm1(v) : v)),
  Celu: ([x], { alpha = 1 }) => map(x, (v) => (v < 0 ? alpha * Math.expm1(v / alpha) : v)),
  Sigmoid: ([x]) => map(x, (v) => 1 / (1 + Math.exp(-v))),
  HardSigmoid: ([x], { alpha = 0.2, beta = 0.5 }) => map(x, (v) => hardSigmoid(v, alpha, beta)),
  HardSwish: ([x]) => map(x, (v) => v * hardSigmoid(v, 1 / 6, 0.5)),
  Mish: ([x]) => map(x, (v) => v * Math.tanh(softplus(v))),
  Softplus: ([x]) => map(x, softplus),
  Softsign: ([x]) => map(x, (v) => v / (1 + Math.abs(v))),
  Tanh: ([x]) => map(x, Math.tanh),
  Erf: ([x]) => map(x, erf),

  Add: (x) => broadcastTo(x, (p, q) => p + q),
  Sub: (x) => broadcastTo(x, (p, q) => p - q),
  Mul: (x) => broadcastTo(x, (p, q) => p * q),
  Div: (x) => broadcastTo(x, (p, q) => (isFloat(x[0].dtype) ? p / q : Math.trunc(p / q))),
  // The sign of the divisor, or with fmod that of the dividend.
  Mod: (x, { fmod }) => broadcastTo(x, (p, q) => (fmod ? p % q : p - q * Math.floor(p / q))),
  Pow: (x) => broadcastTo(x, (p, q) => p ** q),
  Sum: (x) => x.reduce((a, b) => broadcastTo([a, b], (p, q) => p + q)),
  Max: (x) => x.reduce((a, b) => broadcastTo([a, b], Math.max)),
  Min: (x) => x.reduce((a, b) => broadcastTo([a, b], Math.min)),
  Neg: ([x]) => map(x, (v) => -v),
  Abs: ([x]) => map(x, Math.abs),
  Sqrt: ([x]) => map(x, Math.sqrt),
  Exp: ([x]) => map(x, Math.exp),
  Log: ([x]) => map(x, Math.log),
  Reciprocal: ([x]) => map(x, (v) => 1 / v),
  Floor: ([x]) => map(x, Math.floor),
  Ceil: ([x]) => map(x, Math.ceil),
  Sign: ([x]) => map(x, Math.sign),

  Equal: (x) => broadcastTo(x, (p, q) => Number(p === q), 'bool'),
  Less: (x) => broadcastTo(x, (p, q) => Number(p < q), 'bool'),
  LessOrEqual: (x) => broadcastTo(x, (p, q) => Number(p <= q), 'bool'),
  Greater: (x) => broadcastTo(x, (p, q) => Number(p > q), 'bool'),
  GreaterOrEqual: (x) => broadcastTo(x, (p, q) => Number(p >= q), 'bool'),
  And: (x) => broadcastTo(x, (p, q) => p * q, 'bool'),
  Or: (x) => broadcastTo(x, Math.max, 'bool'),
  Not: ([x]) => map(x, (v) => 1 - v),
  Where: ([condition, a, b]) => broadcastTo([condition, a, b], (c, p, q) => (c ? p : q), a.dtype),
  Cast: ([x], { to = 1 }) => {
    const dtype = ONNX_DTYPES[to];
    const convert =
      dtype === 'bool' ? (v: number) => Number(v !== 0) : isFloat(dtype) ? (v: number) => v : Math.trunc;
    return { ...map(x, convert), dtype };
  },
} satisfies Partial<EvaluateTable>;

/** ln(1 + eˣ) without overflow. */
function softplus(v: number): number {
  return Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
}

function hardSigmoid(v: number, alpha: number, beta: number): number {
  return Math.min(Math.max(alpha * v + beta, 0), 1);
}

/** erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms all have one sign. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = 0;
  for (let n = 1; sum + term !== sum; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
