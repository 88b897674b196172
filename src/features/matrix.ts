// Real matrices in float64: what every feature is, with a row to a bin and a column to a frame.

/** A row-major matrix: element (r, c) is `data[r * columns + c]`. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** A matrix of zeros, in `room` where that is enough. */
export function zeros(rows: number, columns: number, room?: Float64Array): Matrix {
  const size = rows * columns;
  const isEnough = room !== undefined && room.length >= size;
  return { rows, columns, data: isEnough ? room.subarray(0, size).fill(0) : new Float64Array(size) };
}

/** Applies a function to every element. */
export function mapMatrix(m: Matrix, f: (value: number) => number): Matrix {
  return { rows: m.rows, columns: m.columns, data: m.data.map(f) };
}

/** The product a · b, [a.rows, b.columns]; zeros of `a` cost nothing, so that it may be sparse. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = zeros(a.rows, b.columns);
  const [from, to] = [b.data, out.data];
  for (let r = 0, at = 0; r < a.rows; r++, at += b.columns) {
    for (let k = 0; k < a.columns; k++) {
      const weight = a.data[r * a.columns + k];
      if (weight === 0) continue;
      for (let i = at, j = k * b.columns; i < at + b.columns; i++, j++) to[i] += weight * from[j];
    }
  }
  return out;
}

/** A matrix without the zeros at both ends of its rows: row r holds columns begin[r] to end[r]. */
export interface Bands {
  begin: Int32Array;
  end: Int32Array;
  /** Row after row. */
  weights: Float64Array;
}

const bands = new WeakMap<Matrix, Bands>();

/** Where the rows of a matrix are not 0, found once. */
export function bandsOf(m: Matrix): Bands {
  const made = bands.get(m) ?? findBands(m);
  bands.set(m, made);
  return made;
}

function findBands({ rows, columns, data }: Matrix): Bands {
  const all = Array.from({ length: rows }, (_, r) => data.subarray(r * columns, (r + 1) * columns));
  const begin = Int32Array.from(all, (row) =>
    Math.max(
      0,
      row.findIndex((v) => v !== 0),
    ),
  );
  const end = Int32Array.from(all, (row) => row.findLastIndex((v) => v !== 0) + 1);
  const weights = Float64Array.from(all.flatMap((row, r) => [...row.subarray(begin[r], end[r])]));
  return { begin, end, weights };
}

/** The largest element (−∞ for an empty matrix). */
export function largest(m: Matrix): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < m.data.length; i++) most = Math.max(most, m.data[i]);
  return most;
}
