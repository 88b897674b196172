// Real matrices in float64: what every feature is, with a row to a bin and a column to a frame.

/** A row-major matrix: element (r, c) is `data[r * columns + c]`. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** A matrix of zeros. */
export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** Applies a function to every element. */
export function mapMatrix(m: Matrix, f: (value: number) => number): Matrix {
  return { rows: m.rows, columns: m.columns, data: m.data.map(f) };
}

/** The product a · b, [a.rows, b.columns]; zeros of `a` cost nothing, so that it may be sparse. */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const out = zeros(a.rows, b.columns);
  for (let r = 0; r < a.rows; r++) {
    const row = out.data.subarray(r * b.columns, (r + 1) * b.columns);
    for (let k = 0; k < a.columns; k++) {
      const weight = a.data[r * a.columns + k];
      if (weight === 0) continue;
      const from = k * b.columns;
      for (let c = 0; c < b.columns; c++) row[c] += weight * b.data[from + c];
    }
  }
  return out;
}

/** The largest element (−∞ for an empty matrix). */
export function largest(m: Matrix): number {
  return m.data.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
