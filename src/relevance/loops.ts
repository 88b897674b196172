// Methods as loops over a compiled gradient graph: integrated gradients, SmoothGrad, occlusion.
import { random } from '../corpus/random.ts';
import type { LoopName } from './loop-methods.ts';

/** One clip, and how a loop may look at others like it; all data is row-major. */
export interface LoopClip {
  readonly x: Float32Array;
  /** Extents without the batch. */
  readonly extents: readonly number[];
  /** ∂f/∂x of each of `clips`, one after the other in one array, as is the result. */
  readonly gradients: (clips: Float32Array) => Promise<Float32Array>;
  /** f of each of `clips`: the logit that is explained, or the difference of two. */
  readonly values: (clips: Float32Array) => Promise<Float64Array>;
  /** Clips that are run at once. */
  readonly batch: number;
}

type Parameters = Readonly<Record<string, number>>;
type Run = (clip: LoopClip, parameters: Parameters) => Promise<Float32Array>;

export const RUN_LOOP: { readonly [K in LoopName]: Run } = {
  'integrated-gradients': integratedGradients,
  smoothgrad: smoothGrad,
  occlusion,
};

/**
 * (x − b) ⊙ ∫₀¹ ∂f/∂x(b + α(x − b)) dα by the Gauss–Legendre rule; its sum comes to f(x) − f(b).
 * @see Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017
 */
async function integratedGradients(
  { x, gradients, batch }: LoopClip,
  { steps, baseline }: Parameters,
): Promise<Float32Array> {
  const rule = gaussLegendre(steps);
  const sum = new Float64Array(x.length);
  for (let from = 0; from < steps; from += batch) {
    const points = rule.slice(from, from + batch);
    const clips = stacked(points.length, x.length, (k, i) => baseline + points[k].at * (x[i] - baseline));
    const slopes = await gradients(clips);
    slopes.forEach((slope, i) => {
      sum[i % x.length] += points[Math.floor(i / x.length)].weight * slope;
    });
  }
  return Float32Array.from(sum, (slope, i) => slope * (x[i] - baseline));
}

/** Points and weights of the Gauss–Legendre rule on [0, 1], by Newton's method on the Legendre polynomial. */
export function gaussLegendre(count: number): { at: number; weight: number }[] {
  return Array.from({ length: count }, (_, i) => {
    let z = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5));
    let slope = 0;
    for (let step = 0; step < 100; step++) {
      let [p, before] = [1, 0];
      for (let n = 1; n <= count; n++) [p, before] = [((2 * n - 1) * z * p - (n - 1) * before) / n, p];
      slope = (count * (z * p - before)) / (z * z - 1);
      const move = p / slope;
      z -= move;
      if (Math.abs(move) < 1e-15) break;
    }
    return { at: (1 - z) / 2, weight: 1 / ((1 - z * z) * slope * slope) };
  });
}

/**
 * The mean of ∂f/∂x over clips with normal noise; its standard deviation is `noise` times the clip's range.
 * @see Smilkov et al., SmoothGrad: removing noise by adding noise, 2017
 */
async function smoothGrad(
  { x, gradients, batch }: LoopClip,
  { samples, noise, seed }: Parameters,
): Promise<Float32Array> {
  const normal = normals(seed);
  const deviation = noise * (x.reduce((a, b) => Math.max(a, b)) - x.reduce((a, b) => Math.min(a, b)));
  const sum = new Float64Array(x.length);
  for (let from = 0; from < samples; from += batch) {
    const count = Math.min(batch, samples - from);
    const slopes = await gradients(stacked(count, x.length, (_, i) => x[i] + deviation * normal()));
    slopes.forEach((slope, i) => {
      sum[i % x.length] += slope;
    });
  }
  return Float32Array.from(sum, (slope) => slope / samples);
}

/** Normal numbers (Box and Muller 1958). */
function normals(seed: number): () => number {
  const next = random(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/**
 * How much f falls when a tile of the last two axes is set to the baseline, spread evenly over the tile; the mean over the
 * tiles that cover an element.
 * @see Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014
 */
async function occlusion(
  { x, extents, values, batch }: LoopClip,
  { rows, columns, baseline }: Parameters,
): Promise<Float32Array> {
  const [height, width] = [extents.length > 1 ? (extents.at(-2) as number) : 1, extents.at(-1) as number];
  const tile = [rows ?? Math.ceil(height / 8), columns ?? Math.ceil(width / 8)];
  const corners = starts(height, tile[0]).flatMap((r) => starts(width, tile[1]).map((c) => [r, c]));
  const covers = ([r, c]: readonly number[], i: number) => {
    const [row, column] = [Math.floor(i / width) % height, i % width];
    return row >= r && row < r + tile[0] && column >= c && column < c + tile[1];
  };
  const [whole] = await values(x);
  const sum = new Float64Array(x.length);
  const count = new Float64Array(x.length);
  for (let from = 0; from < corners.length; from += batch) {
    const part = corners.slice(from, from + batch);
    const left = await values(
      stacked(part.length, x.length, (k, i) => (covers(part[k], i) ? baseline : x[i])),
    );
    part.forEach((corner, k) => {
      const covered = [...x.keys()].filter((i) => covers(corner, i));
      for (const i of covered) {
        sum[i] += (whole - left[k]) / covered.length;
        count[i]++;
      }
    });
  }
  return Float32Array.from(sum, (fall, i) => fall / count[i]);
}

/** Where tiles begin along an axis: half a tile apart, the last one at the end. */
function starts(size: number, tile: number): number[] {
  const last = Math.max(size - tile, 0);
  const step = Math.max(1, Math.floor(tile / 2));
  const regular = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  return regular.at(-1) === last ? regular : [...regular, last];
}

function stacked(count: number, size: number, value: (k: number, i: number) => number): Float32Array {
  return Float32Array.from({ length: count * size }, (_, at) => value(Math.floor(at / size), at % size));
}
