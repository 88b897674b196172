// Windows with their padding in numbers: the interpreter's results kept, and ONNX Runtime's the same.
import { expect, it } from 'vitest';
import { nodeRuntime } from '../runtime/node.ts';
import { float32 } from '../runtime/runtime.ts';
import { GraphBuilder } from './builder.ts';
import { explicitWindows } from './explicit.ts';
import { array64, interpret } from './interpret.ts';
import { verify } from './verify.ts';

it.each([
  ['MaxPool', 6, { kernel_shape: [3], strides: [2], ceil_mode: 1 }],
  ['MaxPool', 5, { kernel_shape: [2], strides: [2], pads: [1, 1], ceil_mode: 1 }],
  ['AveragePool', 6, { kernel_shape: [3], strides: [2], ceil_mode: 1 }],
  ['AveragePool', 5, { kernel_shape: [2], strides: [2], pads: [1, 1], ceil_mode: 1 }],
  ['AveragePool', 7, { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1, count_include_pad: 1 }],
  ['MaxPool', 7, { kernel_shape: [3], strides: [2], dilations: [2], auto_pad: 'SAME_UPPER' }],
  // Five positions from −1 on, then from 2 on: two more at the end than the kernel may be padded by.
  ['MaxPool', 4, { kernel_shape: [3], strides: [3], dilations: [2], pads: [1, 1], ceil_mode: 1 }],
  ['AveragePool', 7, { kernel_shape: [1], strides: [3], auto_pad: 'SAME_LOWER' }],
] as const)('%s over %i', async (op, size, a) => {
  const g = new GraphBuilder();
  g.emit(op, [g.input('x', 'float32', ['N', 2, size])], a, 'y');
  g.output('y');
  const graph = g.build('pool');
  const explicit = verify(explicitWindows(graph));
  expect(explicit.nodes[0].attributes).toMatchObject({ auto_pad: 'NOTSET' });
  const data = Float32Array.from({ length: 2 * size }, (_, i) => Math.sin(7 * i));
  const expected = interpret(graph, { x: array64(data, [1, 2, size]) }).y;
  expect(interpret(explicit, { x: array64(data, [1, 2, size]) }).y).toEqual(expected);
  const session = await nodeRuntime.open(explicit);
  const { y } = await session.run({ x: float32(data, [1, 2, size]) });
  await session.release();
  expect(y.dims).toEqual(expected.dims);
  expected.data.forEach((v, i) => {
    expect(Math.abs(Number(y.data[i]) - v)).toBeLessThanOrEqual(1e-6);
  });
});
