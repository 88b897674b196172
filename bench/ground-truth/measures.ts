// How much of a relevance map lies in a known region: mass accuracy and rank accuracy.
import type { Signal } from '../../src/features/pad.ts';

/**
 * Relevance mass accuracy of what speaks for a class: Σ max(R, 0) in the region / Σ max(R, 0); null where none is positive.
 * @see Arras, Osman and Samek, CLEVR-XAI, Information Fusion 2022
 */
export function massAccuracy(relevance: Signal, region: Signal): number | null {
  let [inside, all] = [0, 0];
  for (const [i, r] of Array.from(relevance).entries()) {
    const positive = Math.max(r, 0);
    all += positive;
    inside += positive * region[i];
  }
  return all > 0 ? inside / all : null;
}

/** Relevance rank accuracy: of the K cells of most relevance, K the cells of the region, the share that lies in it. */
export function rankAccuracy(relevance: Signal, region: Signal): number {
  const size = Array.from(region).filter((v) => v > 0).length;
  const order = Array.from(relevance.keys()).sort((a, b) => relevance[b] - relevance[a]);
  return order.slice(0, size).filter((i) => region[i] > 0).length / size;
}
