// Where a Keras model is drawn as a graph: values remember how Keras orders their axes, so that few are transposed.
import { ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { int64s, stridesOf, tensor } from '../graph/types.ts';

/**
 * How a value lies in the graph: 'keras', as in Keras; 'first', channels, Keras' last axis, right after the batch; flat,
 * [C, …positions] flattened in that order, where Keras flattens [positions…, C].
 */
export type Order = 'keras' | 'first' | { readonly flat: readonly number[] };

export interface Value {
  readonly name: string;
  readonly order: Order;
}

/** Places of the elements of an array in the order that they have where its axes are permuted. */
export function permuted(dims: readonly number[], perm: readonly number[]): number[] {
  const strides = stridesOf(dims);
  const along = (places: readonly number[], axis: number) =>
    places.flatMap((place) => Array.from({ length: dims[axis] }, (_, i) => place + i * strides[axis]));
  return perm.reduce<number[]>(along, [0]);
}

/** [0, 2, 3, 1], or its inverse [0, 3, 1, 2]. */
const channelsLast = (rank: number) => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
const channelsFirst = (rank: number) => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];

export class Canvas {
  readonly g = new GraphBuilder();

  /** Extents in the graph's own order, without the batch. */
  extents(name: string): number[] {
    return staticDims(this.g.shape(name).slice(1), name);
  }

  /** Extents as Keras has them, without the batch. */
  dims({ name, order }: Value): number[] {
    const own = this.extents(name);
    return order === 'first' ? [...own.slice(1), own[0]] : own;
  }

  /** Keras' own order. @param by the layer that asks for it */
  plain(value: Value, by: string): string {
    const { name, order } = value;
    if (order === 'keras') return name;
    const { g } = this;
    if (order === 'first') {
      const perm = channelsLast(g.shape(name).length);
      return g.emit('Transpose', [name], { perm }, `${by}/keras_order`);
    }
    const open = g.emit('Reshape', [name, int64s([0, ...order.flat])], {}, `${by}/unflattened`);
    return g.emit(
      'Flatten',
      [this.plain({ name: open, order: 'first' }, by)],
      { axis: 1 },
      `${by}/flattened`,
    );
  }

  /** Channels right after the batch; of one axis beside the batch nothing changes. */
  first(value: Value, by: string): Value {
    const rank = this.g.shape(value.name).length;
    if (rank < 3 || value.order === 'first') return value;
    const perm = channelsFirst(rank);
    const name = this.g.emit('Transpose', [value.name], { perm }, `${by}/channels_first`);
    return { name, order: 'first' };
  }

  /** The axis of the graph's value that an axis of Keras' is; axis 0 is the batch, negative ones count from the end. */
  axis({ name, order }: Value, axis: number, where: string): number {
    const rank = this.g.shape(name).length;
    const at = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(at) || at < 1 || at >= rank) {
      throw new ModelError({ what: `${where}: axis`, expected: `1 to ${rank - 1}`, got: `${axis}` });
    }
    if (order !== 'first') return at;
    return at === rank - 1 ? 1 : at + 1;
  }

  /** Numbers that broadcast against a value. @param dims their extents in Keras' order, as many as the value's */
  field(value: Value, data: Float32Array, dims: readonly number[], name: string): string {
    const { order } = value;
    if (order === 'keras' || dims.length === 0) return this.constant(data, dims, name);
    if (order === 'first') {
      const perm = [dims.length - 1, ...dims.keys()].slice(0, dims.length);
      return this.constant(
        pick(data, permuted(dims, perm)),
        perm.map((axis) => dims[axis]),
        name,
      );
    }
    return this.constant(dims[0] === 1 ? data : pick(data, featuresOf(order.flat)), dims, name);
  }

  /** A constant; a layer that is called again has it already. */
  constant(data: ArrayLike<number>, dims: readonly number[], name: string): string {
    const known = this.g.constantOf(name);
    const same = known && known.data.length === data.length && known.data.every((v, i) => v === data[i]);
    return same ? name : this.g.constant(tensor(data, dims), this.g.fresh(name));
  }
}

/** For each place of a value flattened as [C, …positions], which feature of Keras' [positions…, C] it is. */
export function featuresOf([channels, ...positions]: readonly number[]): number[] {
  const dims = [...positions, channels];
  return permuted(dims, [dims.length - 1, ...dims.keys()].slice(0, dims.length));
}

export function pick(data: Float32Array, places: readonly number[]): Float32Array {
  return Float32Array.from(places, (place) => data[place]);
}
