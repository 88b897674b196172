// Places of an axis: slices as numpy's, pads by each mode, by hand.
import { expect, it } from 'vitest';
import { GraphError } from '../errors.ts';
import { padPlaces, sliceAxis, splitSizes } from './slices.ts';

it.each([
  [5, 1, 4, 1, [1, 1, 3]],
  [5, -3, 100, 1, [2, 1, 3]],
  [5, 4, -100, -2, [4, -2, 3]],
  [5, 9, -9, -1, [4, -1, 5]],
  [5, 3, 3, 1, [3, 1, 0]],
  [5, 0, 2 ** 63, 2, [0, 2, 3]],
  ['N', 0, 2 ** 31 - 1, 1, [0, 1, 'N']],
  ['N', 0, 'N', 1, [0, 1, 'N']],
  ['N', 0, 1, 1, [0, 1, 1]],
] as const)('%s from %i to %s by %i', (dim, start, end, step, [first, by, length]) => {
  expect(sliceAxis(dim, start, end, step, 'test')).toEqual({ start: first, step: by, length });
});

it('a slice of an open axis by places that only the run knows', () => {
  expect(() => sliceAxis('N', -2, 2 ** 63, 1, 'Slice "s"')).toThrow(/"N" is only known at run time/);
  expect(() => sliceAxis('N', 0, 'M', 1, 'Slice "s"')).toThrow(GraphError);
});

it('parts of a split', () => {
  expect(splitSizes(7, 3)).toEqual([3, 3, 1]);
  expect(splitSizes(7, 2, [2, 5])).toEqual([2, 5]);
});

it.each([
  ['constant', 2, 1, [-1, -1, 0, 1, 2, 3, -1]],
  ['constant', -1, -2, [1]],
  ['edge', 2, 1, [0, 0, 0, 1, 2, 3, 3]],
  ['reflect', 2, 1, [2, 1, 0, 1, 2, 3, 2]],
  ['reflect', -1, 3, [1, 2, 3, 2, 1, 0]],
] as const)('a pad of mode %s by %i and %i', (mode, begin, end, places) => {
  expect(padPlaces(mode, 4, begin, end, 'test')).toEqual(places);
});

it('pads that cannot be', () => {
  expect(() => padPlaces('reflect', 4, 4, 0, 'Pad "p"')).toThrow(
    /Pad "p": reflects further.*at most 3, got 4/,
  );
  expect(() => padPlaces('wrap', 4, 1, 0, 'Pad "p"')).toThrow(
    /mode "wrap" is not supported.*constant, edge or reflect/,
  );
});
