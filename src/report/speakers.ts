// How well each speaker is understood.
import { EarmarkError } from '../errors.ts';
import { type Accuracy, type AccuracyRow, accuraciesSvg, describeAccuracy } from './accuracy.ts';
import { type Figure, sheet } from './svg.ts';
import { formatPercent } from './ticks.ts';

export interface SpeakersData {
  readonly speakers: readonly AccuracyRow[];
  readonly all: Accuracy;
}

/** More rows than these do not fit a page. */
const MOST = 60;

/**
 * The accuracy of each speaker with its interval, the least understood first; of more than 60 speakers, those.
 *
 * @param bySpeaker the rate of each speaker by name
 * @param all the rate over all clips
 * @throws EarmarkError where there is no speaker
 */
export function speakersFigure(
  bySpeaker: Readonly<Record<string, Accuracy>>,
  all: Accuracy,
  title = 'Accuracy by speaker',
): Figure<SpeakersData> {
  const speakers = Object.entries(bySpeaker)
    .map(([name, rate]) => ({ ...rate, name }))
    .sort((a, b) => a.accuracy - b.accuracy);
  if (speakers.length === 0) {
    throw new EarmarkError({ what: 'accuracy by speaker', expected: 'one speaker or more', got: 'none' });
  }
  const accuracies = speakers.map(({ accuracy }) => accuracy);
  const table = accuraciesSvg({
    rows: speakers.slice(0, MOST),
    together: { ...all, name: 'all' },
    line: { at: all.accuracy, low: all.accuracy, high: all.accuracy },
  });
  const subtitle = [
    `all: ${describeAccuracy(all)}`,
    speakers.length === 1
      ? '1 speaker'
      : `${speakers.length} speakers, from ${formatPercent(accuracies[0]!)} to ${formatPercent(accuracies.at(-1)!)}`,
    ...(speakers.length > MOST ? [`the ${MOST} least understood are shown`] : []),
  ];
  return { ...sheet({ title, subtitle }, table), data: { speakers, all } };
}
