// Random small networks, once as nodes of the slow twin and once as an ONNX graph, with inputs that go with them.
import fc from 'fast-check';
import { random } from '../../src/corpus/random.ts';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { explicitWindows } from '../../src/graph/explicit.ts';
import type { Graph } from '../../src/graph/types.ts';
import { verify } from '../../src/graph/verify.ts';
import { BLOCKS, type Block, type BlockName, HEADS, type HeadName } from './blocks.ts';
import { Draft } from './draft.ts';
import { Exporter } from './exporter.ts';
import type { TwinNode } from './twin-merge.ts';

/** How weights and inputs are drawn. */
export type Numbers =
  /** Uniform in [−1, 1), as float32. */
  | 'real'
  /** Quarters in [−1, 1]: sums are exact in float32 too, zeros and ties are real ones. */
  | 'quarters';

export interface MadeNetwork {
  /** Input 0 of a node is the clip, input i + 1 the result of node i; the last gives the logits. */
  readonly nodes: readonly TwinNode[];
  /** A clip's extents, without the batch. */
  readonly dims: readonly number[];
  readonly classes: number;
  /** A clip, by seed. */
  readonly clip: (seed: number) => number[];
}

/** Blocks of a chain: convolutions with what stands beside them, no branches. */
export const CHAIN: readonly BlockName[] = ['plain', 'swap'];

/** Blocks whose numbers stay exact where those of weights and inputs are quarters. */
const EXACT: readonly BlockName[] = [
  ...CHAIN,
  'residual',
  'dense',
  'inception',
  'shuffle',
  'twice',
  'pad',
  'upsample',
  'extreme',
];

const small = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max));

const block = (names: readonly BlockName[]): fc.Arbitrary<Block & { name: BlockName }> =>
  fc.record({
    name: fc.constantFrom(...names),
    channels: small(1, 4),
    kernel: pair(1, 3),
    strides: pair(1, 2),
    dilations: pair(1, 2),
    pads: fc.tuple(small(0, 2), small(0, 2), small(0, 2), small(0, 2)),
    grouped: fc.boolean(),
    bias: fc.boolean(),
    norm: fc.constantFrom('none', 'before', 'after'),
    active: fc.boolean(),
    pool: fc.constantFrom('none', 'pairs', 'max', 'average'),
    poolSize: pair(1, 3),
    poolStrides: pair(1, 3),
    poolPads: fc.tuple(small(0, 1), small(0, 1), small(0, 1), small(0, 1)),
    ceil: fc.boolean(),
    countIncludePad: fc.boolean(),
    variant: small(0, 5),
  });

/**
 * Networks of up to three blocks and two dense layers, in one or two dimensions.
 * @param names the blocks to draw from; those that quarters cannot go through are left out
 */
export function networks(numbers: Numbers, names: readonly BlockName[] = CHAIN): fc.Arbitrary<MadeNetwork> {
  const exact = numbers === 'quarters';
  const blocks = names.filter((name) => !exact || EXACT.includes(name));
  const heads: readonly HeadName[] = exact ? ['flatten', 'globalmax'] : (Object.keys(HEADS) as HeadName[]);
  return fc
    .record({
      seed: fc.integer({ min: 1, max: 1e6 }),
      channels: small(1, 2),
      spatial: fc.oneof(fc.tuple(small(5, 14)), pair(4, 7)),
      normFirst: fc.boolean(),
      blocks: fc.array(block(blocks), { minLength: names === CHAIN ? 0 : 1, maxLength: 3 }),
      head: fc.constantFrom(...heads),
      hidden: small(0, 4),
      hiddenNorm: fc.boolean(),
      dropout: fc.boolean(),
      bias: fc.boolean(),
      classes: small(2, 4),
      final: fc.constantFrom('none', 'none', 'Softmax', 'LogSoftmax', 'Sigmoid'),
    })
    .map((plan): MadeNetwork => {
      const dims = [plan.channels, ...plan.spatial];
      const draft = new Draft(dims, exact, random(plan.seed));
      let x = 0;
      if (plan.normFirst) x = draft.norm(x);
      for (const one of plan.blocks)
        x = draft.fitted(BLOCKS[one.name](draft, draft.fitted(x, 100), one), 100);
      x = HEADS[plan.head](draft, x);
      if (plan.dropout) x = draft.add({ kind: 'dropout' }, x);
      if (plan.hidden > 0) {
        x = draft.dense(x, plan.hidden, plan.dropout);
        if (plan.hiddenNorm) x = draft.norm(x);
        x = draft.activation(x);
      }
      x = draft.dense(x, plan.classes, plan.bias);
      if (plan.final !== 'none') draft.add({ kind: 'final', op: plan.final as 'Softmax' }, x);
      const clip = (seed: number) => draft.numbers(draft.size(0), random(seed));
      return { nodes: draft.nodes, dims, classes: plan.classes, clip };
    });
}

/** The network as exporters write it and the reader gives it; the batch is open. */
export function graphOf({ nodes, dims }: Pick<MadeNetwork, 'nodes' | 'dims'>): Graph {
  const g = new GraphBuilder();
  const values = [g.input('input', 'float32', ['N', ...dims])];
  const exporter = new Exporter(g);
  for (const node of nodes) values.push(exporter.emit(node, values));
  g.node({
    op: 'Identity',
    name: 'logits',
    inputs: [values[values.length - 1]],
    outputs: ['logits'],
    attributes: {},
  });
  g.output('logits');
  return verify(explicitWindows(g.build('made')));
}
