// The windows of scipy.signal.get_window that need no parameter, under all their names.
// Formulas: scipy.signal.windows (F. Harris, Proc. IEEE 66, 1978, for most).
import { FeatureError } from '../errors.ts';

/** Value n (0 ≤ n < M) of the symmetric window of M > 1 samples. */
type Window = (n: number, M: number) => number;

const { PI, abs, cos, sin, exp, floor } = Math;
/** From −1 at the window's first sample to 1 at its last. */
const position = (n: number, M: number) => (2 * n) / (M - 1) - 1;

/** Σₖ aₖ cos(k π x), with x from −1 to 1. */
function cosineSum(...a: number[]): Window {
  return (n, M) => a.reduce((sum, ak, k) => sum + ak * cos(k * PI * position(n, M)), 0);
}

const parzen: Window = (n, M) => {
  const x = abs(n - (M - 1) / 2) / (M / 2);
  return abs(n - (M - 1) / 2) <= (M - 1) / 4 ? 1 - 6 * x ** 2 + 6 * x ** 3 : 2 * (1 - x) ** 3;
};

const triang: Window = (n, M) => {
  const i = Math.min(n, M - 1 - n) + 1;
  return M % 2 === 0 ? (2 * i - 1) / M : (2 * i) / (M + 1);
};

const bohman: Window = (n, M) => {
  const x = abs(position(n, M));
  return x === 1 ? 0 : (1 - x) * cos(PI * x) + sin(PI * x) / PI;
};

const barthann: Window = (n, M) => {
  const x = abs(n / (M - 1) - 0.5);
  return 0.62 - 0.48 * x + 0.38 * cos(2 * PI * x);
};

/** Tapered cosine; α = 1/2 of the window is taper. */
const tukey: Window = (n, M) => {
  const alpha = 0.5;
  const edge = Math.min(n, M - 1 - n);
  return edge > floor((alpha * (M - 1)) / 2) ? 1 : 0.5 * (1 + cos(PI * ((2 * edge) / alpha / (M - 1) - 1)));
};

const lanczos: Window = (n, M) => {
  const x = PI * position(n, M);
  return x === 0 ? 1 : sin(x) / x;
};

/** n̄ = 4 nearly constant side lobes at −30 dB, 1 in the middle: Doerry, SAND2017-4042 (2017). */
const taylor: Window = (n, M) => {
  const value = (at: number) =>
    taylorWeights.reduce((sum, F, m) => sum + 2 * F * cos((2 * PI * (m + 1) * (at - M / 2 + 0.5)) / M), 1);
  return value(n) / value((M - 1) / 2);
};
const taylorWeights = (() => {
  const nbar = 4;
  const A = Math.acosh(10 ** (30 / 20)) / PI;
  const s2 = nbar ** 2 / (A ** 2 + (nbar - 0.5) ** 2);
  const orders = Array.from({ length: nbar - 1 }, (_, i) => i + 1);
  const product = (values: number[]) => values.reduce((a, b) => a * b, 1);
  return orders.map((m) => {
    const zeros = product(orders.map((i) => 1 - m ** 2 / s2 / (A ** 2 + (i - 0.5) ** 2)));
    const poles = product(orders.filter((i) => i !== m).map((i) => 1 - m ** 2 / i ** 2));
    return ((m % 2 ? 1 : -1) * zeros) / (2 * poles);
  });
})();

const families: [names: string[], window: Window][] = [
  [['barthann', 'brthan', 'bth'], barthann],
  [['bartlett', 'bart', 'brt'], (n, M) => 1 - abs(position(n, M))],
  [['blackman', 'black', 'blk'], cosineSum(0.42, 0.5, 0.08)],
  [['blackmanharris', 'blackharr', 'bkh'], cosineSum(0.35875, 0.48829, 0.14128, 0.01168)],
  [['bohman', 'bman', 'bmn'], bohman],
  [['boxcar', 'box', 'ones', 'rect', 'rectangular'], () => 1],
  [['cosine', 'halfcosine'], (n, M) => sin((PI / M) * (n + 0.5))],
  [['exponential', 'poisson'], (n, M) => exp(-abs(n - (M - 1) / 2))],
  [['flattop', 'flat', 'flt'], cosineSum(0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368)],
  [['hamming', 'hamm', 'ham'], cosineSum(0.54, 0.46)],
  [['hann', 'han'], cosineSum(0.5, 0.5)],
  [['lanczos', 'sinc'], lanczos],
  [['nuttall', 'nutl', 'nut'], cosineSum(0.3635819, 0.4891775, 0.1365995, 0.0106411)],
  [['parzen', 'parz', 'par'], parzen],
  [['taylor', 'taylorwin'], taylor],
  [['triang', 'triangle', 'tri'], triang],
  [['tukey', 'tuk'], tukey],
];
const windows = new Map(families.flatMap(([names, window]) => names.map((name) => [name, window])));

/** Every name that {@link getWindow} knows, aliases too. */
export const windowNames: readonly string[] = [...windows.keys()];

/**
 * A window of `length` samples. `fftbins` makes it periodic: the symmetric window of one more sample, without its
 * last; a name that ends in `_symmetric` or `_periodic` overrides that, as in scipy.
 *
 * @throws FeatureError for an unknown name or a length that is not a positive integer
 */
export function getWindow(name: string, length: number, fftbins = true): Float64Array {
  const [, plain, suffix] = /^(.*?)(_symmetric|_periodic)?$/.exec(name) ?? [];
  const window = windows.get(plain);
  if (!window) {
    const expected = `one of ${families.map(([names]) => names[0]).join(', ')}`;
    throw new FeatureError({ what: 'unknown window', expected, got: `'${name}'` });
  }
  if (!Number.isInteger(length) || length < 1) {
    throw new FeatureError({ what: 'window length', expected: 'a positive integer', got: `${length}` });
  }
  if (length === 1) return Float64Array.of(1);
  const periodic = suffix ? suffix === '_periodic' : fftbins;
  return Float64Array.from({ length }, (_, n) => window(n, periodic ? length + 1 : length));
}
