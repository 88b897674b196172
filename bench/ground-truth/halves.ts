// Why z⁺ on samples leans towards their power: its relevance as the sum of what filters tell apart and of mere size.
import type { Matrix } from '../../src/features/matrix.ts';
import type { Graph, NodeOf } from '../../src/graph/types.ts';
import { spectrumOf } from '../../src/hertz/spectrum.ts';
import { Explainer } from '../../src/relevance/explainer.ts';
import { parseMethod } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { batchTensor } from '../../src/training/loop.ts';
import { type Case, type Score, scoreOf } from './measure.ts';
import type { Subject } from './subjects.ts';

/** One part of the relevance of z⁺. */
export interface Half {
  readonly name: string;
  /** Its sum in parts of that of the samples' relevance; null of what is not a part of it. */
  readonly share: number | null;
  readonly score: Score;
}

/**
 * With q = R/z⁺ of the first layer's outputs, z⁺ hands on x⁺ ⊙ fᵀ(q; W⁺) + x⁻ ⊙ fᵀ(q; W⁻), which is
 * ½ x ⊙ fᵀ(q; W) + ½ |x| ⊙ fᵀ(q; |W|). The second half knows a sample's size, not what it adds up to with others. For
 * comparison the power under the same weights, x² fᵀ(q; |W|).
 */
export async function halvesOf(
  { settings, input }: Subject,
  graph: Graph,
  cases: readonly Case[],
): Promise<Half[]> {
  const { data, dims } = batchTensor(
    cases.map((c) => c.input),
    input,
  );
  const explainer = await Explainer.open(nodeRuntime, graph, { method: parseMethod('zplus'), layers: true });
  const { layers = [] } = await explainer.explain(
    data as Float32Array,
    dims,
    cases.map(({ clip }) => clip.label),
  );
  await explainer.release();
  const [{ data: R, dims: shape }] = layers;
  const size = shape[1] * shape[2];
  const weighed = cases.map(({ input: x }, i) =>
    throughFilters(explainer.explanation.graph, x.data, R.subarray(i * size, (i + 1) * size)),
  );
  const part = (name: string, perUnit: (x: number, filtered: Filtered, n: number) => number) => {
    let total = 0;
    const maps = cases.map(({ clip, input: x }, i) => {
      const rho: Matrix = { ...x, data: x.data.map((v, n) => perUnit(v, weighed[i], n)) };
      const relevance: Matrix = { ...x, data: x.data.map((v, n) => v * rho.data[n]) };
      total += relevance.data.reduce((a, b) => a + b, 0);
      return spectrumOf({ samples: clip.samples, input: x, relevance, perUnit: rho }, settings).relevance;
    });
    return { name, total, score: scoreOf(maps, cases) };
  };
  const signed = part('½ x ⊙ fᵀ(q; W): filters', (_, { byW }, n) => byW[n] / 2);
  const sized = part(
    '½ \\|x\\| ⊙ fᵀ(q; \\|W\\|): sizes',
    (x, { byAmount }, n) => (Math.sign(x) * byAmount[n]) / 2,
  );
  const power = part('*x² fᵀ(q; \\|W\\|): power*', (x, { byAmount }, n) => x * byAmount[n]);
  const all = signed.total + sized.total;
  return [
    { ...signed, share: signed.total / all },
    { ...sized, share: sized.total / all },
    { ...power, share: null },
  ];
}

interface Filtered {
  /** fᵀ(q; W) [samples] */
  readonly byW: Float64Array;
  /** fᵀ(q; |W|) [samples] */
  readonly byAmount: Float64Array;
}

/** @param R relevance of the first convolution's outputs [channels, positions] */
function throughFilters(graph: Graph, x: Float64Array, R: Float32Array): Filtered {
  const { inputs, attributes } = graph.nodes.find(({ op }) => op === 'Conv') as NodeOf<'Conv'>;
  const [W, b] = [inputs[1], inputs[2]].map((name) => graph.constants.get(name as string)!);
  const [channels, , taps] = W.dims;
  const [[stride], [begin]] = [attributes.strides ?? [1], attributes.pads ?? [0]];
  const positions = R.length / channels;
  const [byW, byAmount] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (const [at, r] of R.entries()) {
    if (r === 0) continue;
    const channel = Math.floor(at / positions);
    const from = (at % positions) * stride - begin;
    const w = W.data.subarray(channel * taps, (channel + 1) * taps) as Float64Array;
    const z = w.reduce(
      (sum, v, k) => sum + Math.max(0, v * (x[from + k] ?? 0)),
      Math.max(0, Number(b.data[channel])),
    );
    for (const [k, v] of w.entries()) {
      byW[from + k] += (r / z) * v; // beyond the ends nothing is kept
      byAmount[from + k] += (r / z) * Math.abs(v);
    }
  }
  return { byW, byAmount };
}
