// The lines that a run's analysis comes to: bands that hold most, what differs, and what cannot be told.
import { expect, it } from 'vitest';
import type { Cells, ClipExplanation } from '../analysis/explained.ts';
import { analyse } from '../analysis/summary.ts';
import { defaultFeatures } from '../features/settings.ts';
import { describeFindings } from './findings.ts';

// Rows centred at 459, 1219 and 2478 Hz: the bands 0–600, 600–1300 and 1300–4000 Hz. 3 frames.
const features = { ...defaultFeatures('logmel', 8000, 0.02), nMels: 3, htk: true };
const cells = (row: number): Cells => {
  const data = new Float64Array(9);
  data[3 * row] = 1;
  return { rows: 3, columns: 3, data };
};
const clip = (i: number, predicted: string, row: number): ClipExplanation => ({
  path: `${i}.wav`,
  label: 'yes',
  speaker: null,
  predicted,
  probability: 0.5,
  relevance: cells(row),
  features: cells(0),
  paddedFrames: [false, false, false],
});
const lines = (clips: ClipExplanation[]) =>
  describeFindings(analyse(clips, { features, labels: ['yes', 'no'] }));
const many = (n: number, predicted: string, row: number) =>
  Array.from({ length: n }, (_, i) => clip(10 * i + row, predicted, row));

it('tells where relevance lies, and where else in misclassified clips', () => {
  const [bands, differences] = lines([...many(30, 'yes', 0), ...many(10, 'no', 2)]);
  expect(bands).toBe('most |relevance|: 0–600 Hz (75 %), 1.3k–4k Hz (25 %), 600–1.3k Hz (0 %)');
  expect(differences).toBe(
    '10 misclassified beside 30 recognised recordings: +100.0 points on silence (p < 0.001), ' +
      '−100.0 points at 0–600 Hz (p < 0.001), +100.0 points at 1.3k–4k Hz (p < 0.001) of |relevance|',
  );
});

it('tells that nothing differs', () => {
  expect(lines([...many(30, 'yes', 0), ...many(10, 'no', 0)])[1]).toBe(
    '10 misclassified beside 30 recognised recordings: relevance lies alike (5 shares compared, none differs at p < 0.05)',
  );
});

it('tells why nothing is compared', () => {
  expect(lines([...many(30, 'yes', 0), ...many(2, 'no', 0)])[1]).toMatch(
    /Statistics take at least 5 of each/,
  );
  expect(lines(many(3, 'yes', 0))[1]).toBe('No clip was misclassified: there is nothing to compare.');
});
