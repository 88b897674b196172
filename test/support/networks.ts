// Random small networks, once as layers of the slow twin and once as an ONNX graph, with inputs that go with them.
import fc from 'fast-check';
import { random } from '../../src/corpus/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import type { Graph } from '../../src/graph/types.ts';
import { int64s, tensor } from '../../src/graph/types.ts';
import { verify } from '../../src/graph/verify.ts';
import type { TwinLayer } from './lrp-twin.ts';

/** How weights and inputs are drawn. */
export type Numbers =
  /** Uniform in [−1, 1), as float32. */
  | 'real'
  /** Quarters in [−1, 1]: sums are exact in float32 too, zeros and ties are real ones. */
  | 'quarters';

export interface MadeNetwork {
  readonly layers: readonly TwinLayer[];
  /** A clip's extents, without the batch. */
  readonly dims: readonly number[];
  readonly classes: number;
  /** A clip, by seed. */
  readonly clip: (seed: number) => number[];
}

/** What is wished of one block; what does not fit the extents it meets is made smaller. */
interface Wish {
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly grouped: boolean;
  readonly bias: boolean;
  readonly norm: 'none' | 'before' | 'after';
  readonly relu: boolean;
  readonly pool: 'none' | 'pairs' | 'max' | 'average';
  readonly poolSize: readonly number[];
  readonly poolStrides: readonly number[];
  readonly poolPads: readonly number[];
  readonly countIncludePad: boolean;
}

interface Plan {
  readonly numbers: Numbers;
  readonly seed: number;
  readonly channels: number;
  readonly spatial: readonly number[];
  readonly normFirst: boolean;
  readonly blocks: readonly Wish[];
  readonly swap: boolean;
  readonly head: 'flatten' | 'globalmax' | 'globalaverage';
  readonly hidden: number;
  readonly hiddenNorm: boolean;
  readonly dropout: boolean;
  readonly dense: boolean;
  readonly classes: number;
}

const small = (min: number, max: number) => fc.integer({ min, max });

const wish = (numbers: Numbers): fc.Arbitrary<Wish> =>
  fc.record({
    channels: small(1, 4),
    kernel: fc.tuple(small(1, 3), small(1, 3)),
    strides: fc.tuple(small(1, 2), small(1, 2)),
    dilations: fc.tuple(small(1, 2), small(1, 2)),
    pads: fc.tuple(small(0, 2), small(0, 2), small(0, 2), small(0, 2)),
    grouped: fc.boolean(),
    bias: fc.boolean(),
    norm: numbers === 'real' ? fc.constantFrom('none', 'before', 'after') : fc.constant('none'),
    relu: fc.boolean(),
    pool:
      numbers === 'real'
        ? fc.constantFrom('none', 'pairs', 'max', 'average')
        : fc.constantFrom('none', 'pairs', 'max'),
    poolSize: fc.tuple(small(1, 3), small(1, 3)),
    poolStrides: fc.tuple(small(1, 3), small(1, 3)),
    poolPads: fc.tuple(small(0, 1), small(0, 1), small(0, 1), small(0, 1)),
    countIncludePad: fc.boolean(),
  });

/** Networks of up to three convolutions and two dense layers, in one or two dimensions. */
export function networks(numbers: Numbers): fc.Arbitrary<MadeNetwork> {
  const plan: fc.Arbitrary<Plan> = fc.record({
    numbers: fc.constant(numbers),
    seed: fc.integer({ min: 1, max: 1e6 }),
    channels: small(1, 2),
    spatial: fc.oneof(fc.tuple(small(5, 14)), fc.tuple(small(4, 7), small(4, 7))),
    normFirst: numbers === 'real' ? fc.boolean() : fc.constant(false),
    blocks: fc.array(wish(numbers), { minLength: 0, maxLength: 3 }),
    swap: fc.boolean(),
    head:
      numbers === 'real'
        ? fc.constantFrom('flatten', 'globalmax', 'globalaverage')
        : fc.constantFrom('flatten', 'globalmax'),
    hidden: small(0, 4),
    hiddenNorm: numbers === 'real' ? fc.boolean() : fc.constant(false),
    dropout: fc.boolean(),
    dense: fc.boolean(),
    classes: small(2, 4),
  });
  return plan.map(make);
}

function make(plan: Plan): MadeNetwork {
  const next = random(plan.seed);
  const draw = (count: number, from: () => number = next) =>
    Array.from({ length: count }, () => {
      const u = 2 * from() - 1;
      return plan.numbers === 'real' ? Math.fround(u) : Math.round(4 * u) / 4;
    });
  const layers: TwinLayer[] = [];
  let channels = plan.channels;
  let spatial = [...plan.spatial];
  const norm = (width: number) =>
    layers.push({
      kind: 'batchnorm',
      gamma: draw(width),
      beta: draw(width),
      mean: draw(width),
      variance: draw(width).map((v) => Math.fround(v * v + 0.1)),
      epsilon: 1e-3,
    });
  if (plan.normFirst) norm(channels);
  plan.blocks.forEach((block, index) => {
    const rank = spatial.length;
    const begin = block.pads.slice(0, rank);
    const end = block.pads.slice(2, 2 + rank);
    const room = spatial.map((n, a) => n + begin[a] + end[a]);
    const kernel = block.kernel.slice(0, rank).map((k, a) => Math.min(k, room[a]));
    const dilations = block.dilations
      .slice(0, rank)
      .map((d, a) => (d * (kernel[a] - 1) + 1 <= room[a] ? d : 1));
    const strides = block.strides.slice(0, rank);
    const group = block.grouped ? channels : 1;
    const out = block.grouped ? channels * Math.min(block.channels, 2) : block.channels;
    const dims = [out, channels / group, ...kernel];
    layers.push({
      kind: 'conv',
      dims,
      weight: draw(dims.reduce((n, d) => n * d, 1)),
      bias: block.bias ? draw(out) : undefined,
      strides,
      begin,
      end,
      dilations,
      group,
    });
    channels = out;
    spatial = room.map((n, a) => Math.floor((n - dilations[a] * (kernel[a] - 1) - 1) / strides[a]) + 1);
    if (block.norm === 'before') norm(channels);
    if (block.relu) layers.push({ kind: 'relu' });
    if (block.norm === 'after') norm(channels);
    if (block.pool !== 'none') spatial = pool(layers, block, spatial);
    if (plan.swap && rank === 2 && index === 0) {
      layers.push({ kind: 'swap' });
      spatial = spatial.toReversed();
    }
  });
  layers.push({ kind: plan.head });
  if (plan.head !== 'flatten') layers.push({ kind: 'flatten' });
  let width = channels * (plan.head === 'flatten' ? spatial.reduce((n, d) => n * d, 1) : 1);
  if (plan.dropout) layers.push({ kind: 'dropout' });
  const dense = (units: number, bias: boolean) => {
    const weight = draw(units * width);
    layers.push({ kind: 'dense', units, weight, bias: bias ? draw(units) : undefined });
    width = units;
  };
  if (plan.hidden > 0) {
    dense(plan.hidden, plan.dropout);
    if (plan.hiddenNorm) norm(plan.hidden);
    layers.push({ kind: 'relu' });
  }
  dense(plan.classes, plan.dense);
  const dims = [plan.channels, ...plan.spatial];
  const size = dims.reduce((n, d) => n * d, 1);
  return {
    layers,
    dims,
    classes: plan.classes,
    clip: (seed) => draw(size, random(seed)),
  };
}

/** Adds a pool that fits, and gives the extents behind it. */
function pool(layers: TwinLayer[], block: Wish, spatial: readonly number[]): number[] {
  const rank = spatial.length;
  const pairs = block.pool === 'pairs';
  const kernel = spatial.map((n, a) => Math.min(pairs ? 2 : block.poolSize[a], n));
  // ONNX has padding below the kernel's extent only.
  const pads = (from: number) =>
    kernel.map((k, a) => (pairs ? 0 : Math.min(block.poolPads[from + a], k - 1)));
  const [begin, end] = [pads(0), pads(2)];
  const strides = pairs ? kernel.map(() => 2) : block.poolStrides.slice(0, rank);
  layers.push(
    block.pool === 'average'
      ? { kind: 'averagepool', kernel, strides, begin, end, countIncludePad: block.countIncludePad }
      : { kind: 'maxpool', kernel, strides, begin, end },
  );
  return spatial.map((n, a) => Math.floor((n + begin[a] + end[a] - kernel[a]) / strides[a]) + 1);
}

/** The network as exporters write it; the batch is open. */
export function graphOf({ layers, dims }: MadeNetwork): Graph {
  const g = new GraphBuilder();
  let x = g.input('input', 'float32', ['N', ...dims]);
  layers.forEach((layer, i) => {
    x = emit(g, layer, x, `${layer.kind}_${i}`);
  });
  g.node({ op: 'Identity', name: 'logits', inputs: [x], outputs: ['logits'], attributes: {} });
  g.output('logits');
  return verify(g.build('made'));
}

function emit(g: GraphBuilder, layer: TwinLayer, x: string, name: string): string {
  const constant = (data: readonly number[], extents: readonly number[] = [data.length]) =>
    g.constant(tensor(Float32Array.from(data), extents));
  const rank = g.shape(x).length - 2;
  const padded = 'begin' in layer ? { strides: layer.strides, pads: [...layer.begin, ...layer.end] } : {};
  switch (layer.kind) {
    case 'conv': {
      const operands = [x, constant(layer.weight, layer.dims), ...(layer.bias ? [constant(layer.bias)] : [])];
      const { dilations, group } = layer;
      return g.emit(
        'Conv',
        operands,
        { ...padded, dilations, group, kernel_shape: layer.dims.slice(2) },
        name,
      );
    }
    case 'dense': {
      const { weight, units } = layer;
      const width = weight.length / units;
      if (layer.bias) {
        return g.emit(
          'Gemm',
          [x, constant(weight, [units, width]), constant(layer.bias)],
          { transB: 1 },
          name,
        );
      }
      const transposed = weight.map((_, i) => weight[(i % units) * width + Math.floor(i / units)]);
      return g.emit('MatMul', [x, constant(transposed, [width, units])], {}, name);
    }
    case 'batchnorm': {
      const operands = [layer.gamma, layer.beta, layer.mean, layer.variance].map((v) => constant(v));
      return g.emit('BatchNormalization', [x, ...operands], { epsilon: layer.epsilon }, name);
    }
    case 'relu':
      return g.emit('Relu', [x], {}, name);
    case 'dropout':
      return g.emit('Dropout', [x], {}, name);
    case 'maxpool':
      return g.emit('MaxPool', [x], { ...padded, kernel_shape: layer.kernel }, name);
    case 'averagepool':
      return g.emit(
        'AveragePool',
        [x],
        { ...padded, kernel_shape: layer.kernel, count_include_pad: layer.countIncludePad ? 1 : 0 },
        name,
      );
    case 'globalmax':
      return g.emit('GlobalMaxPool', [x], {}, name);
    case 'globalaverage':
      return g.emit('GlobalAveragePool', [x], {}, name);
    case 'swap':
      return g.emit('Transpose', [x], { perm: [0, 1, 3, 2] }, name);
    case 'flatten': {
      const positions = g.shape(x).slice(2);
      if (positions.every((d) => d === 1)) {
        return g.emit('Squeeze', [x, int64s(positions.map((_, a) => a + 2))], {}, name);
      }
      return rank === 1
        ? g.emit('Flatten', [x], {}, name)
        : g.emit('Reshape', [x, int64s([0, -1])], {}, name);
    }
  }
}
