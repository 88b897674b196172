// Which places of an axis Slice, Split and Pad take, for shape inference, interpreter and gradient alike.
import { GraphError } from '../errors.ts';
import { staticDims } from './dims.ts';
import type { Dim } from './types.ts';

/** Sizes of the parts of a Split: as given, or even with a smaller last one. */
export function splitSizes(size: number, count: number, given?: readonly number[]): readonly number[] {
  if (given) return given;
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
}

const TO_THE_END = 2 ** 31 - 1;

/** One axis of a Slice: first index, step, and how many elements it takes. */
export interface SliceAxis {
  readonly start: number;
  readonly step: number;
  readonly length: Dim;
}

/** ONNX's Slice as numpy's: negative indices count from the end, ends are clamped. */
export function sliceAxis(dim: Dim, start: number, to: Dim, step: number, where: string): SliceAxis {
  const end = to === dim ? TO_THE_END : staticDims([to], where)[0];
  // Exporters write "to the end" as the largest number of 32 or of 64 bits.
  const whole = start === 0 && step === 1 && end >= TO_THE_END;
  if (whole) return { start: 0, step: 1, length: dim };
  if (typeof dim === 'string' && start >= 0 && end > start && step > 0 && end < TO_THE_END) {
    // A leading part of an open axis: trusting the run time that it is there.
    return { start, step, length: Math.ceil((end - start) / step) };
  }
  const size = staticDims([dim], where)[0];
  const clamp = (i: number, low: number, high: number) => Math.min(Math.max(i < 0 ? i + size : i, low), high);
  const from = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
  const stop = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  return { start: from, step, length: Math.max(0, Math.ceil((stop - from) / step)) };
}

/**
 * The places of an axis that a Pad takes, −1 for its constant; negative amounts crop.
 * @throws GraphError where the mode is unknown or reflects further than the axis reaches
 */
export function padPlaces(mode: string, size: number, begin: number, end: number, where: string): number[] {
  const at = Array.from({ length: Math.max(size + begin + end, 0) }, (_, i) => i - begin);
  const inside = (i: number) => i >= 0 && i < size;
  switch (mode) {
    case 'constant':
      return at.map((i) => (inside(i) ? i : -1));
    case 'edge':
      return at.map((i) => Math.min(Math.max(i, 0), size - 1));
    case 'reflect': {
      const mirrored = at.map((i) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i));
      if (mirrored.every(inside)) return mirrored;
      throw new GraphError({
        what: `${where}: reflects further than its axis reaches`,
        expected: `at most ${size - 1}`,
        got: `${Math.max(begin, end)}`,
      });
    }
    default:
      throw new GraphError({
        what: `${where}: mode "${mode}" is not supported`,
        expected: 'constant, edge or reflect',
      });
  }
}
