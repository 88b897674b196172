// One clip whose answer is known, and its relevance by two methods.

import type { Matrix } from '../../src/features/matrix.ts';
import { type ComparisonPicture, comparisonFigure } from '../../src/report/explanation.ts';
import type { Case } from './measure.ts';
import { KINDS } from './task.ts';

/** @param maps two methods by name, and the relevance that each gives, on the plane of the case */
export function pictureOf(
  { clip, input, frequencies, times }: Case,
  maps: readonly (readonly [method: string, relevance: Matrix])[],
) {
  const { label, duration, frequency } = KINDS[clip.label];
  const [first, second] = maps.map(([method, { rows, columns, data }]) => {
    // In parts of its own largest value: methods have units of their own.
    const most = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    const relevance = { rows, columns, data: data.map((r) => r / most) };
    return { title: method, relevance, silence: null, padding: null };
  });
  const ends = [clip.start, clip.start + duration].map((t) => `${t.toFixed(2)} s`);
  const relevances: ComparisonPicture['relevances'] = [first, second];
  return comparisonFigure({
    features: input,
    times,
    frequencies,
    featureLabel: 'log-mel (10 dB above the noise)',
    title: `“${label}”, planted from ${ends.join(' to ')} and ${[...new Set(frequency)].join(' to ')} Hz`,
    relevances,
  });
}
