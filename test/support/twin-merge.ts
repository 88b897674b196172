// What the slow twin makes one: constant scales and shifts with the layer of weights beside them, zeros with their reader.
import { extents, type Form, flat, formOf, grid, type Row, type TwinLayer } from './twin-layers.ts';

/** A layer of a network; input 0 is the clip, input i + 1 the result of node i. */
export interface TwinNode {
  readonly name: string;
  readonly layer: TwinLayer;
  readonly inputs: readonly number[];
}

/** As the relevance engine's own kinds. */
export type TwinKind =
  | 'convolution'
  | 'dense'
  | 'average'
  | 'sum'
  | 'affine'
  | 'activation'
  | 'max'
  | 'product'
  | 'rearrangement';

/** A node as relevance meets it. */
export interface Step {
  readonly name: string;
  readonly kind: TwinKind;
  readonly layer: TwinLayer;
  readonly inputs: readonly number[];
  /** Extents of the result. */
  readonly dims: readonly number[];
  readonly form: Form;
}

type Linear = Extract<Form, { is: 'linear' }>;

const KINDS: { readonly [K in TwinLayer['kind']]: TwinKind } = {
  conv: 'convolution',
  convtranspose: 'convolution',
  dense: 'dense',
  batchnorm: 'affine',
  constant: 'affine',
  activation: 'activation',
  prelu: 'activation',
  lrn: 'activation',
  maxpool: 'max',
  globalmax: 'max',
  extreme: 'max',
  averagepool: 'average',
  globalaverage: 'average',
  reduce: 'average',
  sum: 'sum',
  product: 'product',
  concat: 'rearrangement',
  slice: 'rearrangement',
  piece: 'rearrangement',
  pad: 'rearrangement',
  transpose: 'rearrangement',
  reshape: 'rearrangement',
  expand: 'rearrangement',
  flatten: 'rearrangement',
  dropout: 'rearrangement',
  final: 'activation',
};

function kindOf(layer: TwinLayer): TwinKind {
  if (layer.kind !== 'reduce') return KINDS[layer.kind];
  return layer.op === 'ReduceMax' ? 'max' : layer.op === 'ReduceSum' ? 'sum' : 'average';
}

export const hasWeights = ({ kind }: Pick<Step, 'kind'>) => kind === 'convolution' || kind === 'dense';

/** Every node as it stands, without a last softmax or sigmoid. */
export function stepsOf(nodes: readonly TwinNode[], dims: readonly number[]): Step[] {
  const shapes: (readonly number[])[] = [dims];
  return nodes
    .filter(({ layer }) => layer.kind !== 'final')
    .map(({ name, layer, inputs }) => {
      const given = inputs.map((i) => shapes[i]);
      const out = extents(layer, given);
      shapes.push(out);
      return { name, kind: kindOf(layer), layer, inputs, dims: out, form: formOf(layer, given) };
    });
}

/** The steps that relevance takes; what is merged away becomes a step that hands on all. */
export function merged(given: readonly Step[], dims: readonly number[]): Step[] {
  const net = new Net(given, dims);
  given.forEach((_, i) => {
    net.dropZeros(i);
  });
  given.forEach((_, i) => {
    net.mergeBefore(i);
  });
  for (let i = given.length - 1; i >= 0; i--) net.mergeBehind(i);
  return net.steps.map((step) =>
    step.kind === 'affine' && isScale(step.form as Linear) ? passed(step) : step,
  );
}

const isScale = ({ bias }: Linear) => bias.every((c) => c === 0);

function passed(step: Step): Step {
  const form: Form = {
    is: 'choice',
    candidates: (step.form as Linear).rows.map((row) => [row[0].from]),
    sign: 1,
    fill: 0,
  };
  const { rows } = step.form as Linear;
  const same = rows.every((row) => row[0].weight === 1);
  if (same) return { ...step, kind: 'rearrangement', form };
  const weights = rows.map((row) => row[0].weight);
  return {
    ...step,
    form: {
      is: 'function',
      of: (x) => x.map((v, i) => weights[i] * v),
      to: weights.map((_, i) => i),
      back: (_, r) => r.map((v, i) => weights[i] * v),
    },
  };
}

class Net {
  readonly steps: Step[];
  private readonly dims: readonly number[];

  constructor(steps: readonly Step[], dims: readonly number[]) {
    this.steps = [...steps];
    this.dims = dims;
  }

  /** Whether a step does nothing (any more). */
  private isNothing({ layer, kind, form }: Step): boolean {
    if (kind === 'affine') {
      return (
        form.is === 'linear' &&
        form.rows.every((row) => row[0].weight === 1) &&
        form.bias.every((c) => c === 0)
      );
    }
    return layer.kind === 'dropout';
  }

  /** The step whose result a value is, seen through steps that do nothing; −1 is the clip. */
  private maker(value: number): number {
    const at = value - 1;
    return at >= 0 && this.isNothing(this.steps[at]) ? this.maker(this.steps[at].inputs[0]) : at;
  }

  /** The only step that reads what step `at` gives, if there is just one. */
  private onlyReader(at: number): number | undefined {
    const readers = this.steps.flatMap((step, i) =>
      this.isNothing(step) ? [] : step.inputs.filter((v) => this.maker(v) === at).map(() => i),
    );
    const isResult = this.maker(this.steps.length) === at;
    return readers.length === 1 && !isResult ? readers[0] : undefined;
  }

  /** Zeros that a Pad puts before a convolution are no inputs of it. */
  dropZeros(at: number): void {
    const step = this.steps[at];
    if (step.layer.kind !== 'pad' || step.layer.value !== 0 || step.form.is !== 'choice') return;
    const reader = this.onlyReader(at);
    if (reader === undefined || this.steps[reader].layer.kind !== 'conv') return;
    const { candidates } = step.form;
    const { rows, bias } = this.steps[reader].form as Linear;
    const real = rows.map((row) =>
      row.flatMap(({ from, weight }) => candidates[from].map((source) => ({ from: source, weight }))),
    );
    const before = step.inputs[0] === 0 ? this.dims : this.steps[step.inputs[0] - 1].dims;
    this.replace(reader, { is: 'linear', rows: real, bias }, step.inputs);
    this.steps[at] = { ...step, dims: before, layer: { kind: 'dropout' }, form: identity(before) };
  }

  /** W′ = kW, b′ = kb + c where scale and shift are all that reads the layer before, directly or through max pooling. */
  mergeBefore(at: number): void {
    const affine = this.steps[at];
    if (affine.kind !== 'affine' || this.isNothing(affine)) return;
    const { k, c } = scaleOf(affine);
    let source = this.maker(affine.inputs[0]);
    if (source < 0 || this.onlyReader(source) !== at) return;
    let spread = (v: readonly number[]) => v;
    if (this.steps[source].layer.kind === 'maxpool') {
      if (!byChannel(k, affine.dims) || !byChannel(c, affine.dims) || k.some((v) => v <= 0)) return;
      const pool = source;
      source = this.maker(this.steps[pool].inputs[0]);
      if (source < 0 || this.onlyReader(source) !== pool) return;
      const { dims } = this.steps[source];
      spread = (v) => grid(dims).map(([channel]) => v[channel * (v.length / dims[0])]);
    }
    const layer = this.steps[source];
    if (!hasWeights(layer) || !fits(layer, k, affine.dims)) return;
    const { rows, bias } = layer.form as Linear;
    const [scale, shift] = [spread(k), spread(c)];
    const scaled = rows.map((row, i) => row.map(({ from, weight }) => ({ from, weight: weight * scale[i] })));
    this.replace(source, { is: 'linear', rows: scaled, bias: bias.map((b, i) => b * scale[i] + shift[i]) });
    this.replace(at, one(affine.dims));
  }

  /** W′ = Wk, b′ = b + Wc where a layer with weights is all that reads scale and shift. */
  mergeBehind(at: number): void {
    const affine = this.steps[at];
    if (affine.kind !== 'affine' || this.isNothing(affine)) return;
    let { k, c } = scaleOf(affine);
    const left = { k: k.map(() => 1), c: k.map(() => 0) };
    let before: number = at;
    for (;;) {
      const reader = this.onlyReader(before);
      if (reader === undefined) return;
      const step = this.steps[reader];
      if (hasWeights(step)) {
        const shape = this.steps[before].dims;
        if (!fits(step, k, shape, reader)) return;
        const { rows, bias } = step.form as Linear;
        const scaled = rows.map((row) => row.map(({ from, weight }) => ({ from, weight: weight * k[from] })));
        const shifted = bias.map((b, i) => row(rows[i], c) + b);
        this.replace(reader, { is: 'linear', rows: scaled, bias: shifted });
        const remains = left.k.some((v) => v !== 1) || left.c.some((v) => v !== 0);
        this.replace(at, remains ? diagonal(left.k, left.c) : one(affine.dims));
        return;
      }
      const shape = this.steps[before].dims;
      const pooled = (v: readonly number[]) =>
        grid(step.dims).map(([channel]) => v[channel * (v.length / shape[0])]);
      if (step.kind === 'max' && (step.layer.kind === 'maxpool' || step.layer.kind === 'globalmax')) {
        if (!byChannel(k, shape) || !byChannel(c, shape) || before !== at) return;
        k.forEach((v, i) => {
          if (v <= 0) [left.k[i], left.c[i]] = [v, c[i]];
        });
        [k, c] = [k.map((v) => (v > 0 ? v : 1)), c.map((v, i) => (k[i] > 0 ? v : 0))];
        [k, c] = [pooled(k), pooled(c)];
      } else if (step.layer.kind === 'averagepool' || step.layer.kind === 'globalaverage') {
        if (!byChannel(k, shape)) return;
        const { rows } = step.form as Linear;
        const field = c;
        [k, c] = [pooled(k), rows.map((r) => row(r, field))];
      } else if (step.layer.kind !== 'flatten') return;
      before = reader;
    }
  }

  private replace(at: number, form: Form, inputs = this.steps[at].inputs): void {
    this.steps[at] = { ...this.steps[at], form, inputs };
  }
}

const row = (r: Row, x: readonly number[]) => r.reduce((sum, { from, weight }) => sum + weight * x[from], 0);

function diagonal(k: readonly number[], c: readonly number[]): Linear {
  return { is: 'linear', rows: k.map((weight, from) => [{ from, weight }]), bias: c };
}

function one(dims: readonly number[]): Linear {
  const count = grid(dims).length;
  return diagonal(new Array(count).fill(1), new Array(count).fill(0));
}

function identity(dims: readonly number[]): Form {
  return { is: 'choice', candidates: grid(dims).map((at) => [flat(at, dims)]), sign: 1, fill: 0 };
}

function scaleOf(affine: Step): { k: readonly number[]; c: readonly number[] } {
  const { rows, bias } = affine.form as Linear;
  return { k: rows.map((r) => r[0].weight), c: bias };
}

/** One number for each channel. */
function byChannel(v: readonly number[], dims: readonly number[]): boolean {
  const plane = v.length / dims[0];
  return v.every((x, i) => x === v[Math.floor(i / plane) * plane]);
}

/** Whether a scale can be in the weights: one for each channel of a convolution, each feature of a dense layer. */
function fits(layer: Step, k: readonly number[], dims: readonly number[], behind?: number): boolean {
  if (layer.kind === 'convolution') return byChannel(k, dims);
  const width = behind === undefined ? (layer.dims.at(-1) as number) : (dims.at(-1) as number);
  return k.every((v, i) => v === k[i % width]);
}
