// Shares of relevance: by hand on small matrices, and what holds for all of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Band } from './bands.ts';
import type { Cells } from './explained.ts';
import { correlation, sharesOf } from './shares.ts';

const cells = (...rows: number[][]): Cells => ({
  rows: rows.length,
  columns: rows[0]!.length,
  data: Float64Array.from(rows.flat()),
});
const bandsOf = (...rows: number[]): Band[] =>
  rows.map((n, i) => {
    const firstRow = rows.slice(0, i).reduce((a, b) => a + b, 0);
    return { low: 100 * firstRow, high: 100 * (firstRow + n), firstRow, rows: n };
  });

describe('by hand', () => {
  const relevance = cells([4, -2, 1, 0], [3, 0, -1, 5], [0, 2, 0, -2]);
  const features = cells([0, 0, 0.5, 0.2], [0, 0.1, 0, 1], [0, 0, 0.3, 0.4]);
  const paddedFrames = [true, false, false, false];
  const bands = bandsOf(1, 2);

  it('bands, padding and silence', () => {
    // |R| is 20 in all: 7 and 13 by band; 7 in the padded frame; 2 + 2 + 1 at 0 in the others. R⁺: 5 and 10.
    const shares = sharesOf(relevance, { features, paddedFrames }, true, { map: relevance, bands });
    expect(shares).toEqual({
      positive: [5 / 15, 10 / 15],
      absolute: [7 / 20, 13 / 20],
      padding: 7 / 20,
      silence: 5 / 20,
    });
  });

  it('MFCCs have neither bands nor silence', () => {
    const shares = sharesOf(relevance, { features, paddedFrames }, false, null);
    expect(shares).toEqual({ positive: null, absolute: null, padding: 7 / 20, silence: null });
  });

  it('bands of another map than that of the input', () => {
    const inHertz = cells([1, -1], [0, 2]);
    const shares = sharesOf(relevance, { features, paddedFrames }, false, {
      map: inHertz,
      bands: bandsOf(1, 1),
    });
    expect(shares).toEqual({
      positive: [1 / 3, 2 / 3],
      absolute: [2 / 4, 2 / 4],
      padding: 7 / 20,
      silence: null,
    });
  });

  it('nothing positive, and nothing at all', () => {
    const below = cells([0, -1, 0, 0], [0, 0, 0, -3], [0, 0, 0, 0]);
    const negative = sharesOf(below, { features, paddedFrames }, true, { map: below, bands });
    expect(negative).toEqual({ positive: null, absolute: [1 / 4, 3 / 4], padding: 0, silence: 1 / 4 });
    const zero = cells([0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]);
    const none = sharesOf(zero, { features, paddedFrames }, true, { map: zero, bands });
    expect(none).toEqual({ positive: null, absolute: null, padding: null, silence: null });
  });

  it('correlation', () => {
    // Deviations (−1, −1, 2, 0) and (1, −1, 1, −1): Σab = 2, Σa² = 6, Σb² = 4.
    expect(correlation(cells([1, 1], [4, 2]), cells([3, 1], [3, 1]))).toBeCloseTo(2 / Math.sqrt(24), 15);
    expect(correlation(relevance, relevance)).toBeCloseTo(1, 15);
    expect(correlation(relevance, { ...relevance, data: relevance.data.map((r) => 2 - 3 * r) })).toBeCloseTo(
      -1,
      15,
    );
    expect(correlation(cells([1, 2]), cells([0.1, 0.1]))).toBeNull();
    expect(correlation(cells([0, 0]), cells([1, 2]))).toBeNull();
  });

  it('a constant map has no correlation, although its mean is rounded', () => {
    // (0.1 + 0.1 + 0.1) / 3 is not 0.1 in float64.
    expect(correlation(cells([0.1, 0.1, 0.1]), cells([1, 2, 3]))).toBeNull();
  });
});

describe('properties', () => {
  const amount = fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8);
  const made = fc
    .record({
      groups: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
      columns: fc.integer({ min: 1, max: 6 }),
    })
    .chain(({ groups, columns }) => {
      const rows = groups.reduce((a, b) => a + b);
      const matrix = (value: fc.Arbitrary<number>) =>
        fc
          .array(value, { minLength: rows * columns, maxLength: rows * columns })
          .map((values): Cells => ({ rows, columns, data: Float64Array.from(values) }));
      return fc.record({
        bands: fc.constant(bandsOf(...groups)),
        relevance: matrix(amount),
        other: matrix(amount),
        features: matrix(fc.constantFrom(0, 0, 0.5, 1)),
        paddedFrames: fc.array(fc.boolean(), { minLength: columns, maxLength: columns }),
      });
    });
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

  it('bands add up to 1; padding, silence and the rest do', () => {
    fc.assert(
      fc.property(made, ({ relevance, bands, ...clip }) => {
        const { positive, absolute, padding, silence } = sharesOf(relevance, clip, true, {
          map: relevance,
          bands,
        });
        if (positive) expect(sum(positive)).toBeCloseTo(1, 12);
        expect(absolute === null).toBe(relevance.data.every((r) => r === 0));
        if (!absolute) return;
        expect(sum(absolute)).toBeCloseTo(1, 12);
        const heard = relevance.data.map((r, i) =>
          clip.paddedFrames[i % relevance.columns] || clip.features.data[i] === 0 ? 0 : Math.abs(r),
        );
        const whole = sum([...relevance.data].map(Math.abs));
        expect(padding! + silence! + sum([...heard]) / whole).toBeCloseTo(1, 12);
      }),
    );
  });

  it('they do not change with the scale of relevance, nor |R| with its sign', () => {
    fc.assert(
      fc.property(made, fc.constantFrom(0.25, 8, 1024), ({ relevance, bands, ...clip }, by) => {
        const times = (factor: number) => ({ ...relevance, data: relevance.data.map((r) => factor * r) });
        const shares = sharesOf(relevance, clip, true, { map: relevance, bands });
        expect(sharesOf(times(by), clip, true, { map: times(by), bands })).toEqual(shares);
        const { positive: _, ...unsigned } = shares;
        expect(sharesOf(times(-by), clip, true, { map: times(-by), bands })).toMatchObject(unsigned);
      }),
    );
  });

  it('bands do not depend on the order of frames', () => {
    fc.assert(
      fc.property(made, ({ relevance, bands, ...clip }) => {
        const backwards = (m: Cells): Cells => ({
          ...m,
          data: m.data.map((_, i) => m.data[i - (i % m.columns) + m.columns - 1 - (i % m.columns)]!),
        });
        const mirrored = {
          features: backwards(clip.features),
          paddedFrames: [...clip.paddedFrames].reverse(),
        };
        expect(sharesOf(backwards(relevance), mirrored, true, { map: backwards(relevance), bands })).toEqual(
          sharesOf(relevance, clip, true, { map: relevance, bands }),
        );
      }),
    );
  });

  it('correlation is symmetric, in [−1, 1], and does not change with a positive scale', () => {
    fc.assert(
      fc.property(made, fc.constantFrom(0.25, 8), ({ relevance, other }, by) => {
        const r = correlation(relevance, other);
        expect(correlation(other, relevance)).toBe(r);
        if (r === null) return;
        expect(Math.abs(r)).toBeLessThanOrEqual(1);
        expect(correlation({ ...other, data: other.data.map((v) => by * v) }, relevance)).toBeCloseTo(r, 12);
      }),
    );
  });
});
