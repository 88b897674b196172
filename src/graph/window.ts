// Sliding windows: what kernel_shape, strides, pads, dilations, auto_pad and ceil_mode come to for a given input.
import { GraphError } from '../errors.ts';

/** The window attributes of Conv, ConvTranspose, MaxPool and AveragePool. */
export interface WindowAttributes {
  readonly auto_pad?: string;
  readonly kernel_shape?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly ceil_mode?: number;
  readonly output_padding?: readonly number[];
  readonly output_shape?: readonly number[];
}

/** All window attributes resolved; one entry per spatial axis, lengths in samples of the input. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Extent of a dilated kernel: d·(k − 1) + 1. */
export function span(window: Window, axis: number): number {
  return window.dilations[axis] * (window.kernel[axis] - 1) + 1;
}

/** ONNX's pads attribute: all begins, then all ends. */
export function padsOf(window: Pick<Window, 'padsBegin' | 'padsEnd'>): number[] {
  return [...window.padsBegin, ...window.padsEnd];
}

/** A transposed window as the one whose adjoint it is: input and output change places. */
export function reversed(window: Window): Window {
  return { ...window, input: window.output, output: window.input };
}

function common(a: WindowAttributes, kernel: readonly number[], input: readonly number[], where: string) {
  const rank = input.length;
  const lengths = { kernel, strides: a.strides, dilations: a.dilations, pads: a.pads };
  for (const [name, list] of Object.entries(lengths)) {
    const expected = name === 'pads' ? 2 * rank : rank;
    if (list?.length && list.length !== expected) {
      throw new GraphError({
        what: `${where}: ${name}`,
        expected: `${expected} numbers`,
        got: `[${list.join(', ')}]`,
      });
    }
    const least = name === 'pads' ? 0 : 1;
    if (list?.some((n) => !Number.isInteger(n) || n < least)) {
      throw new GraphError({
        what: `${where}: ${name}`,
        expected: `whole numbers from ${least} on`,
        got: `[${list.join(', ')}]`,
      });
    }
  }
  if (kernel.length !== rank) {
    throw new GraphError({ what: `${where}: kernel`, expected: `${rank} extents`, got: `${kernel.length}` });
  }
  const ones = new Array<number>(rank).fill(1);
  const pads = a.pads?.length ? a.pads : new Array<number>(2 * rank).fill(0);
  return {
    kernel,
    input,
    strides: a.strides?.length ? a.strides : ones,
    dilations: a.dilations?.length ? a.dilations : ones,
    padsBegin: pads.slice(0, rank),
    padsEnd: pads.slice(rank),
  };
}

/** Geometry of Conv and of the pools: out = ⌊(in + pads − span) / stride⌋ + 1 (⌈⌉ with ceil_mode). */
export function windowOf(
  a: WindowAttributes,
  kernel: readonly number[],
  input: readonly number[],
  where: string,
): Window {
  const w = common(a, kernel, input, where);
  const padsBegin = [...w.padsBegin];
  const padsEnd = [...w.padsEnd];
  const output = input.map((size, i) => {
    const extent = w.dilations[i] * (kernel[i] - 1) + 1;
    const stride = w.strides[i];
    if (a.auto_pad === 'SAME_UPPER' || a.auto_pad === 'SAME_LOWER') {
      const out = Math.ceil(size / stride);
      const total = Math.max((out - 1) * stride + extent - size, 0);
      const less = Math.floor(total / 2);
      padsBegin[i] = a.auto_pad === 'SAME_UPPER' ? less : total - less;
      padsEnd[i] = total - padsBegin[i];
      return out;
    }
    if (a.auto_pad === 'VALID') {
      padsBegin[i] = 0;
      padsEnd[i] = 0;
    }
    const steps = (size + padsBegin[i] + padsEnd[i] - extent) / stride;
    if (!a.ceil_mode) return Math.floor(steps) + 1;
    const out = Math.ceil(steps) + 1;
    // The last window must start inside the input or its leading padding.
    return (out - 1) * stride >= size + padsBegin[i] ? out - 1 : out;
  });
  if (output.some((size) => size < 1)) {
    throw new GraphError({
      what: `${where}: the window is larger than its input`,
      expected: `at least [${kernel.join(', ')}]`,
      got: `[${input.join(', ')}]`,
    });
  }
  return { ...w, padsBegin, padsEnd, output };
}

/**
 * Geometry of ConvTranspose: out = stride·(in − 1) + output_padding + span − pads; or the pads that give the wanted
 * output, the odd one at the end with SAME_UPPER, else at the start.
 */
export function transposedWindowOf(
  a: WindowAttributes,
  kernel: readonly number[],
  input: readonly number[],
  where: string,
): Window {
  const w = common(a, kernel, input, where);
  const unpadded = input.map(
    (size, i) =>
      w.strides[i] * (size - 1) + (a.output_padding?.[i] ?? 0) + w.dilations[i] * (kernel[i] - 1) + 1,
  );
  const wanted = a.output_shape?.length
    ? a.output_shape.slice(-input.length)
    : a.auto_pad?.startsWith('SAME')
      ? input.map((size, i) => size * w.strides[i])
      : undefined;
  if (!wanted) {
    const none = new Array<number>(input.length).fill(0);
    const pads = a.auto_pad === 'VALID' ? { padsBegin: none, padsEnd: none } : w;
    const output = unpadded.map((size, i) => size - pads.padsBegin[i] - pads.padsEnd[i]);
    return { ...w, ...pads, output: nonEmpty(output, where) };
  }
  const total = unpadded.map((size, i) => Math.max(size - wanted[i], 0));
  const less = total.map((n) => Math.floor(n / 2));
  const more = total.map((n, i) => n - less[i]);
  const [padsBegin, padsEnd] = a.auto_pad === 'SAME_UPPER' ? [less, more] : [more, less];
  return { ...w, padsBegin, padsEnd, output: nonEmpty(wanted, where) };
}

function nonEmpty(output: readonly number[], where: string): readonly number[] {
  if (output.every((size) => size > 0)) return output;
  throw new GraphError({
    what: `${where}: its pads take all of its output`,
    expected: 'extents from 1 on',
    got: `[${output.join(', ')}]`,
  });
}
