// Where relevance lies in correctly classified against misclassified clips, with statistics where there are enough.
import type { Band } from './bands.ts';
import type { Shares } from './shares.ts';
import { compareMeans, type Difference, meansOf, PERMUTATIONS, RESAMPLES } from './statistics.ts';

/** Groups of fewer clips are not summed up against each other. */
export const MINIMUM_GROUP = 5;

/** Mean shares (0 to 1) of |relevance| over the clips of a group that have relevance. */
export interface GroupShares {
  /** How many those are. */
  readonly n: number;
  /** One for each band, adding up to 1; null where frequencies are not known, and where nothing is summed up. */
  readonly bands: readonly number[] | null;
  /** null where 0 does not stand for silence, and where nothing is summed up. */
  readonly silence: number | null;
  /** null where nothing is summed up. */
  readonly padding: number | null;
}

export interface Comparison {
  readonly correct: GroupShares;
  /** null where no clip was misclassified; only `n` is given where it is below 5. */
  readonly misclassified: GroupShares | null;
  /** Misclassified minus correct, a row for each share; null where a group has fewer than 5 clips. */
  readonly differences: readonly ShareDifference[] | null;
  /** What was tested, or why nothing was. */
  readonly note: string;
}

export interface ShareDifference extends Difference {
  readonly share: 'band' | 'silence' | 'padding';
  /** Hz; null but for bands. */
  readonly low: number | null;
  /** Hz; null but for bands. */
  readonly high: number | null;
}

/** Means over the clips that have relevance. @param byBand whether that is known by band */
export function groupShares(shares: readonly Shares[], byBand: boolean): GroupShares {
  const rows = shares.filter(hasRelevance(byBand));
  const [first] = rows;
  if (!first) return { n: 0, bands: null, silence: null, padding: null };
  const means = meansOf(rows.map(valuesOf));
  return {
    n: rows.length,
    bands: first.absolute && means.slice(-first.absolute.length),
    silence: first.silence === null ? null : means[1]!,
    padding: means[0]!,
  };
}

/** @param bands null where frequencies are not known: padding alone is compared */
export function compareGroups(
  correct: readonly Shares[],
  misclassified: readonly Shares[],
  bands: readonly Band[] | null,
  seed: number,
): Comparison {
  const byBand = bands !== null;
  const usable = (group: readonly Shares[]) => group.filter(hasRelevance(byBand));
  const [right, wrong] = [usable(correct), usable(misclassified)];
  const few = tooFew(right.length, wrong.length, misclassified.length);
  const unsummed: GroupShares = { n: wrong.length, bands: null, silence: null, padding: null };
  const summed = wrong.length < MINIMUM_GROUP ? unsummed : groupShares(wrong, byBand);
  const groups = {
    correct: groupShares(right, byBand),
    misclassified: misclassified.length === 0 ? null : summed,
  };
  if (few !== null) return { ...groups, differences: null, note: few };
  const names = [
    { share: 'padding' as const, low: null, high: null },
    ...(right[0]!.silence === null ? [] : [{ share: 'silence' as const, low: null, high: null }]),
    ...(bands ?? []).map(({ low, high }) => ({ share: 'band' as const, low, high })),
  ];
  const compared = compareMeans(right.map(valuesOf), wrong.map(valuesOf), seed);
  const note =
    `Differences of means, misclassified minus correct, with a two-sided permutation test (${PERMUTATIONS} regroupings), ` +
    `p also adjusted for ${names.length} comparisons (Holm), and a 95 % bootstrap interval (${RESAMPLES} resamplings). ` +
    'Clips count as independent; that classes and speakers differ is not taken out.';
  return { ...groups, differences: names.map((name, k) => ({ ...name, ...compared[k]! })), note };
}

/** Why no statistics are given; null where they are. */
function tooFew(correct: number, misclassified: number, errors: number): string | null {
  if (errors === 0) return 'No clip was misclassified: there is nothing to compare.';
  if (Math.min(correct, misclassified) >= MINIMUM_GROUP) return null;
  return (
    `Clips with relevance: ${misclassified} misclassified, ${correct} correct. Statistics take at least ` +
    `${MINIMUM_GROUP} of each, so none are given.`
  );
}

const hasRelevance = (byBand: boolean) => (shares: Shares) =>
  (byBand ? shares.absolute : shares.padding) !== null;

/** Padding, then, where they are known, silence and the bands. */
function valuesOf({ padding, silence, absolute }: Shares): number[] {
  return [padding!, ...(silence === null ? [] : [silence]), ...(absolute ?? [])];
}
