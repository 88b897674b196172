// Sliding windows: ONNX's formulas by hand, and against counting the places where a window fits.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GraphError } from '../errors.ts';
import { padsOf, span, transposedWindowOf, type WindowAttributes, windowOf } from './window.ts';

it.each<[string, WindowAttributes, number, number, number, number[]]>([
  ['plain', {}, 3, 8, 6, [0, 0]],
  ['strides and pads', { strides: [2], pads: [1, 2] }, 3, 8, 5, [1, 2]],
  ['dilation', { dilations: [3] }, 3, 8, 2, [0, 0]],
  ['same, odd padding at the end', { auto_pad: 'SAME_UPPER', strides: [2] }, 3, 8, 4, [0, 1]],
  ['same, odd padding at the start', { auto_pad: 'SAME_LOWER', strides: [2] }, 3, 8, 4, [1, 0]],
  ['same with dilation', { auto_pad: 'SAME_UPPER', dilations: [2] }, 3, 8, 8, [2, 2]],
  ['valid', { auto_pad: 'VALID', pads: [5, 5] }, 3, 8, 6, [0, 0]],
  ['rounded up', { ceil_mode: 1, strides: [3] }, 2, 10, 4, [0, 0]],
  // The fourth window would start at 9, behind the input and its leading padding.
  ['rounded up, but not beyond the input', { ceil_mode: 1, strides: [3], pads: [0, 1] }, 2, 9, 3, [0, 1]],
])('%s', (_, attributes, kernel, input, output, pads) => {
  const w = windowOf(attributes, [kernel], [input], 'test');
  expect([w.output, padsOf(w)]).toEqual([[output], pads]);
});

it('property: as many outputs as there are places for the window', () => {
  const small = (min: number, max: number) => fc.integer({ min, max });
  fc.assert(
    fc.property(
      small(1, 20),
      small(1, 4),
      small(1, 3),
      small(1, 3),
      small(0, 3),
      small(0, 3),
      (input, kernel, stride, dilation, before, after) => {
        const attributes = { strides: [stride], dilations: [dilation], pads: [before, after] };
        const extent = dilation * (kernel - 1) + 1;
        let places = 0;
        for (let start = -before; start + extent <= input + after; start += stride) places++;
        if (places === 0) {
          expect(() => windowOf(attributes, [kernel], [input], 'test')).toThrow(/larger than its input/);
          return;
        }
        const w = windowOf(attributes, [kernel], [input], 'test');
        expect([w.output[0], span(w, 0)]).toEqual([places, extent]);
        // A transposed convolution takes the way back: its output is the input, but for what the stride left over.
        const left = (input + before + after - extent) % stride;
        const back = () => transposedWindowOf(attributes, [kernel], w.output, 'test').output[0];
        if (left < input) expect(back()).toBe(input - left);
        else expect(back).toThrow(/pads take all/);
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

describe('refusals', () => {
  it.each<[string, WindowAttributes, number[], RegExp]>([
    ['a stride of 0', { strides: [0, 1] }, [3, 3], /Conv "c": strides.*from 1 on, got \[0, 1\]/],
    ['a negative pad', { pads: [0, 0, -1, 0] }, [3, 3], /pads.*from 0 on/],
    ['a dilation of 0', { dilations: [1, 0] }, [3, 3], /dilations/],
    ['a kernel of 0', {}, [0, 3], /kernel/],
    ['too few strides', { strides: [1] }, [3, 3], /strides: expected 2 numbers, got \[1\]/],
    ['pads of one side', { pads: [1, 1] }, [3, 3], /pads: expected 4 numbers/],
    ['a kernel of another rank', {}, [3], /kernel: expected 2/],
    ['a kernel larger than the input', {}, [3, 9], /larger than its input.*\[3, 9\], got \[8, 8\]/],
  ])('%s', (_, attributes, kernel, message) => {
    expect(() => windowOf(attributes, kernel, [8, 8], 'Conv "c"')).toThrow(GraphError);
    expect(() => windowOf(attributes, kernel, [8, 8], 'Conv "c"')).toThrow(message);
  });
});

it.each<[string, WindowAttributes, number[], number[]]>([
  ['plain', { strides: [2] }, [17], [0, 0]],
  ['pads and output padding', { strides: [2], pads: [1, 0], output_padding: [1] }, [17], [1, 0]],
  ['same, upper', { strides: [2], auto_pad: 'SAME_UPPER' }, [16], [0, 1]],
  ['same, lower', { strides: [2], auto_pad: 'SAME_LOWER' }, [16], [1, 0]],
  ['valid', { strides: [2], auto_pad: 'VALID', pads: [5, 5] }, [17], [0, 0]],
  ['by its output shape', { strides: [2], output_shape: [14] }, [14], [2, 1]],
  ['by its output shape, with batch and channels', { output_shape: [1, 4, 10] }, [10], [0, 0]],
])('transposed: %s', (_, attributes, output, pads) => {
  const w = transposedWindowOf(attributes, [3], [8], 'test');
  expect([w.output, padsOf(w)]).toEqual([output, pads]);
});
