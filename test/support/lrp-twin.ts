// The slow twin of the relevance compiler: LRP in matrix form, one clip at a time, straight from the rules' formulas.
import { random } from '../../src/corpus/random.ts';
import type { Method } from '../../src/relevance/method.ts';

interface Pads {
  readonly strides: readonly number[];
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** A layer as the twin knows it; extents of spatial axes only, weights row-major. */
export type TwinLayer =
  | (Pads & {
      readonly kind: 'conv';
      /** [out, in/group, …kernel] */
      readonly dims: readonly number[];
      readonly weight: readonly number[];
      readonly bias?: readonly number[] | undefined;
      readonly dilations: readonly number[];
      readonly group: number;
    })
  /** weight [out, in] */
  | {
      readonly kind: 'dense';
      readonly weight: readonly number[];
      readonly bias?: readonly number[] | undefined;
      readonly units: number;
    }
  | {
      readonly kind: 'batchnorm';
      readonly gamma: readonly number[];
      readonly beta: readonly number[];
      readonly mean: readonly number[];
      readonly variance: readonly number[];
      readonly epsilon: number;
    }
  | { readonly kind: 'relu' | 'dropout' | 'globalmax' | 'globalaverage' | 'flatten' | 'swap' }
  | (Pads & { readonly kind: 'maxpool'; readonly kernel: readonly number[] })
  | (Pads & {
      readonly kind: 'averagepool';
      readonly kernel: readonly number[];
      readonly countIncludePad: boolean;
    });

/** What one layer did with relevance: where it came from and went, and what took the rest. */
export interface TwinEntry {
  readonly out: number;
  readonly in: number;
  readonly bias: number;
  readonly stabilizer: number;
  readonly dropped: number;
}

export interface TwinResult {
  readonly logits: readonly number[];
  readonly relevance: readonly number[];
  /** Of the layers that are linear maps, from the last to the first. */
  readonly ledger: readonly TwinEntry[];
}

/** What every result of an operation is rounded by. */
export type Rounding = (v: number) => number;

const exactly: Rounding = (v) => v;

/**
 * float32 whose results are off by up to a unit in the last place, at random: what an evaluation in float32 may come to
 * in whatever order a runtime adds and multiplies.
 */
export function sloppyFloat32(seed: number): Rounding {
  const next = random(seed);
  return (v) => Math.fround(v * (1 + (2 * next() - 1) * 2 ** -23));
}

type Rule = Method['rules']['dense'];
type Matrix = readonly (readonly number[])[];

/** A linear layer as a matrix: z = W x + b; `reach` has 1 where an input reaches an output. */
interface Affine {
  readonly matrix: Matrix;
  readonly reach: Matrix;
  readonly bias: readonly number[];
}

interface Value {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

const NORM: Rule = { name: 'norm', parameters: {}, stabilizer: 1e-6, bias: 'absorb' };
const size = (dims: readonly number[]) => dims.reduce((n, d) => n * d, 1);
const plus = (v: number) => Math.max(v, 0);
const minus = (v: number) => Math.min(v, 0);

/**
 * Explains one clip.
 * @param dims of the clip, without the batch
 * @param target a class, or −1 for the first of the largest logits
 */
export function explainByTwin(
  given: readonly TwinLayer[],
  dims: readonly number[],
  input: readonly number[],
  { method, start, target }: { method: Method; start: 'logit' | 'one'; target: number },
  round: Rounding = exactly,
): TwinResult {
  const layers = merged(given);
  const values: Value[] = [{ dims, data: input }];
  const maps: (Affine | undefined)[] = [];
  for (const layer of layers) {
    const x = values.at(-1) as Value;
    const map = affineOf(layer, x.dims);
    maps.push(map);
    values.push(map ? { dims: extents(layer, x.dims), data: applied(map, x.data, round) } : moved(layer, x));
  }
  const logits = (values.at(-1) as Value).data;
  const chosen = target < 0 ? logits.indexOf(Math.max(...logits)) : target;
  let relevance = logits.map((v, k) => (k === chosen ? (start === 'logit' ? v : 1) : 0));
  const firstWeighted = layers.findIndex((l) => l.kind === 'conv' || l.kind === 'dense');
  const ledger: TwinEntry[] = [];
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i];
    const map = maps[i];
    if (!map) {
      relevance = movedBack(layer, values[i], relevance);
      continue;
    }
    const weighted = layer.kind === 'conv' ? 'convolution' : layer.kind === 'dense' ? 'dense' : undefined;
    const own = weighted ? (i === firstWeighted && method.first) || method.rules[weighted] : NORM;
    const step = handedOn(own, map, values[i].data, values[i + 1].data, relevance, round);
    relevance = step.relevance;
    ledger.push(step.entry);
  }
  return { logits, relevance, ledger };
}

/** k = γ/√(σ² + ε), W′ = kW, b′ = (b − μ)k + β where a batch norm follows a layer with weights at once. */
function merged(layers: readonly TwinLayer[]): TwinLayer[] {
  const result: TwinLayer[] = [];
  for (const layer of layers) {
    const before = result.at(-1);
    if (layer.kind === 'dropout') continue;
    if (layer.kind !== 'batchnorm' || (before?.kind !== 'conv' && before?.kind !== 'dense')) {
      result.push(layer);
      continue;
    }
    const k = layer.gamma.map((g, c) => g / Math.sqrt(layer.variance[c] + layer.epsilon));
    const each = before.weight.length / k.length;
    result[result.length - 1] = {
      ...before,
      weight: before.weight.map((w, i) => w * k[Math.floor(i / each)]),
      bias: k.map((v, c) => ((before.bias?.[c] ?? 0) - layer.mean[c]) * v + layer.beta[c]),
    };
  }
  return result;
}

/** Every output index of a window layer with the input positions under it; undefined stands for padding. */
function windows(
  spatial: readonly number[],
  kernel: readonly number[],
  dilations: readonly number[],
  { strides, begin, end }: Pads,
): (readonly number[] | undefined)[][] {
  const out = spatial.map((n, a) =>
    Math.floor((n + begin[a] + end[a] - dilations[a] * (kernel[a] - 1) - 1) / strides[a] + 1),
  );
  return grid(out).map((o) =>
    grid(kernel).map((k) => {
      const at = o.map((v, a) => v * strides[a] + k[a] * dilations[a] - begin[a]);
      return at.every((v, a) => v >= 0 && v < spatial[a]) ? at : undefined;
    }),
  );
}

/** All indices of a shape, row-major. */
function grid(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (all, d) => all.flatMap((head) => Array.from({ length: d }, (_, i) => [...head, i])),
    [[]],
  );
}

function flat(index: readonly number[], dims: readonly number[]): number {
  return index.reduce((n, v, a) => n * dims[a] + v, 0);
}

/** Shape of a layer's output. */
function extents(layer: TwinLayer, dims: readonly number[]): number[] {
  const spatial = dims.slice(1);
  const slid = (kernel: readonly number[], dilations: readonly number[], pads: Pads) =>
    spatial.map((n, a) =>
      Math.floor(
        (n + pads.begin[a] + pads.end[a] - dilations[a] * (kernel[a] - 1) - 1) / pads.strides[a] + 1,
      ),
    );
  switch (layer.kind) {
    case 'conv':
      return [layer.dims[0], ...slid(layer.dims.slice(2), layer.dilations, layer)];
    case 'maxpool':
    case 'averagepool':
      return [
        dims[0],
        ...slid(
          layer.kernel,
          layer.kernel.map(() => 1),
          layer,
        ),
      ];
    case 'dense':
      return [layer.units];
    case 'globalaverage':
    case 'globalmax':
      return [dims[0], ...spatial.map(() => 1)];
    case 'flatten':
      return [size(dims)];
    case 'swap':
      return [dims[0], dims[2], dims[1]];
    default:
      return [...dims];
  }
}

/** The matrix of a linear layer, column by column: what the layer without its bias makes of each unit vector. */
function affineOf(layer: TwinLayer, dims: readonly number[]): Affine | undefined {
  const linear = linearOf(layer, dims);
  if (!linear) return undefined;
  const columns = (weights: 'own' | 'ones') =>
    Array.from({ length: size(dims) }, (_, i) => {
      const unit = new Array<number>(size(dims)).fill(0);
      unit[i] = 1;
      return linear(unit, weights);
    });
  const transposed = (m: Matrix) => m[0].map((_, k) => m.map((column) => column[k]));
  const bias = biasOf(layer, dims);
  return { matrix: transposed(columns('own')), reach: transposed(columns('ones')), bias };
}

function biasOf(layer: TwinLayer, dims: readonly number[]): readonly number[] {
  const out = extents(layer, dims);
  const perChannel = size(out.slice(1));
  const spread = (b: readonly number[]) => b.flatMap((v) => new Array<number>(perChannel).fill(v));
  if (layer.kind === 'conv' || layer.kind === 'dense')
    return spread(layer.bias ?? new Array<number>(out[0]).fill(0));
  if (layer.kind === 'batchnorm') {
    return spread(layer.beta.map((b, c) => b - layer.mean[c] * slope(layer, c)));
  }
  return new Array<number>(size(out)).fill(0);
}

function slope(layer: Extract<TwinLayer, { kind: 'batchnorm' }>, channel: number): number {
  return layer.gamma[channel] / Math.sqrt(layer.variance[channel] + layer.epsilon);
}

type Linear = (x: readonly number[], weights: 'own' | 'ones') => number[];

/** A linear layer without its bias, by its definition; undefined for layers that are no linear map of all inputs. */
function linearOf(layer: TwinLayer, dims: readonly number[]): Linear | undefined {
  const channels = dims[0];
  const spatial = dims.slice(1);
  const plane = size(spatial);
  switch (layer.kind) {
    case 'conv': {
      const [out, perGroup, ...kernel] = layer.dims;
      const taps = windows(spatial, kernel, layer.dilations, layer);
      return (x, weights) =>
        Array.from({ length: out }, (_, o) => {
          const first = Math.floor(o / (out / layer.group)) * perGroup;
          return taps.map((window) => {
            let sum = 0;
            for (let c = 0; c < perGroup; c++) {
              window.forEach((at, k) => {
                const w = weights === 'ones' ? 1 : layer.weight[(o * perGroup + c) * window.length + k];
                if (at) sum += w * x[(first + c) * plane + flat(at, spatial)];
              });
            }
            return sum;
          });
        }).flat();
    }
    case 'dense':
      return (x, weights) =>
        Array.from({ length: layer.units }, (_, k) =>
          x.reduce((sum, v, i) => sum + (weights === 'ones' ? 1 : layer.weight[k * x.length + i]) * v, 0),
        );
    case 'batchnorm':
      return (x) => x.map((v, i) => v * slope(layer, Math.floor(i / plane)));
    case 'globalaverage':
      return (x) =>
        Array.from(
          { length: channels },
          (_, c) => x.slice(c * plane, (c + 1) * plane).reduce((a, b) => a + b, 0) / plane,
        );
    case 'averagepool': {
      const taps = windows(
        spatial,
        layer.kernel,
        layer.kernel.map(() => 1),
        layer,
      );
      return (x) =>
        Array.from({ length: channels }, (_, c) =>
          taps.map((window) => {
            const real = window.filter((at) => at !== undefined);
            const sum = real.reduce((s, at) => s + x[c * plane + flat(at, spatial)], 0);
            return sum / (layer.countIncludePad ? window.length : real.length);
          }),
        ).flat();
    }
    default:
      return undefined;
  }
}

function applied({ matrix, bias }: Affine, x: readonly number[], round: Rounding): number[] {
  return matrix.map((row, k) => total([...row.map((w, i) => round(round(w) * x[i])), round(bias[k])], round));
}

function total(terms: readonly number[], round: Rounding): number {
  return terms.reduce((a, b) => round(a + b), 0);
}

/** Layers that pass, pick or rearrange: where each output comes from. */
function sources(layer: TwinLayer, { dims, data }: Value): number[] {
  const [channels, ...spatial] = dims;
  const plane = size(spatial);
  const winner = (places: readonly number[]) =>
    places.reduce((best, at) => (data[at] > data[best] ? at : best), places[0]);
  const perChannel = (of: (offset: number) => number[]) =>
    Array.from({ length: channels }, (_, c) => of(c * plane)).flat();
  switch (layer.kind) {
    case 'maxpool': {
      const taps = windows(
        spatial,
        layer.kernel,
        layer.kernel.map(() => 1),
        layer,
      );
      return perChannel((offset) =>
        taps.map((window) => winner(window.flatMap((at) => (at ? [offset + flat(at, spatial)] : [])))),
      );
    }
    case 'globalmax':
      return perChannel((offset) => [winner(Array.from({ length: plane }, (_, i) => offset + i))]);
    case 'swap':
      return perChannel((offset) =>
        grid([spatial[1], spatial[0]]).map(([a, b]) => offset + b * spatial[1] + a),
      );
    default:
      return data.map((_, i) => i);
  }
}

function moved(layer: TwinLayer, x: Value): Value {
  const picked = sources(layer, x).map((at) => x.data[at]);
  return { dims: extents(layer, x.dims), data: layer.kind === 'relu' ? picked.map(plus) : picked };
}

function movedBack(layer: TwinLayer, x: Value, relevance: readonly number[]): number[] {
  const back = new Array<number>(x.data.length).fill(0);
  sources(layer, x).forEach((at, i) => {
    back[at] += relevance[i];
  });
  return back;
}

/** c · Σ_k contribution_ki · R_k / s(z_k), with z_k = Σ_i contribution_ki + bias_k, over the outputs that take part. */
interface Pool {
  readonly coefficient: number;
  readonly contribution: (w: number, x: number, reach: number) => number;
  readonly bias: (b: number) => number;
  readonly takesPart: (z: number) => boolean;
}

/** The rules, as lrp-rules.md and the papers write them. */
function poolsOf({ name, parameters }: Rule): Pool[] {
  const all = () => true;
  const positive = (w: number, x: number) => plus(x) * plus(w) + minus(x) * minus(w);
  const negative = (w: number, x: number) => plus(x) * minus(w) + minus(x) * plus(w);
  const g = parameters.gamma;
  switch (name) {
    case 'epsilon':
    case 'norm':
      return [{ coefficient: 1, contribution: (w, x) => w * x, bias: (b) => b, takesPart: all }];
    case 'zplus':
      return [{ coefficient: 1, contribution: positive, bias: plus, takesPart: all }];
    case 'alpha2-beta1':
      return [
        { coefficient: 2, contribution: positive, bias: plus, takesPart: all },
        { coefficient: -1, contribution: negative, bias: minus, takesPart: all },
      ];
    case 'gamma':
      return [
        {
          coefficient: 1,
          contribution: (w, x) => plus(x) * (w + g * plus(w)) + minus(x) * (w + g * minus(w)),
          bias: (b) => b + g * plus(b),
          takesPart: (z) => z > 0,
        },
        {
          coefficient: 1,
          contribution: (w, x) => plus(x) * (w + g * minus(w)) + minus(x) * (w + g * plus(w)),
          bias: (b) => b + g * minus(b),
          takesPart: (z) => z < 0,
        },
      ];
    case 'flat':
      return [{ coefficient: 1, contribution: (_, __, reach) => reach, bias: () => 0, takesPart: all }];
    default:
      throw new Error(`the twin does not know rule ${name satisfies never}`);
  }
}

/** One rule on one layer. @param z the layer's own output, bias included */
function handedOn(
  rule: Rule,
  { matrix, reach, bias }: Affine,
  x: readonly number[],
  z: readonly number[],
  relevance: readonly number[],
  round: Rounding,
): { relevance: number[]; entry: TwinEntry } {
  const pools = poolsOf(rule);
  const shares: number[][] = x.map(() => []);
  const entry = { out: 0, in: 0, bias: 0, stabilizer: 0, dropped: 0 };
  relevance.forEach((r, k) => {
    entry.out += r;
    const active = pools.filter((pool) => pool.takesPart(z[k]));
    if (active.length === 0) entry.dropped += r;
    for (const pool of active) {
      const contributions = matrix[k].map((w, i) => round(pool.contribution(round(w), x[i], reach[k][i])));
      const b = rule.bias === 'ignore' ? 0 : round(pool.bias(round(bias[k])));
      const denominator = total([...contributions, b], round);
      const stable = round(denominator + (denominator < 0 ? -rule.stabilizer : rule.stabilizer));
      const ratio = round(round(pool.coefficient * r) / stable);
      contributions.forEach((c, i) => {
        shares[i].push(round(c * ratio));
      });
      entry.bias += b * ratio;
      entry.stabilizer += (stable - denominator) * ratio;
    }
  });
  const handed = shares.map((terms) => total(terms, round));
  entry.in = total(handed, exactly);
  return { relevance: handed, entry };
}
