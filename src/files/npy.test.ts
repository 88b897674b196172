// .npy and .npz files: as NumPy writes them (golden), back and forth (property), and broken ones.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import golden from '../../test/golden/npy.json' with { type: 'json' };
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { FileError } from '../errors.ts';
import { decodeNpy, encodeNpy, type NpyArray } from './npy.ts';
import { decodeNpz, encodeNpz } from './npz.ts';

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
const ascii = (text: string) => new TextEncoder().encode(text);

describe(`golden: files of NumPy ${golden.numpy}`, () => {
  it.each(golden.files)('$name', ({ npy, shape, values }) => {
    const array = decodeNpy(bytesOf(npy));
    expect(array.shape).toEqual(shape);
    const numbers = values.map((v) => (v === 'inf' ? Number.POSITIVE_INFINITY : Number(v)));
    expect(Array.from(array.data, Number)).toEqual(numbers);
  });

  it.each(Object.entries(golden.refused))('refuses %s by name', (_, npy) => {
    expect(() => decodeNpy(bytesOf(npy), 'x.npy')).toThrow(
      /x\.npy: unsupported element type: expected .*float32/,
    );
  });

  it('a compressed archive', () => {
    const { a, b } = decodeNpz(bytesOf(golden.npz));
    expect(a).toEqual({ shape: [2, 3], dtype: 'float32', data: Float32Array.of(0, 1, 2, 3, 4, 5) });
    expect(b).toEqual({ shape: [2], dtype: 'int64', data: BigInt64Array.of(-1n, 2n ** 40n) });
  });

  it('writes the bytes that NumPy writes', () => {
    for (const name of ['f4', 'f8', 'i8', 'bool', 'scalar', 'empty']) {
      const npy = bytesOf(golden.files.find((f) => f.name === name)?.npy ?? '');
      expect(encodeNpy(decodeNpy(npy)), name).toEqual(npy);
    }
  });
});

describeShared('fixtures/training/initial.npz', 'golden: archives of the reference data', () => {
  it('holds arrays of float64', () => {
    const arrays = Object.values(decodeNpz(readFileSync(sharedPath('fixtures/training/initial.npz'))));
    expect(arrays.length).toBeGreaterThan(5);
    for (const { shape, data } of arrays) expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
  });
});

describe('property: back and forth', () => {
  const arrays = fc
    .tuple(fc.array(fc.nat(4), { maxLength: 4 }), fc.infiniteStream(fc.double()))
    .map(([shape, stream]): NpyArray => {
      const count = shape.reduce((a, b) => a * b, 1);
      return { shape, dtype: 'float64', data: Float64Array.from([...stream.take(count)]) };
    });

  it('npy', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        expect(decodeNpy(encodeNpy(array))).toEqual(array);
      }),
    );
  });

  it('npz, always to the same bytes', () => {
    fc.assert(
      fc.property(arrays, arrays, (features, relevance) => {
        const bytes = encodeNpz({ features, relevance });
        expect(decodeNpz(bytes)).toEqual({ features, relevance });
        expect(encodeNpz({ features, relevance })).toEqual(bytes);
      }),
    );
  });
});

describe('broken files', () => {
  const whole = encodeNpy({ shape: [4], dtype: 'float32', data: new Float32Array(4) });

  it('every truncation is refused', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeNpy(whole.subarray(0, length)), `${length} bytes`).toThrow(FileError);
    }
  });

  it.each([
    [
      'a truncated file',
      whole.subarray(0, 140),
      /truncated: expected 16 bytes of data for shape \(4\), got 12/,
    ],
    ['bytes too many', new Uint8Array([...whole, 0]), /longer than its shape/],
    ['an empty file', new Uint8Array(0), /not a \.npy file: .*got an empty file/],
    ['another file', ascii('RIFF not an array'), /not a \.npy file/],
    ['an unknown version', whole.map((b, i) => (i === 6 ? 9 : b)), /version: expected 1, 2 or 3, got 9/],
    ['a broken header', whole.map((b, i) => (i === 12 ? 64 : b)), /header cannot be read/],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeNpy(bytes, 'x.npy')).toThrow(message);
  });

  it('archives', () => {
    expect(() => decodeNpz(ascii('no zip'), 'x.npz')).toThrow(/x\.npz: not a whole \.npz file/);
    expect(() => decodeNpz(bytesOf(golden.npz).subarray(0, 200), 'x.npz')).toThrow(FileError);
  });

  it('refuses to write data that does not fit its shape', () => {
    expect(() => encodeNpy({ shape: [3], dtype: 'int8', data: new Int8Array(2) })).toThrow(
      /expected 3 elements/,
    );
  });
});
