// One call of a Keras layer, as the layer's kind sees it: its settings, weights and inputs, and where to draw.
import { ModelError } from '../errors.ts';
import type { Operand } from '../graph/builder.ts';
import type { Attributes, OpName } from '../graph/ops.ts';
import type { Canvas, Value } from './canvas.ts';
import type { Weight } from './hdf5.ts';
import type { Settings } from './settings.ts';

/** Names of a layer's weights, in the order that Keras saves them: what it trains, then what it keeps. */
export interface WeightNames {
  readonly trained: readonly string[];
  readonly kept?: readonly string[];
}

/** A class of Keras layers. */
export interface Kind {
  readonly weights?: (settings: Settings) => WeightNames;
  readonly draw: (call: Call) => Value;
  /** Does nothing at inference, and has no node. */
  readonly idle?: boolean;
}

export class Call {
  readonly canvas: Canvas;
  /** Name of the layer's main node; its other nodes are "name/part". */
  readonly name: string;
  /** The layer's own name, which a second call does not change; its constants are "layer/part". */
  readonly layer: string;
  readonly settings: Settings;
  readonly inputs: readonly Value[];
  /** Major version of the Keras that wrote the file. */
  readonly version: number;
  private readonly weights: ReadonlyMap<string, Weight>;

  constructor(
    canvas: Canvas,
    name: string,
    layer: string,
    settings: Settings,
    inputs: readonly Value[],
    weights: ReadonlyMap<string, Weight>,
    version: number,
  ) {
    this.canvas = canvas;
    this.name = name;
    this.layer = layer;
    this.settings = settings;
    this.inputs = inputs;
    this.weights = weights;
    this.version = version;
  }

  /** The only input. @throws ModelError where there is none, or more than one */
  get x(): Value {
    if (this.inputs.length === 1) return this.inputs[0];
    const got = `${this.inputs.length}`;
    throw new ModelError({ what: `${this.settings.where}: number of inputs`, expected: '1', got });
  }

  /** Adds a node, named after the layer or after a part of it. */
  emit<K extends OpName>(
    op: K,
    operands: readonly Operand[],
    attributes?: Attributes<K>,
    part?: string,
  ): string {
    return this.canvas.g.emit(op, operands, attributes, part ? `${this.name}/${part}` : this.name);
  }

  /** The input in Keras' order. */
  plain(x: Value = this.x): string {
    return this.canvas.plain(x, this.name);
  }

  /** A weight of the layer. @throws ModelError where it has another shape */
  weight(name: string, dims: readonly number[]): Weight {
    const saved = this.weights.get(name) as Weight;
    // Keras 1 kept kernels of one axis as [k, 1, C, filters].
    const flat = this.version === 1 && dims.length === 3 && saved.dims[1] === 1 && saved.dims.length === 4;
    const weight = flat ? { ...saved, dims: saved.dims.toSpliced(1, 1) } : saved;
    if (weight.dims.length === dims.length && weight.dims.every((d, i) => d === dims[i])) return weight;
    throw new ModelError({
      what: `${this.settings.where}: shape of its weight "${name}"`,
      expected: `[${dims.join(', ')}]`,
      got: `[${weight.dims.join(', ')}]`,
      todo: 'The file contradicts itself: save the model again.',
    });
  }

  constant(data: ArrayLike<number>, dims: readonly number[], part: string): string {
    return this.canvas.constant(data, dims, `${this.layer}/${part}`);
  }

  field(x: Value, data: Float32Array, dims: readonly number[], part: string): string {
    return this.canvas.field(x, data, dims, `${this.layer}/${part}`);
  }
}
