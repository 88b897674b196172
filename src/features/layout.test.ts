// Layouts of a model's input: there and back, and which are none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import {
  type Axis,
  checkLayout,
  defaultLayout,
  fromLayout,
  type InputLayout,
  inputDims,
  toLayout,
} from './layout.ts';

const LAYOUTS: [InputLayout, number[], number[]][] = [
  [
    ['batch', 'channel', 'bin', 'time'],
    [4, 1, 2, 3],
    [1, 2, 3, 4, 5, 6],
  ],
  [
    ['batch', 'bin', 'time'],
    [4, 2, 3],
    [1, 2, 3, 4, 5, 6],
  ],
  [
    ['batch', 'time', 'bin'],
    [4, 3, 2],
    [1, 4, 2, 5, 3, 6],
  ],
  [
    ['batch', 'time', 'bin', 'channel'],
    [4, 3, 2, 1],
    [1, 4, 2, 5, 3, 6],
  ],
  [
    ['batch', 'channel', 'time', 'bin'],
    [4, 1, 3, 2],
    [1, 4, 2, 5, 3, 6],
  ],
];

it.each(LAYOUTS)('[2 bins, 3 frames] as %j', (layout, dims, values) => {
  expect(inputDims(layout, [2, 3], 4)).toEqual(dims);
  const matrix = { rows: 2, columns: 3, data: Float64Array.from([1, 2, 3, 4, 5, 6]) };
  expect(Array.from(toLayout(matrix, layout))).toEqual(values);
  expect(fromLayout(Float32Array.from(values), layout, [2, 3])).toEqual({
    ...matrix,
    data: Float32Array.from(matrix.data),
  });
});

it('a waveform is one row', () => {
  expect(inputDims(['batch', 'time'], [1, 5])).toEqual([1, 5]);
  expect(inputDims(['batch', 'channel', 'time'], [1, 5], 2)).toEqual([2, 1, 5]);
  expect(defaultLayout('waveform')).toEqual(['batch', 'time']);
  const samples = { rows: 1, columns: 3, data: Float64Array.from([1, 2, 3]) };
  expect(Array.from(toLayout(samples, ['batch', 'time']))).toEqual([1, 2, 3]);
});

it('property: what goes in comes back', () => {
  const matrices = fc.tuple(
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 1, max: 6 }),
    fc.infiniteStream(fc.float({ noNaN: true })),
  );
  fc.assert(
    fc.property(matrices, fc.constantFrom(...LAYOUTS.map(([l]) => l)), ([rows, columns, values], layout) => {
      const data = Float32Array.from(values.take(rows * columns));
      expect(fromLayout(toLayout({ rows, columns, data }, layout), layout, [rows, columns])).toEqual({
        rows,
        columns,
        data,
      });
    }),
  );
});

describe('refuses', () => {
  it.each<[Axis[], string]>([
    [['channel', 'bin', 'time'], 'logmel'],
    [['time', 'batch', 'bin'], 'logmel'],
    [['batch', 'bin'], 'mfcc'],
    [['batch', 'bin', 'time', 'time'], 'spectrogram'],
    [['batch', 'channel', 'bin', 'channel', 'time'], 'logmel'],
    [['batch', 'bin', 'time'], 'waveform'],
    [['batch', 'channel'], 'waveform'],
    [[], 'logmel'],
  ])('%j of a %s', (layout, kind) => {
    expect(() => checkLayout(layout, kind, 'f.json')).toThrow(FeatureError);
    expect(() => checkLayout(layout, kind, 'f.json')).toThrow(/f\.json: layout of a .*batch first/);
  });
});
