// Where a clip's relevance lies: its shares by frequency band, on padding and on silence.
import type { Band } from './bands.ts';
import type { Cells, ClipExplanation } from './explained.ts';

/** Shares from 0 to 1 of a relevance map R; null where there is nothing to share or the question makes no sense. */
export interface Shares {
  /** Σ max(R, 0) of a band / Σ max(R, 0), by band; null where frequencies are not known, and where no relevance is positive. */
  readonly positive: readonly number[] | null;
  /** Σ |R| of a band / Σ |R|, by band; null where frequencies are not known, and where all relevance is 0. */
  readonly absolute: readonly number[] | null;
  /** Σ |R| of the frames that are wholly padding / Σ |R|; null where all relevance is 0. */
  readonly padding: number | null;
  /**
   * Σ |R| of the cells of all other frames whose input is at its floor (exactly 0: topDb or more below the clip's
   * loudest, or silent) / Σ |R|; null where 0 does not stand for silence, as in MFCCs, and where all relevance is 0.
   */
  readonly silence: number | null;
}

/**
 * Shares of one map over the input of a clip.
 *
 * @param zeroIsSilence whether an input of exactly 0 stands for silence
 * @param byFrequency the same relevance in a map whose rows are frequencies, and bands of these rows; null where there is none
 */
export function sharesOf(
  relevance: Cells,
  { features, paddedFrames }: Pick<ClipExplanation, 'features' | 'paddedFrames'>,
  zeroIsSilence: boolean,
  byFrequency: { readonly map: Cells; readonly bands: readonly Band[] } | null,
): Shares {
  const { columns, data } = relevance;
  let [total, padding, silence] = [0, 0, 0];
  for (const [i, r] of data.entries()) {
    const amount = Math.abs(r);
    total += amount;
    if (paddedFrames[i % columns]) padding += amount;
    else if (features.data[i] === 0) silence += amount;
  }
  const share = (part: number) => (total === 0 ? null : part / total);
  return {
    positive: byFrequency && bandShares(byFrequency.map, (r) => Math.max(r, 0), byFrequency.bands),
    absolute: byFrequency && bandShares(byFrequency.map, Math.abs, byFrequency.bands),
    padding: share(padding),
    silence: zeroIsSilence ? share(silence) : null,
  };
}

/** null where all rows are 0. */
function bandShares(
  { rows, columns, data }: Cells,
  of: (r: number) => number,
  bands: readonly Band[],
): number[] | null {
  const byRow = Float64Array.from({ length: rows }, (_, row) => {
    let amount = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) amount += of(data[i]!);
    return amount;
  });
  const total = sum(byRow);
  if (total === 0) return null;
  return bands.map((band) => sum(byRow.subarray(band.firstRow, band.firstRow + band.rows)) / total);
}

/**
 * Pearson's correlation of two maps over all their cells, −1 to 1; null where one is the same everywhere. Cells in
 * which both are 0, such as silence under most rules, count as agreement.
 */
export function correlation({ data: a }: Cells, { data: b }: Cells): number | null {
  if (isConstant(a) || isConstant(b)) return null;
  const [meanA, meanB] = [sum(a) / a.length, sum(b) / b.length];
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const [x, y] = [value - meanA, b[i]! - meanB];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return Math.max(-1, Math.min(1, ab / (Math.sqrt(aa) * Math.sqrt(bb))));
}

const isConstant = (values: Float32Array | Float64Array) => values.every((v) => v === values[0]);

/** In float64 whatever the precision of the values. */
function sum(values: Float32Array | Float64Array): number {
  let total = 0;
  for (const v of values) total += v;
  return total;
}
