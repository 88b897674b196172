// Where bins and frames stand in a model's input tensor: [bins, frames] into its layout, and relevance back out of it.
import { FeatureError } from '../errors.ts';

export const AXES = ['batch', 'channel', 'bin', 'time'] as const;
export type Axis = (typeof AXES)[number];
/** The axes of a model's input in order; each has the extent of the feature matrix, a channel is 1. */
export type InputLayout = readonly Axis[];

/** A row-major matrix in either precision. */
interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array | Float64Array;
}

/** [batch, channel, bin, time]; of a waveform, which has no bins, [batch, time]. */
export function defaultLayout(kind: string): InputLayout {
  return kind === 'waveform' ? ['batch', 'time'] : AXES;
}

/** @throws FeatureError where an axis is missing or twice, or the batch is not the first */
export function checkLayout(layout: InputLayout, kind: string, name: string): void {
  const needed = kind === 'waveform' ? ['batch', 'time'] : ['batch', 'bin', 'time'];
  const once = new Set(layout).size === layout.length;
  const complete = needed.every((axis) => layout.includes(axis as Axis));
  if (once && complete && layout[0] === 'batch' && layout.every((a) => a === 'channel' || needed.includes(a)))
    return;
  throw new FeatureError({
    what: `${name}: layout of a ${kind} input`,
    expected: `batch first, then ${needed.slice(1).join(' and ')} in any order, and channel if there is one`,
    got: `[${layout.join(', ')}]`,
  });
}

/** The shape of a model's input for so many clips. @param shape [bins, frames] */
export function inputDims(
  layout: InputLayout,
  [bins, frames]: readonly [bins: number, frames: number],
  clips = 1,
): number[] {
  const extent = { batch: clips, channel: 1, bin: bins, time: frames };
  return layout.map((axis) => extent[axis]);
}

/** The values of one clip [bins, frames] in the order of the layout. */
export function toLayout({ rows, columns, data }: Cells, layout: InputLayout): Float32Array {
  return isTransposed(layout) ? transposed(data, rows, columns) : Float32Array.from(data);
}

/** One clip [bins, frames] from values in the order of the layout: the inverse of {@link toLayout}. */
export function fromLayout(
  values: Float32Array,
  layout: InputLayout,
  [rows, columns]: readonly [bins: number, frames: number],
): { rows: number; columns: number; data: Float32Array } {
  return { rows, columns, data: isTransposed(layout) ? transposed(values, columns, rows) : values };
}

const isTransposed = (layout: InputLayout) => layout.indexOf('time') < layout.indexOf('bin');

/** [rows, columns] to [columns, rows]. */
function transposed(data: Cells['data'], rows: number, columns: number): Float32Array {
  return Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}
