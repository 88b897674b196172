// Dropout masks from a counter-based generator: those of a step depend on nothing but seed and step.
import { hash32 } from '../corpus/random.ts';
import { sizeOf } from '../graph/types.ts';
import type { Mask } from '../model/layers.ts';

/** Sets these masks apart from all else that a seed decides: "mask". */
const DOMAIN = 0x6d61736b;

/** All masks of step t, from 1 on, one array for each. @param count clips of the batch */
export function dropoutMasks(
  masks: readonly Mask[],
  count: number,
  seed: number,
  t: number,
): Float32Array<ArrayBuffer>[] {
  return masks.map((mask, i) => dropoutMask(mask, count, hash32(hash32(seed, DOMAIN + i), t)));
}

/** 0 with probability `rate`, to a 65,536th, else 1/(1 − rate): half of a counter-based draw for each element. */
export function dropoutMask(mask: Mask, count: number, seed: number): Float32Array<ArrayBuffer> {
  const data = new Float32Array(sizeOf(maskDims(mask, count)));
  // As 32-bit words and without branches or float arithmetic, which takes half the time: all bits of 1/(1 − rate), or none.
  const words = new Int32Array(data.buffer);
  const [kept = 0] = new Int32Array(Float32Array.of(1 / (1 - mask.rate)).buffer);
  const limit = Math.round(mask.rate * 2 ** 16);
  for (let i = 0; i < words.length; i += 2) {
    const drawn = hash32(seed, i >> 1);
    words[i] = kept & ~(((drawn & 0xffff) - limit) >> 31);
    words[i + 1] = kept & ~(((drawn >>> 16) - limit) >> 31);
  }
  return data;
}

/** A mask's shape for a batch. */
export function maskDims({ shape }: Mask, count: number): number[] {
  return shape.map((d) => (typeof d === 'string' ? count : d));
}
