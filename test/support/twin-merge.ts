// What the slow twin makes one: constant scales and shifts with the layer of weights beside them, zeros with their reader.
import { type Form, formOf } from './twin-forms.ts';
import { extents, flat, grid, type TwinLayer } from './twin-layers.ts';

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
    if (!net.mergeBefore(i)) net.join(i);
  });
  for (let i = given.length - 1; i >= 0; i--) net.mergeBehind(i);
  return net.steps.map((step) =>
    step.kind === 'affine' && isIdentity(step.form as Linear)
      ? { ...step, kind: 'rearrangement', form: identity(step.dims) }
      : step,
  );
}

const isIdentity = ({ rows, bias }: Linear) =>
  rows.every((row) => row[0].weight === 1) && bias.every((c) => c === 0);

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
      return isIdentity(form as Linear);
    }
    return (
      layer.kind === 'dropout' ||
      (layer.kind === 'pad' && [...layer.begin, ...layer.end].every((n) => n === 0))
    );
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

  /** Zeros that a Pad puts around the input of a convolution, or of an average without any, are padding of its own. */
  dropZeros(at: number): void {
    const step = this.steps[at];
    const { layer } = step;
    if (layer.kind !== 'pad' || layer.mode !== 'constant' || layer.value !== 0 || this.isNothing(step))
      return;
    const reader = this.onlyReader(at);
    if (reader === undefined) return;
    let window = this.steps[reader].layer;
    if (window.kind === 'averagepool' && [...window.begin, ...window.end].every((n) => n === 0)) {
      window = { ...window, begin: layer.begin.slice(1), end: layer.end.slice(1), countIncludePad: true };
    } else if (window.kind !== 'conv') return;
    const { candidates } = step.form as Extract<Form, { is: 'choice' }>;
    const { rows, bias } = this.steps[reader].form as Linear;
    const real = rows.map((row) =>
      row.flatMap(({ from, weight }) => candidates[from].map((source) => ({ from: source, weight }))),
    );
    const before = step.inputs[0] === 0 ? this.dims : this.steps[step.inputs[0] - 1].dims;
    this.replace(reader, { is: 'linear', rows: real, bias }, step.inputs);
    this.steps[reader] = { ...this.steps[reader], layer: window };
    this.steps[at] = { ...step, dims: before, layer: { kind: 'dropout' }, form: identity(before) };
  }

  /** W′ = kW, b′ = kb + c where scale and shift are all that reads the layer before, directly or through max pooling. */
  mergeBefore(at: number): boolean {
    const affine = this.steps[at];
    if (affine.kind !== 'affine' || this.isNothing(affine)) return false;
    const { k, c } = scaleOf(affine);
    let source = this.maker(affine.inputs[0]);
    if (source < 0 || this.onlyReader(source) !== at) return false;
    let spread = (v: readonly number[]) => v;
    if (this.steps[source].layer.kind === 'maxpool') {
      if (!byChannel(k, affine.dims) || !byChannel(c, affine.dims) || k.some((v) => v <= 0)) return false;
      const pool = source;
      source = this.maker(this.steps[pool].inputs[0]);
      if (source < 0 || this.onlyReader(source) !== pool) return false;
      const { dims } = this.steps[source];
      spread = (v) => grid(dims).map(([channel]) => v[channel * (v.length / dims[0])]);
    }
    const layer = this.steps[source];
    if (!hasWeights(layer) || !fits(layer, k)) return false;
    const { rows, bias } = layer.form as Linear;
    const [scale, shift] = [spread(k), spread(c)];
    const scaled = rows.map((row, i) => row.map(({ from, weight }) => ({ from, weight: weight * scale[i] })));
    this.replace(source, { is: 'linear', rows: scaled, bias: bias.map((b, i) => b * scale[i] + shift[i]) });
    this.replace(at, one(affine.dims));
    return true;
  }

  /** Scales and shifts by channel in a row are one: k₂(k₁x + c₁) + c₂. */
  join(at: number): void {
    const reader = this.onlyReader(at);
    if (reader === undefined) return;
    const both = [this.steps[at], this.steps[reader]];
    if (both.some((step) => step.kind !== 'affine' || this.isNothing(step))) return;
    const [first, second] = both.map(scaleOf);
    if ([first, second].some(({ k, c }) => !byChannel(k, both[0].dims) || !byChannel(c, both[0].dims)))
      return;
    this.replace(
      reader,
      diagonal(
        first.k.map((v, i) => v * second.k[i]),
        first.c.map((v, i) => v * second.k[i] + second.c[i]),
      ),
    );
    this.replace(at, one(both[0].dims));
  }

  /**
   * W′ = Wk, b′ = b + Wc where a layer with weights is all that reads scale and shift by channel, through max pooling
   * and flattening. Channels of negative scale stay before a maximum.
   */
  mergeBehind(at: number): void {
    const affine = this.steps[at];
    if (affine.kind !== 'affine' || this.isNothing(affine)) return;
    const { k, c } = scaleOf(affine);
    if (!byChannel(k, affine.dims) || !byChannel(c, affine.dims)) return;
    let throughMax = false;
    let before = at;
    for (;;) {
      const reader = this.onlyReader(before);
      if (reader === undefined) return;
      const { layer } = this.steps[reader];
      if (hasWeights(this.steps[reader])) break;
      if (layer.kind === 'maxpool' || layer.kind === 'globalmax') throughMax = true;
      else if (layer.kind !== 'flatten') return;
      before = reader;
    }
    const reader = this.onlyReader(before) as number;
    const inputs = grid(this.steps[before].dims).length;
    if (this.steps[reader].kind === 'dense' && this.steps[before].dims.length > 1) return;
    const [channels, plane] = [affine.dims[0], k.length / affine.dims[0]];
    const goes = k.map((v) => !throughMax || v >= 0);
    const moved = (v: readonly number[], neutral: number) =>
      Array.from({ length: inputs }, (_, i) => {
        const element = Math.floor((i * channels) / inputs) * plane;
        return goes[element] ? v[element] : neutral;
      });
    const [scale, shift] = [moved(k, 1), moved(c, 0)];
    const { rows, bias } = this.steps[reader].form as Linear;
    this.replace(reader, {
      is: 'linear',
      rows: rows.map((row) => row.map(({ from, weight }) => ({ from, weight: weight * scale[from] }))),
      bias: bias.map((b, i) => rows[i].reduce((sum, { from, weight }) => sum + weight * shift[from], b)),
    });
    this.replace(
      at,
      diagonal(
        k.map((v, i) => (goes[i] ? 1 : v)),
        c.map((v, i) => (goes[i] ? 0 : v)),
      ),
    );
  }

  private replace(at: number, form: Form, inputs = this.steps[at].inputs): void {
    this.steps[at] = { ...this.steps[at], form, inputs };
  }
}

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

/** Whether a scale of what a layer gives can be in its weights: one for each channel, each feature of a dense layer. */
function fits(layer: Step, k: readonly number[]): boolean {
  if (layer.kind === 'convolution') return byChannel(k, layer.dims);
  const width = layer.dims.at(-1) as number;
  return k.every((v, i) => v === k[i % width]);
}
