// Targets add up to one however they are made; hits are counted; what is out of range is refused. PyTorch's: test/golden.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrainingError } from '../errors.ts';
import { hits, targets } from './loss.ts';

describe('targets', () => {
  it('of plain labels are a mean over the batch', () => {
    expect(Array.from(targets([1, 0], 3))).toEqual([0, 0.5, 0, 0.5, 0, 0]);
  });

  it('of classes that weigh the same add up to 1, smoothed and mixed as they may be', () => {
    const rows = fc.array(
      fc.record({ label: fc.nat(4), partner: fc.nat(4), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(rows, fc.double({ min: 0, max: 0.99, noNaN: true }), (given, smoothing) => {
        const mix = { labels: given.map((r) => r.partner), share: given.map((r) => r.share) };
        const made = targets(
          given.map((r) => r.label),
          5,
          { smoothing, mix },
        );
        expect(made.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        expect(made.every((t) => t >= 0)).toBe(true);
      }),
    );
  });

  it('of a row that is mixed with nothing are those of its own', () => {
    const mix = { labels: [2, 2], share: [1, 1] };
    const options = { smoothing: 0.1, classWeights: [1, 2, 3] };
    expect(targets([0, 1], 3, { ...options, mix })).toEqual(targets([0, 1], 3, options));
  });

  it.each([
    [[0, 3], {}, /a label: expected a class from 0 to 2, got 3/],
    [[0, 0.5], {}, /a label/],
    [[0, 1], { smoothing: 1 }, /label smoothing: expected from 0 to below 1, got 1/],
    [[0, 1], { classWeights: [1, 1] }, /class weights: expected 3 numbers, got 2/],
    [[0, 1], { classWeights: [1, 0, 1] }, /class weights: expected above 0/],
    [[0, 1], { mix: { labels: [0], share: [1, 1] } }, /a partner and a share for 2 rows/],
    [[0, 1], { mix: { labels: [0, 3], share: [1, 1] } }, /a label/],
    [[0, 1], { mix: { labels: [0, 1], share: [1, 2] } }, /shares from 0 to 1/],
  ])('of %j with %j are refused', (labels, options, message) => {
    expect(() => targets(labels, 3, options)).toThrow(TrainingError);
    expect(() => targets(labels, 3, options)).toThrow(message);
  });
});

it('hits: the largest logit, the first of equals', () => {
  expect(hits([1, 2, 3, 3, 0, 3], [2, 0])).toBe(2);
  expect(hits([1, 2, 3, 3, 0, 3], [1, 2])).toBe(0);
});
