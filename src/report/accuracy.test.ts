// Snapshots and errors: figures of how right and how sure a model is, by speaker, by fold and by confidence.
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import type { Accuracy } from './accuracy.ts';
import { describeSpread, foldsFigure } from './folds.ts';
import { reliabilityFigure } from './reliability.ts';
import { speakersFigure } from './speakers.ts';

const lines = (svg: string) => svg.replaceAll('><', '>\n<');
const rate = (correct: number, clips: number): Accuracy => ({
  accuracy: correct / clips,
  clips,
  correct,
  interval: { low: Math.max(0, correct / clips - 0.1), high: Math.min(1, correct / clips + 0.1) },
});

test('accuracy by speaker, the least understood first', () => {
  const all = rate(145, 150);
  const { svg, data } = speakersFigure({ ann: rate(50, 50), '<bob>': rate(45, 50), eve: rate(49, 50) }, all);
  expect(lines(svg)).toMatchSnapshot();
  expect(data.speakers.map(({ name }) => name)).toEqual(['<bob>', 'eve', 'ann']);
  expect(data.all).toEqual(all);
  expect(() => speakersFigure({}, all)).toThrow(EarmarkError);
});

test('of many speakers the 60 least understood are drawn, and all are in the data', () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, rate(i, 300)]));
  const { svg, data, height } = speakersFigure(many, rate(44_850, 90_000));
  expect(data.speakers).toHaveLength(300);
  expect(svg).toContain('the 60 least understood are shown');
  expect(svg.match(/<circle/g)).toHaveLength(61);
  expect(svg).toContain('>p59<');
  expect(svg).not.toContain('>p60<');
  expect(height).toBeLessThan(1000);
});

test('accuracy by fold, mean and standard deviation', () => {
  const folds = [
    { ...rate(48, 50), name: 'fold 1' },
    { ...rate(44, 50), name: 'fold 2' },
  ];
  const data = { folds, mean: 0.92, sd: 0.0566, pooled: rate(92, 100) };
  const figure = foldsFigure(data);
  expect(lines(figure.svg)).toMatchSnapshot();
  expect(figure.data).toEqual(data);
  expect(figure.svg).toContain('92.0 ± 5.7 % (mean and standard deviation of 2 folds)');
});

test('one fold has no spread; a band that leaves 0 to 1 is cut', () => {
  const folds = [{ ...rate(9, 10), name: 'ann' }];
  expect(foldsFigure({ folds, mean: 0.9, sd: null, pooled: rate(9, 10) }).svg).toContain('one fold: 90.0 %');
  const wide = foldsFigure({ folds, mean: 0.5, sd: 0.7, pooled: rate(5, 10) }).svg;
  expect(wide).toContain('<rect x="0" y="0" width="360"');
  expect(wide).not.toContain('NaN');
  expect(() => foldsFigure({ folds: [], mean: 0, sd: null, pooled: rate(0, 1) })).toThrow(EarmarkError);
});

test('spreads are written with the digits that tell folds apart', () => {
  expect(describeSpread(0.9582, 0.0149)).toBe('95.8 ± 1.5 %');
  expect(describeSpread(0.99634, 0.00152)).toBe('99.63 ± 0.15 %');
  expect(describeSpread(0.9, null)).toBe('90.0 %');
});

test('reliability: bars, intervals, confidence and counts; empty bins stay empty', () => {
  const empty = { clips: 0, accuracy: null, interval: null, confidence: null };
  const bins = [
    { low: 0, high: 0.5, ...empty },
    { low: 0.5, high: 1, clips: 20, accuracy: 0.75, interval: { low: 0.5, high: 0.9 }, confidence: 0.9 },
  ];
  const calibration = { ece: 0.15, confidence: 0.9, nll: 0.7, brier: 0.4, bins };
  const { svg, data } = reliabilityFigure(calibration);
  expect(lines(svg)).toMatchSnapshot();
  expect(data).toEqual(calibration);
  expect(svg).toContain('Reliability: expected calibration error 15 %');
  expect(svg).toContain('mean confidence 90.0 %, accuracy 75.0 %');
  expect(() => reliabilityFigure({ ...calibration, bins: [bins[0]!] })).toThrow(EarmarkError);
});
