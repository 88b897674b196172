// A network being drawn: nodes are added one by one, with random weights and what fits the extents they meet.
import { ACTIVATIONS, type ActivationOp } from './twin-activations.ts';
import { extents, size, type TwinLayer } from './twin-layers.ts';
import type { TwinNode } from './twin-merge.ts';

const EXACT_ACTIVATIONS: readonly ActivationOp[] = ['Relu', 'Relu', 'Relu', 'ClipHalf'];
const ALL_ACTIVATIONS: readonly ActivationOp[] = [
  ...new Array<ActivationOp>(12).fill('Relu'),
  ...(Object.keys(ACTIVATIONS) as ActivationOp[]),
];

export class Draft {
  readonly nodes: TwinNode[] = [];
  private readonly shapes: (readonly number[])[];
  readonly exact: boolean;
  private readonly next: () => number;

  constructor(dims: readonly number[], exact: boolean, next: () => number) {
    this.shapes = [dims];
    this.exact = exact;
    this.next = next;
  }

  dims(value: number): readonly number[] {
    return this.shapes[value];
  }

  size(value: number): number {
    return size(this.dims(value));
  }

  spatial(value: number): readonly number[] {
    return this.dims(value).slice(1);
  }

  numbers(count: number, from: () => number = this.next): number[] {
    return Array.from({ length: count }, () => {
      const u = 2 * from() - 1;
      return this.exact ? Math.round(4 * u) / 4 : Math.fround(u);
    });
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)];
  }

  /** Adds a node; gives its result. */
  add(layer: TwinLayer, ...inputs: number[]): number {
    const kind = 'op' in layer ? layer.op : layer.kind;
    this.nodes.push({ name: `${kind}_${this.nodes.length}`, layer, inputs });
    this.shapes.push(
      extents(
        layer,
        inputs.map((i) => this.dims(i)),
      ),
    );
    return this.nodes.length;
  }

  /** A batch norm or arithmetic with constants, for each channel (the last axis of a vector); scales of either sign. */
  norm(x: number): number {
    const [channels] = this.dims(x);
    if (this.exact) return x;
    if (this.next() < 0.6) {
      return this.add(
        {
          kind: 'batchnorm',
          gamma: this.numbers(channels),
          beta: this.numbers(channels),
          mean: this.numbers(channels),
          variance: this.numbers(channels).map((v) => Math.fround(v * v + 0.1)),
          epsilon: 1e-3,
        },
        x,
      );
    }
    return this.arithmetic(x);
  }

  /** One to three operations with constants: a scalar, one for each channel, or one for each position. */
  arithmetic(x: number): number {
    let value = x;
    for (let i = this.oneOf([1, 1, 2, 3]); i > 0; i--) {
      const dims = this.dims(x);
      const channels = dims.map((d, a) => (a === 0 ? d : 1));
      const shape = this.oneOf([[], channels, channels, [1, ...dims.slice(1)]]);
      const op = this.oneOf(['Add', 'Sub', 'Mul', 'Div'] as const);
      const scale = (v: number) => Math.fround(v < 0 ? v - 0.25 : v + 0.25);
      const drawn = this.numbers(size(shape));
      const numbers = op === 'Mul' || op === 'Div' ? drawn.map(scale) : drawn;
      value = this.add(
        { kind: 'constant', op, value: numbers, shape, flipped: op !== 'Div' && this.next() < 0.3 },
        value,
      );
    }
    return value;
  }

  activation(x: number, ops = this.exact ? EXACT_ACTIVATIONS : ALL_ACTIVATIONS): number {
    if (!this.exact && this.next() < 0.05) {
      return this.add({ kind: 'prelu', slope: this.numbers(this.dims(x)[0]) }, x);
    }
    return this.add({ kind: 'activation', op: this.oneOf(ops) }, x);
  }

  dense(x: number, units: number, bias: boolean): number {
    const width = this.dims(x).at(-1) as number;
    const weight = this.numbers(units * width);
    return this.add({ kind: 'dense', units, weight, bias: bias ? this.numbers(units) : undefined }, x);
  }

  /** A convolution of stride 1 that keeps the extents; kernels of 1 or 3. */
  same(x: number, channels: number, kernel: number, { group = 1, bias = false } = {}): number {
    const rank = this.spatial(x).length;
    const dims = [channels, this.dims(x)[0] / group, ...new Array<number>(rank).fill(kernel)];
    const each = (v: number) => new Array<number>(rank).fill(v);
    return this.add(
      {
        kind: 'conv',
        dims,
        weight: this.numbers(size(dims)),
        bias: bias ? this.numbers(channels) : undefined,
        strides: each(1),
        dilations: each(1),
        begin: each((kernel - 1) / 2),
        end: each((kernel - 1) / 2),
        group,
      },
      x,
    );
  }

  /** Max pooling in pairs until no more than `most` numbers are left. */
  fitted(x: number, most: number): number {
    const spatial = this.spatial(x);
    if (this.size(x) <= most || spatial.every((n) => n === 1)) return x;
    const kernel = spatial.map((n) => Math.min(n, 2));
    const zeros = kernel.map(() => 0);
    const pool = { kind: 'maxpool', kernel, strides: kernel, begin: zeros, end: zeros } as const;
    return this.fitted(this.add(pool, x), most);
  }
}
