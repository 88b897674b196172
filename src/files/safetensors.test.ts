// Safetensors: what is written is read back, byte for byte as the format says; anything else is refused.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FileError } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const tensors = {
  a: { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  'b.c': { dims: [], data: Float32Array.of(-0.5) },
  none: { dims: [0], data: new Float32Array() },
};

it('holds a header of the length that comes first, and values in its order', () => {
  const bytes = encodeSafetensors({ tensors, metadata: { about: 'é' } });
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  expect(header['b.c']).toEqual({ dtype: 'F32', shape: [], data_offsets: [24, 28] });
  expect(bytes).toHaveLength(8 + length + 28);
  expect(new DataView(bytes.buffer).getFloat32(8 + length + 24, true)).toBe(-0.5);
});

it('comes back as it was, from any place in a buffer', () => {
  const bytes = encodeSafetensors({ tensors, metadata: { about: 'é' } });
  const moved = new Uint8Array(bytes.length + 3).subarray(3);
  moved.set(bytes);
  expect(decodeSafetensors(moved)).toEqual({ tensors, metadata: { about: 'é' } });
});

it('a file that is cut or changed gives a typed error or arrays, never a crash', () => {
  const bytes = encodeSafetensors({ tensors, metadata: {} });
  for (let cut = 0; cut < bytes.length; cut++) {
    expect(() => decodeSafetensors(bytes.subarray(0, cut))).toThrow(FileError);
  }
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const broken = bytes.slice();
      broken[at] = value;
      try {
        decodeSafetensors(broken);
      } catch (error) {
        expect(error).toBeInstanceOf(FileError);
      }
    }),
    { numRuns: 500 },
  );
});

it('reads a Buffer, which shares its memory with others', () => {
  const tensors = { a: { dims: [2], data: Float32Array.of(1, 2) } };
  const bytes = encodeSafetensors({ tensors, metadata: {} });
  const shared = Buffer.concat([Buffer.alloc(16, 0xff), bytes]).subarray(16);
  expect(decodeSafetensors(shared).tensors).toEqual(tensors);
});
