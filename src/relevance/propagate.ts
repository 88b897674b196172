// One rule on one linear layer: R_in = Σ pools c · Σ terms xₜ ⊙ fᵀ(R_out / s(z); Wₜ), and what was absorbed on the way.
import type { GraphBuilder } from '../graph/builder.ts';
import { scalar } from '../graph/types.ts';
import type { Facts } from './facts.ts';
import type { Absorbed } from './ledger.ts';
import type { Linear } from './linear.ts';
import { Parts, type Sign, type Term, type Unpooled } from './parts.ts';
import { type Pool, poolsOf, type Rule } from './rules.ts';

/** What arrives at a layer. */
export interface Arriving {
  /** The layer's own output Σ f(x; W) + b. */
  readonly z: string;
  /** Its relevance. */
  readonly r: string;
  /** Where a MaxPool alone reads z: a quotient by z itself is the same, and cheaper, before it is spread. */
  readonly unpooled?: Unpooled | undefined;
}

/**
 * @param absorbed where the shares for the ledger go; undefined if none is kept
 * @returns the relevance of each operand; undefined where none arrives
 */
export function propagate(
  g: GraphBuilder,
  layer: Linear,
  arriving: Arriving,
  rule: Rule,
  facts: Facts,
  absorbed: Absorbed | undefined,
): (string | undefined)[] {
  const parts = new Parts(g, layer, rule, facts);
  const gated = facts.gated(arriving.z);
  const pools = poolsOf(rule);
  const shares = layer.operands.map((): string[] => []);
  for (const pool of pools) {
    // Where a ReLU lies above, there is no relevance at z < 0.
    if (gated && pool.where === 'z<0') continue;
    const terms = parts.termsOf(pool);
    const bias = rule.bias === 'ignore' ? undefined : parts.bias(pool.bias);
    if (terms.length === 0 && !bias) continue;
    const total = parts.totalOf(pool);
    const here = total ? { z: arriving.z, r: summed(total, arriving) } : arriving;
    const { ratio, pooled, share, lost } = quotient(g, parts, pool, terms, bias, here, rule, gated);
    if (absorbed) {
      // A map is as large as the layer's output.
      const spread = pooled && layer.bias?.fused === false ? pooled.unpool(ratio) : ratio;
      if (bias) absorbed.bias.push(g.mul(spread, parts.biasField(bias)));
      absorbed.stabilizer.push(...share());
      absorbed.dropped.push(...lost());
    }
    for (const term of terms) shares[term.operand].push(term.back(ratio, pooled));
  }
  if (absorbed && !gated && pools.some((pool) => pool.where)) {
    absorbed.dropped.push(g.where(g.emit('Equal', [arriving.z, 0]), arriving.r, 0));
  }
  return shares.map((own) => (own.length ? own.reduce((sum, share) => g.add(sum, share)) : undefined));
}

/** Relevance summed over outputs that a pool treats alike, before max pooling spreads it where that is less. */
function summed(total: (r: string) => string, { z, r, unpooled }: Arriving): string {
  const places = unpooled?.from === z ? unpooled.places(unpooled.r) : undefined;
  return places && unpooled ? unpooled.join(places.map(total)) : total(r);
}

interface Quotient {
  /** c · R / s(z), of the shape of the layer's output, or of what was pooled from it. */
  readonly ratio: string;
  /** How a ratio of what was pooled gets back to the layer's output. */
  readonly pooled: Unpooled | undefined;
  /** c · R · (s(z) − z) / s(z): what the stabilizer took. */
  readonly share: () => string[];
  /** c · R where z = 0 and nothing stabilizes it. */
  readonly lost: () => string[];
}

function quotient(
  g: GraphBuilder,
  parts: Parts,
  pool: Pool,
  terms: readonly Term[],
  bias: string | undefined,
  { z, r, unpooled }: Arriving,
  rule: Rule,
  gated: boolean,
): Quotient {
  const denominator = parts.sum(pool, terms, bias, z);
  const own = denominator === z;
  const pooled = own && unpooled?.from === z ? unpooled : undefined;
  const from = pooled ?? { z: denominator, r };
  const gatedHere = pool.where && !gated ? gate(g, pool.where, z, r) : from.r;
  // A pool for z > 0 that holds all of z has its sign there. It is z with its bias that decides, as in zennit, so that
  // a pool from which the bias is left out may have any sign.
  const complete = bias !== undefined || !parts.hasBias;
  const oneSided = (pool.where !== undefined && complete) || (gated && own);
  // Without a stabilizer (LRP-0) what is cut off would be 0/0.
  const clamp = oneSided && rule.stabilizer > 0;
  const sign: Sign = clamp ? (pool.where === 'z<0' ? '-' : '+') : parts.sign(pool, terms, bias);
  const epsilon = rule.relative ? g.mul(rootMeanSquare(g, denominator), rule.stabilizer) : rule.stabilizer;
  const stable = stabilize(g, from.z, epsilon, sign, clamp);
  const part = pool.coefficient === 1 ? gatedHere : g.mul(gatedHere, pool.coefficient);
  const ratio = g.div(part, stable.value);
  return {
    ratio,
    pooled,
    share: () => stable.share(ratio),
    lost: () => (stable.isZero ? [g.where(stable.isZero, part, 0)] : []),
  };
}

function gate(g: GraphBuilder, where: 'z>0' | 'z<0', z: string, r: string): string {
  return g.where(g.emit(where === 'z>0' ? 'Greater' : 'Less', [z, 0]), r, 0);
}

/** √(mean z²) over all but the batch. */
function rootMeanSquare(g: GraphBuilder, z: string): string {
  const axes = [...g.shape(z).keys()].slice(1);
  return g.emit('Sqrt', [g.reduceMean(g.mul(z, z), axes)]);
}

interface Stable {
  readonly value: string;
  /** The share of a ratio R/s(z) that the stabilizer takes: R·(s(z) − z)/s(z). */
  readonly share: (ratio: string) => string[];
  /** Where s(z) = 0, and so no relevance goes on. */
  readonly isZero?: string;
}

/**
 * s(z) = z + sg(z)·ε with sg(0) = 1. With the sign known it is one addition; `clamp` removes the wrong sign where only
 * relevance of 0 arrives. Where ε may be 0, so may s(z): R/∞ = 0 stands there for R/0.
 */
function stabilize(g: GraphBuilder, z: string, epsilon: number | string, sign: Sign, clamp: boolean): Stable {
  if (epsilon === 0) {
    const isZero = g.emit('Equal', [z, 0]);
    return { value: g.where(isZero, scalar(Number.POSITIVE_INFINITY), z), share: () => [], isZero };
  }
  if (sign === '?') {
    const [below, above] = typeof epsilon === 'number' ? [-epsilon, epsilon] : [g.neg(epsilon), epsilon];
    const step = g.where(g.emit('Less', [z, 0]), below, above);
    return guarded(g.add(z, step), (ratio) => g.mul(ratio, step));
  }
  const kept = clamp ? (sign === '+' ? g.relu(z) : g.emit('Min', [z, 0])) : z;
  return sign === '+'
    ? guarded(g.add(kept, epsilon), (ratio) => g.mul(ratio, epsilon))
    : guarded(g.sub(kept, epsilon), (ratio) => g.neg(g.mul(ratio, epsilon)));

  function guarded(value: string, share: (ratio: string) => string): Stable {
    if (typeof epsilon === 'number') return { value, share: (ratio) => [share(ratio)] };
    const isZero = g.emit('Equal', [value, 0]);
    const safe = g.where(isZero, scalar(Number.POSITIVE_INFINITY), value);
    return { value: safe, share: (ratio) => [share(ratio)], isZero };
  }
}
