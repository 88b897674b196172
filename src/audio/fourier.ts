// The Fourier transform of two complex signals at once, of any length, in float64.
import {
  add,
  allocate,
  allocated,
  compiled,
  constant,
  heap,
  int,
  Kernel,
  load,
  loadTwice,
  mul,
  plus,
  sub,
  times,
  type Value,
} from './kernel.ts';

/** Transforms x[0…n) of two signals to X[k] = Σₜ x[t] e^(−2πi kt/n). */
export interface PairTransform {
  /**
   * Index in the heap where x is put, 4n numbers: the real parts of x[0] in the first and the second signal, their
   * imaginary parts, those of x[1] … They are overwritten.
   */
  readonly input: number;
  /** @returns where X lies, in the same order, until the next run; one element more may be written */
  run(): number;
}

/** Real and imaginary parts, of both signals. */
type Complex = readonly [re: Value, im: Value];
/** Bytes of an element, and of its real parts, behind which the imaginary ones are. */
const [ELEMENT, IM] = [32, 16] as const;

const made = new Map<number, PairTransform>();

/** The transform of length n; its tables are made once. */
export function pairTransform(n: number): PairTransform {
  const transform = made.get(n) ?? (isSmooth(n) ? mixedRadix(n) : bluestein(n));
  made.set(n, transform);
  return transform;
}

/** Larger primes are transformed faster by Bluestein's algorithm. */
const LARGEST_PRIME = 31;

/** Whether a length has small prime factors only, so that its transform is fast. */
export function isSmooth(n: number): boolean {
  return radices(n).every((r) => r <= LARGEST_PRIME);
}

/**
 * Stockham's algorithm, which keeps the order: with n = r m s, a pass of radix r takes x, [r, m, s], to y, [m, r, s],
 *
 *     y[p, k, q] = w^(pk) Σⱼ x[j, p, q] e^(−2πi jk/r),   w = e^(−2πi/(r m)),
 *
 * and s to r s.
 */
function mixedRadix(n: number): PairTransform {
  const [input, other] = [allocate(4 * n + 4), allocate(4 * n + 4)];
  let s = 1;
  const passes = radices(n).map((r) => {
    const m = n / (r * s);
    const pass = { run: passOf(r, m === 1), w: 8 * allocated(twiddles(r, m)), m, s };
    s *= r;
    return pass;
  });
  const run = () => {
    let [from, to] = [input, other];
    for (const { run, w, m, s } of passes) {
      run(8 * from, 8 * to, w, m, s);
      [from, to] = [to, from];
    }
    return from;
  };
  return { input, run };
}

/** n as a product: as many fours as there are, at most one two, odd primes. */
function radices(n: number): number[] {
  const factors: number[] = [];
  let rest = n;
  for (let r = 4; rest > 1; r = r === 4 ? 2 : r === 2 ? 3 : r + 2) {
    for (; rest % r === 0; rest /= r) factors.push(r);
  }
  return factors;
}

/** w^(pk), p < m, 0 < k < r, interleaved. */
function twiddles(r: number, m: number): Float64Array {
  const w = new Float64Array(2 * m * (r - 1));
  for (let p = 0, at = 0; p < m; p++) {
    for (let k = 1; k < r; k++) {
      const angle = (2 * Math.PI * p * k) / (r * m);
      w[at++] = Math.cos(angle);
      w[at++] = -Math.sin(angle);
    }
  }
  return w;
}

const kernels = new Map<string, ReturnType<typeof compiled>>();

/** @param last the pass of m = 1, where w is 1 */
function passOf(r: number, last: boolean) {
  const key = `${r} ${last}`;
  const kernel = kernels.get(key) ?? compiled(passKernel(r, last));
  kernels.set(key, kernel);
  return kernel;
}

function passKernel(r: number, last: boolean): Kernel {
  return new Kernel((kernel, x, y, w, m, s) => {
    const row = kernel.int(times(s, int(ELEMENT)));
    const apart = kernel.int(times(m, row));
    const rows = Array.from({ length: r }, (_, k) => kernel.int(times(row, int(k))));
    const parts = Array.from({ length: r }, (_, j) => kernel.int(times(apart, int(j))));
    const transform = butterfly(kernel, r);
    kernel.repeat(m, () => {
      const factors = last
        ? []
        : rows
            .slice(1)
            .map(
              (_, i): Complex => [kernel.pair(loadTwice(w, 16 * i)), kernel.pair(loadTwice(w, 16 * i + 8))],
            );
      kernel.set(w, plus(w, int(16 * (r - 1))));
      kernel.repeat(s, () => {
        const X = parts.map((part): Complex => {
          const at = kernel.int(plus(x, part));
          return [kernel.pair(load(at)), kernel.pair(load(at, IM))];
        });
        for (const [k, [re, im]] of transform(X).entries()) {
          const at = kernel.int(plus(y, rows[k]));
          const [a, b] = [kernel.pair(re), kernel.pair(im)];
          const [c, d] = factors[k - 1] ?? [];
          kernel.store(at, c ? sub(mul(a, c), mul(b, d)) : a);
          kernel.store(at, c ? add(mul(a, d), mul(b, c)) : b, IM);
        }
        kernel.set(x, plus(x, int(ELEMENT)));
        kernel.set(y, plus(y, int(ELEMENT)));
      });
      kernel.set(y, plus(y, rows[r - 1]));
    });
  });
}

/** The transform of length r of elements that are kept, written into a kernel. */
function butterfly(kernel: Kernel, r: number): (x: Complex[]) => Complex[] {
  const sum = (a: Complex, b: Complex): Complex => [
    kernel.pair(add(a[0], b[0])),
    kernel.pair(add(a[1], b[1])),
  ];
  const difference = (a: Complex, b: Complex): Complex => [
    kernel.pair(sub(a[0], b[0])),
    kernel.pair(sub(a[1], b[1])),
  ];
  /** a − ib and a + ib */
  const turned = (a: Complex, b: Complex): [Complex, Complex] => [
    [kernel.pair(add(a[0], b[1])), kernel.pair(sub(a[1], b[0]))],
    [kernel.pair(sub(a[0], b[1])), kernel.pair(add(a[1], b[0]))],
  ];
  if (r === 2) return ([a, b]) => [sum(a, b), difference(a, b)];
  if (r === 4) {
    return ([a, b, c, d]) => {
      const [even, odd] = [sum(a, c), sum(b, d)];
      const [one, three] = turned(difference(a, c), difference(b, d));
      return [sum(even, odd), one, difference(even, odd), three];
    };
  }
  // By halves: elements j and r − j are added and subtracted, and meet cosines and sines.
  const half = Array.from({ length: r >> 1 }, (_, i) => i + 1);
  const angles = Array.from({ length: r }, (_, i) => (2 * Math.PI * i) / r);
  const cos = angles.map((angle) => kernel.pair(constant(Math.cos(angle))));
  const sin = angles.map((angle) => kernel.pair(constant(Math.sin(angle))));
  return (x) => {
    const sums = half.map((j) => sum(x[j], x[r - j]));
    const offs = half.map((j) => difference(x[j], x[r - j]));
    const scaled = (table: Value[], k: number, values: Complex[], part: 0 | 1) =>
      values.map((value, i) => mul(table[(k * (i + 1)) % r], value[part])).reduce(add);
    const X: Complex[] = [sums.reduce(sum, x[0])];
    for (const k of half) {
      const even = [0, 1].map((part) => kernel.pair(add(x[0][part], scaled(cos, k, sums, part as 0 | 1))));
      const odd = [0, 1].map((part) => kernel.pair(scaled(sin, k, offs, part as 0 | 1)));
      [X[k], X[r - k]] = turned([even[0], even[1]], [odd[0], odd[1]]);
    }
    return X;
  };
}

/**
 * Any length as a convolution: kt = (k² + t² − (k − t)²)/2, so with the chirp w[t] = e^(−πi t²/n)
 *
 *     X[k] = w[k] Σₜ (x[t] w[t]) w*[k − t]
 *
 * computed by transforms of a power of two ≥ 2n − 1. Bluestein, IEEE Trans. Audio Electroacoustics 18 (1970).
 */
function bluestein(n: number): PairTransform {
  const size = 2 ** Math.ceil(Math.log2(2 * n - 1));
  const { input: inner, run: transform } = pairTransform(size);
  const input = allocate(4 * n + 4);
  // t² mod 2n keeps the angle small, and so exact.
  const angles = Array.from({ length: n }, (_, t) => (Math.PI * ((t * t) % (2 * n))) / n);
  const chirp = angles.map((angle) => [Math.cos(angle), -Math.sin(angle)]);
  heap.fill(0, inner, inner + 4 * size);
  for (const [t, [re, im]] of chirp.entries()) {
    for (const at of [t, (size - t) % size]) heap.set([re, re, -im, -im], inner + 4 * at);
  }
  const at = transform();
  const spectrum = heap.slice(at, at + 4 * size).filter((_, i) => i % 2 === 0);
  const kernel = 8 * allocated(spectrum.map((value) => value / size));
  const w = 8 * allocated(chirp.flat());
  const run = () => {
    product(8 * input, w, 8 * inner, n);
    heap.fill(0, inner + 4 * n, inner + 4 * size);
    // The inverse transform is the transform with real and imaginary parts changed over, before and after.
    productToSwapped(8 * transform(), kernel, 8 * inner, size);
    productOfSwapped(8 * transform(), w, 8 * input, n);
    return input;
  };
  return { input, run };
}

/** Products of elements and one complex number for each; real and imaginary parts changed over where they are at IM. */
const productKernel = (from: 0 | 16, to: 0 | 16) =>
  compiled(
    new Kernel((kernel, x, factors, y, n) => {
      kernel.repeat(n, () => {
        const [re, im] = [kernel.pair(load(x, from)), kernel.pair(load(x, IM - from))];
        const [c, d] = [kernel.pair(loadTwice(factors)), kernel.pair(loadTwice(factors, 8))];
        kernel.store(y, sub(mul(re, c), mul(im, d)), to);
        kernel.store(y, add(mul(re, d), mul(im, c)), IM - to);
        for (const at of [x, y]) kernel.set(at, plus(at, int(ELEMENT)));
        kernel.set(factors, plus(factors, int(16)));
      });
    }),
  );
const product = productKernel(0, 0);
const productToSwapped = productKernel(0, IM);
const productOfSwapped = productKernel(IM, 0);
