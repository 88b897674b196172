// What the analysis of a test part comes to, in a few lines of text.
import type { ShareDifference } from '../analysis/comparison.ts';
import type { Analysis } from '../analysis/summary.ts';
import { formatHertz, formatPercent } from './ticks.ts';

/** What is told of: bands that hold most, and differences that chance seldom makes (p after Holm). */
const MOST_BANDS = 3;
const LEVEL = 0.05;

/** Where the relevance lies, and where it lies otherwise in misclassified clips, a fact to a line. */
export function describeFindings({ all, bands, comparison }: Analysis): string[] {
  const { correct, misclassified, differences, note } = comparison;
  return [
    ...describeBands(all.bands, bands),
    ...(differences && misclassified
      ? [describeDifferences(differences, correct.n, misclassified.n)]
      : [note]),
  ];
}

function describeBands(shares: readonly number[] | null, bands: Analysis['bands']): string[] {
  if (!shares || !bands) return [];
  const most = shares
    .map((share, i) => ({ share, text: `${inHertz(bands[i]!)} (${formatPercent(share)})` }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MOST_BANDS);
  return [`most |relevance|: ${most.map(({ text }) => text).join(', ')}`];
}

function describeDifferences(differences: readonly ShareDifference[], right: number, wrong: number): string {
  const told = differences.filter(({ pHolm }) => pHolm < LEVEL);
  const compared = `${wrong} misclassified beside ${right} recognised recordings`;
  if (told.length === 0) {
    return `${compared}: relevance lies alike (${differences.length} shares compared, none differs at p < ${LEVEL})`;
  }
  const list = told.map(({ share, low, high, difference, pHolm }) => {
    const where = low === null || high === null ? `on ${share}` : `at ${inHertz({ low, high })}`;
    const points = `${difference < 0 ? '−' : '+'}${(100 * Math.abs(difference)).toFixed(1)} points`;
    return `${points} ${where} (p ${pHolm < 0.001 ? '< 0.001' : `= ${pHolm.toFixed(3)}`})`;
  });
  return `${compared}: ${list.join(', ')} of |relevance|`;
}

const inHertz = ({ low, high }: { readonly low: number; readonly high: number }) =>
  `${formatHertz(low)}–${formatHertz(high)} Hz`;
