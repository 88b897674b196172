// What Slice and Split take of an axis, for shape inference and interpreter alike.
import { staticDims } from './dims.ts';
import type { Dim } from './types.ts';

/** Sizes of the parts of a Split: as given, or even with a smaller last one. */
export function splitSizes(size: number, count: number, given?: readonly number[]): readonly number[] {
  if (given) return given;
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
}

/** One axis of a Slice: first index, step, and how many elements it takes. */
export interface SliceAxis {
  readonly start: number;
  readonly step: number;
  readonly length: Dim;
}

/** ONNX's Slice as numpy's: negative indices count from the end, ends are clamped. */
export function sliceAxis(dim: Dim, start: number, end: number, step: number, where: string): SliceAxis {
  const whole = start === 0 && step === 1 && end >= Number.MAX_SAFE_INTEGER;
  if (whole) return { start: 0, step: 1, length: dim };
  if (typeof dim === 'string' && start >= 0 && end > start && step > 0 && end < Number.MAX_SAFE_INTEGER) {
    // A leading part of an open axis: trusting the run time that it is there.
    return { start, step, length: Math.ceil((end - start) / step) };
  }
  const size = staticDims([dim], where)[0];
  const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const to = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { start: from, step, length: Math.max(0, Math.ceil((to - from) / step)) };
}
