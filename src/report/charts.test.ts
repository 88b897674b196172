// Snapshot and errors: figures of training, confusions and bands.
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import { bandsFigure, correctWrongFigure } from './bands.ts';
import { confusionFigure } from './confusion.ts';
import { learningCurvesFigure } from './curves.ts';

const history = [
  { epoch: 1, loss: 2.3, accuracy: 0.1, validationLoss: 2.1, validationAccuracy: 0.2 },
  { epoch: 2, loss: 1, accuracy: 0.7, validationLoss: 0.9, validationAccuracy: 0.8 },
];
const lines = (svg: string) => svg.replaceAll('><', '>\n<');
const edges = [0, 500, 4000];

test('learning curves', () => {
  const { svg, data } = learningCurvesFigure(history, { bestEpoch: 2 });
  expect(lines(svg)).toMatchSnapshot();
  expect(data).toEqual({ history, bestEpoch: 2 });
});

test('learning curves with the learning rate, in units of its power of ten', () => {
  const rates = history.map((epoch, i) => ({ ...epoch, learningRate: [5e-4, 2.5e-4][i]! }));
  const { svg, data } = learningCurvesFigure(rates);
  expect(svg).toContain('rate (in units of 1×10⁻⁴)');
  expect(svg).toContain('>5</text>');
  expect(data.history).toEqual(rates);
  expect(learningCurvesFigure(history).svg).not.toContain('rate');
});

test('one epoch, no validation, a loss that is not a number', () => {
  const { svg } = learningCurvesFigure([{ epoch: 1, loss: Number.NaN, accuracy: 0.1 }]);
  expect(svg).not.toContain('NaN');
  expect(svg).not.toContain('validation');
  expect(() => learningCurvesFigure([])).toThrow(EarmarkError);
});

test('a confusion matrix', () => {
  const counts = [
    [9, 1],
    [0, 10],
  ];
  const { svg, data } = confusionFigure(['<yes>', 'no'], counts, 0.95);
  expect(lines(svg)).toMatchSnapshot();
  expect(data).toEqual({ labels: ['<yes>', 'no'], counts, accuracy: 0.95 });
  expect(svg).toContain('>90 %<');
  const interval = { low: 0.764, high: 0.991 };
  const sure = confusionFigure(['<yes>', 'no'], counts, 0.95, { interval });
  expect(sure.svg).toContain('accuracy 95 % (76–99.1 %)');
  expect(sure.data.interval).toEqual(interval);
});

test('a class without recordings has no recall; fifty classes fit', () => {
  const none = confusionFigure(
    ['a', 'b'],
    [
      [1, 0],
      [0, 0],
    ],
    1,
  ).svg;
  expect(none).not.toContain('NaN');
  const labels = Array.from({ length: 50 }, (_, i) => `class ${i}`);
  expect(
    confusionFigure(
      labels,
      labels.map((_, r) => labels.map((_, c) => Number(r === c))),
      1,
    ).width,
  ).toBeLessThan(900);
  expect(() => confusionFigure(['a', 'b'], [[1, 0]], 1)).toThrow(/expected \[2, 2\]/);
});

test('bands by class', () => {
  const shares = [[0.25, 0.75], null];
  const { svg, data } = bandsFigure(['a', 'b'], edges, shares);
  expect(lines(svg)).toMatchSnapshot();
  expect(data).toEqual({ labels: ['a', 'b'], bandEdges: edges, shares });
  expect(() => bandsFigure(['a'], edges, [[1]])).toThrow(EarmarkError);
});

test('correct against misclassified', () => {
  const correct = { n: 95, bands: [0.25, 0.75], silence: 0.02, padding: 0 };
  const wrong = { n: 5, bands: [0.5, 0.5], silence: 0.2, padding: null };
  expect(lines(correctWrongFigure(edges, correct, wrong).svg)).toMatchSnapshot();
  const few = correctWrongFigure(edges, correct, { ...wrong, n: 4 });
  expect(few.svg).toContain('only 4 misclassified: too few to sum up');
  expect(few.svg).not.toContain('misclassified (n');
  // As the analysis gives a group that is too small: what was not summed up is not there, rather than 0.
  const unsummed = { n: 2, bands: null, silence: null, padding: null };
  expect(correctWrongFigure(edges, correct, unsummed).data.misclassified).toEqual(unsummed);
  expect(correctWrongFigure(edges, unsummed, null).svg).not.toContain('correct (n');
  expect(correctWrongFigure(edges, correct, null).svg).toContain('no recording was misclassified');
  expect(() => correctWrongFigure(edges, { ...correct, bands: [1] }, null)).toThrow(EarmarkError);
});
