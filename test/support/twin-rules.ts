// The rules of the slow twin, entry by entry of a layer's matrix, as the papers and lrp-rules.md write them.
import { exactly, type Rounding, total } from './rounding.ts';
import type { Row } from './twin-forms.ts';

/** A rule with its parameters; `relative` scales the stabilizer by the root of the mean of z². */
export interface TwinRule {
  readonly name: 'epsilon' | 'zplus' | 'alpha-beta' | 'gamma' | 'zbox' | 'wsquare' | 'flat' | 'pass';
  readonly stabilizer: number;
  readonly relative?: boolean;
  readonly bias?: 'absorb' | 'ignore';
  readonly alpha?: number;
  readonly beta?: number;
  readonly gamma?: number;
  readonly low?: number;
  readonly high?: number;
}

/** What one layer did with relevance: what came, what went on, and what took the rest. */
export interface TwinEntry {
  readonly out: number;
  readonly in: number;
  readonly bias: number;
  readonly stabilizer: number;
  readonly dropped: number;
  readonly padding: number;
  /** Σ |R| of what came. */
  readonly magnitude: number;
  /** Σ |R| of what went on, each input's sum. */
  readonly passed: number;
}

/** c · Σ_k share_ki · R_k / s(z_k), with z_k = Σ_i share_ki + bias_k, over the outputs that take part. */
interface Pool {
  readonly coefficient: number;
  /** The terms that a share is the sum of, each a product of its own. */
  readonly share: (w: number, x: number) => readonly number[];
  readonly bias: (b: number) => number;
  readonly takesPart: (z: number) => boolean;
}

const plus = (v: number) => Math.max(v, 0);
const minus = (v: number) => Math.min(v, 0);
const always = () => true;
const none = () => 0;
const positive = (w: number, x: number) => [plus(x) * plus(w) + minus(x) * minus(w)];
const negative = (w: number, x: number) => [plus(x) * minus(w) + minus(x) * plus(w)];

function poolsOf(rule: TwinRule): Pool[] {
  const { alpha = 2, beta = 1, gamma: g = 0.25, low = 0, high = 1 } = rule;
  const one = (share: Pool['share'], bias: Pool['bias']): Pool[] => [
    { coefficient: 1, share, bias, takesPart: always },
  ];
  switch (rule.name) {
    case 'epsilon':
      return one(
        (w, x) => [w * x],
        (b) => b,
      );
    case 'zplus':
      return one(positive, plus);
    case 'alpha-beta':
      return [
        { coefficient: alpha, share: positive, bias: plus, takesPart: always },
        { coefficient: -beta, share: negative, bias: minus, takesPart: always },
      ];
    case 'gamma':
      return [
        {
          coefficient: 1,
          share: (w, x) => [plus(x) * (w + g * plus(w)) + minus(x) * (w + g * minus(w))],
          bias: (b) => b + g * plus(b),
          takesPart: (z) => z > 0,
        },
        {
          coefficient: 1,
          share: (w, x) => [plus(x) * (w + g * minus(w)) + minus(x) * (w + g * plus(w))],
          bias: (b) => b + g * minus(b),
          takesPart: (z) => z < 0,
        },
      ];
    case 'zbox':
      return one((w, x) => [w * x, -plus(w) * low, -minus(w) * high], none);
    case 'wsquare':
      return one(
        (w) => [w * w],
        (b) => b * b,
      );
    case 'flat':
      return one(() => [1], none);
    case 'pass':
      throw new Error('pass has no pools');
  }
}

/** A linear layer, one vector of its inputs and what it gave; z has the bias in it. */
interface Linear {
  readonly rows: readonly Row[];
  readonly bias: readonly number[];
  readonly x: readonly number[];
  readonly z: readonly number[];
}

/** One rule on one layer. */
export function handedOn(
  rule: TwinRule,
  { rows, bias, x, z }: Linear,
  relevance: readonly number[],
  round: Rounding,
): { relevance: number[]; entry: TwinEntry } {
  const out = total(relevance, exactly);
  const magnitude = total(relevance.map(Math.abs), exactly);
  const entry = {
    out,
    in: out,
    bias: 0,
    stabilizer: 0,
    dropped: 0,
    padding: 0,
    magnitude,
    passed: magnitude,
  };
  if (rule.name === 'pass') return { relevance: [...relevance], entry };
  const given: number[][] = x.map(() => []);
  const pools = poolsOf(rule);
  z.forEach((v, k) => {
    if (!pools.some((pool) => pool.takesPart(v))) entry.dropped += relevance[k];
  });
  for (const pool of pools) {
    const shares = rows.map((row) =>
      row.flatMap(({ from, weight }) =>
        pool.share(round(weight), x[from]).map((term) => ({ from, term: round(term) })),
      ),
    );
    const own = bias.map((b) => (rule.bias === 'ignore' ? 0 : round(pool.bias(round(b)))));
    const sums = shares.map((row, k) => total([...row.map(({ term }) => term), own[k]], round));
    const square = total(
      sums.map((v) => round(v * v)),
      round,
    );
    const epsilon = round(
      rule.stabilizer * (rule.relative ? round(Math.sqrt(round(square / sums.length))) : 1),
    );
    sums.forEach((sum, k) => {
      if (!pool.takesPart(z[k])) return;
      const stable = round(sum + (sum < 0 ? -epsilon : epsilon));
      const asked = round(pool.coefficient * relevance[k]);
      if (stable === 0) {
        entry.dropped += asked;
        return;
      }
      const ratio = round(asked / stable);
      for (const { from, term } of shares[k]) given[from].push(round(term * ratio));
      entry.bias += own[k] * ratio;
      entry.stabilizer += (stable - sum) * ratio;
    });
  }
  const handed = given.map((terms) => total(terms, round));
  entry.in = total(handed, exactly);
  entry.passed = total(handed.map(Math.abs), exactly);
  return { relevance: handed, entry };
}
