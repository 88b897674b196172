// Dimensions that may be symbolic: by hand, and products and quotients that undo each other.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../errors.ts';
import { axisOf, broadcast, compare, plus, productOf, quotient, staticDims, totalOf } from './dims.ts';

const dim = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('N', 'T', '2*N'));

it('products and quotients', () => {
  expect(productOf([])).toBe(1);
  expect(productOf([2, 'N', 3])).toBe('6*N');
  expect(productOf(['T', 'N', 2])).toBe('2*N*T');
  expect(productOf(['N', 0])).toBe(0);
  expect(quotient('6*N', 3)).toBe('2*N');
  expect(quotient('6*N', 'N')).toBe(6);
  expect(quotient('6*N', 4)).toBeUndefined();
  expect(quotient(6, 'N')).toBeUndefined();
});

it('property: a · b / b is a', () => {
  fc.assert(
    fc.property(fc.array(dim, { maxLength: 4 }), dim, (dims, b) => {
      const a = productOf(dims);
      expect(quotient(productOf([...dims, b]), b)).toBe(a);
    }),
    { seed: 1 },
  );
});

it('sums and differences', () => {
  expect(plus(2, 3)).toBe(5);
  expect(plus('N', 0)).toBe('N');
  expect(plus(0, 'N', -1)).toBe('-1*N');
  expect(plus('2*N', 'N')).toBe('3*N');
  expect(plus('N', 'N', -1)).toBe(0);
  expect(plus('N', 1)).toBeUndefined();
  expect(plus('N', 'T')).toBeUndefined();
  expect(totalOf(['N', 2, 'N', 3])).toBe('(2*N+5)');
  expect(productOf([2, totalOf(['2*N', 5])])).toBe('2*(2*N+5)');
  expect(quotient(productOf([6, totalOf(['2*N', 5]), 'T']), '3*T')).toBe('2*(2*N+5)');
});

it('order: a symbol is any number from 1 on', () => {
  expect([compare(2, 3), compare(3, 3), compare('N', 'N'), compare('N', 'T')]).toEqual([-1, 0, 0, undefined]);
  expect([compare('N', 0), compare('N', 1), compare(-1, 'N'), compare(3, '4*N')]).toEqual([
    1,
    undefined,
    -1,
    -1,
  ]);
  expect([compare('-1*N', 0), compare('-1*N', -5), compare(-1, '-2*N')]).toEqual([-1, undefined, 1]);
});

describe('broadcast', () => {
  it.each([
    [
      [2, 1, 4],
      [3, 1],
      [2, 3, 4],
    ],
    [
      ['N', 1],
      [1, 5],
      ['N', 5],
    ],
    [
      ['N', 3],
      ['N', 3],
      ['N', 3],
    ],
    [[], ['N', 2], ['N', 2]],
    [['N'], [4], [4]],
  ])('%j and %j give %j', (a, b, expected) => {
    expect(broadcast(a, b, 'test')).toEqual(expected);
    expect(broadcast(b, a, 'test')).toEqual(expected);
  });

  it('refuses extents that differ', () => {
    expect(() => broadcast([2, 3], [2], 'Add "sum"')).toThrow(
      /Add "sum": shapes do not broadcast.*\[2, 3\] and \[2\]/,
    );
  });
});

it('axes count from either end', () => {
  expect([axisOf(-1, 3, ''), axisOf(2, 3, ''), axisOf(-3, 3, '')]).toEqual([2, 2, 0]);
  for (const axis of [3, -4]) expect(() => axisOf(axis, 3, 'Softmax "s"')).toThrow(GraphError);
});

it('an open dimension is named where a number is needed', () => {
  expect(staticDims([1, 40], '')).toEqual([1, 40]);
  expect(() => staticDims([1, 'frames'], 'Conv "c"')).toThrow(
    /Conv "c": dimension "frames" is only known at run time/,
  );
});
