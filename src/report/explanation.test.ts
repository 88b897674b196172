// Snapshot and errors: the figures of one clip.
import { Resvg } from '@resvg/resvg-js';
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import type { Grid } from './clip.ts';
import { spectrogramColour } from './colours.ts';
import { comparisonFigure, describePrediction, explanationFigure } from './explanation.ts';

const grid = (rows: number, columns: number, ...data: number[]): Grid => ({
  rows,
  columns,
  data: Float32Array.from(data),
});
const features = grid(2, 3, -80, -40, -20, -60, -10, 0);
const relevance = grid(2, 3, 0, 0.5, -0.1, 0.25, 1.5, 0);
const clip = {
  features,
  times: [0, 0.01, 0.02],
  frequencies: [500, 1000],
  featureLabel: 'log-mel level (dB re max)',
  ...describePrediction({
    file: 'a & b.wav',
    trueLabel: '<three>',
    predictedLabel: 'five',
    probability: 0.987,
    method: 'epsilon-plus-flat',
    targetLabel: 'five',
    logit: 2.5,
    relevanceSum: 2.149,
  }),
};

test('title and subtitle of one class against another', () => {
  const { title, subtitle } = describePrediction({
    file: 'a.wav',
    trueLabel: null,
    predictedLabel: 'five',
    probability: 0.5,
    method: 'epsilon',
    targetLabel: 'five',
    logit: 2.5,
    relevanceSum: 1,
    against: { label: 'nine', logit: 1.5 },
  });
  expect(title).toBe('Predicted “five” (50 %): why “five” and not “nine”');
  expect(subtitle).toEqual([
    'a.wav',
    'epsilon',
    'logit of “five” 2.5 less logit of “nine” 1.5',
    'Σ relevance 1',
  ]);
});

test('title and subtitle', () => {
  expect(clip.title).toBe('True “<three>”, predicted “five” (98.7 %)');
  expect(clip.subtitle).toEqual([
    'a & b.wav',
    'epsilon-plus-flat',
    'logit of “five” 2.5',
    'Σ relevance 2.15',
  ]);
});

test('an explanation', () => {
  const { svg, data } = explanationFigure({ ...clip, relevance });
  expect(svg.replaceAll('><', '>\n<')).toMatchSnapshot();
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  expect(data.features).toEqual([
    [-80, -40, -20],
    [-60, -10, 0],
  ]);
  expect(data.relevances[0]!.values[0]![2]).toBe(-0.1);
  expect(data.limit).toBe(1.5);
});

test('row 0 is drawn at the bottom, time runs to the right', () => {
  const { svg } = explanationFigure({ ...clip, relevance });
  const href = /href="(data:[^"]+)"/.exec(svg)![1]!;
  const { pixels } = new Resvg(
    `<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><image width="3" height="2" href="${href}"/></svg>`,
  ).render();
  const drawn = Array.from({ length: 6 }, (_, i) => [...pixels.subarray(4 * i, 4 * i + 3)]);
  const top = [0.25, 0.875, 1];
  const bottom = [0, 0.5, 0.75];
  expect(drawn).toEqual([...top, ...bottom].map(spectrogramColour));
});

test('two classes share one scale, with the shares below', () => {
  const shares = { silence: 0.031, padding: 0 };
  const { svg, data } = comparisonFigure({
    ...clip,
    relevances: [
      { title: 'For “five” (predicted)', relevance, ...shares },
      { title: 'For “three” (true)', relevance: grid(2, 3, 0, 0, 0, 0, -3, 0), silence: 0.5, padding: null },
    ],
  });
  expect(data.limit).toBe(3);
  expect(svg.match(/>−3</g)).toHaveLength(2);
  expect(svg).toContain('|relevance| on silence 3.1 %, on padding 0 %');
  expect(svg).toContain('|relevance| on silence 50 %<');
});

test('relevance that is cut off is said to be', () => {
  const { svg } = explanationFigure({ ...clip, relevance, limit: 1 });
  expect(svg).toContain('≥ 1<');
  expect(svg).toContain('≤ −1<');
});

test('nothing relevant, one frame, one row, a long recording', () => {
  expect(explanationFigure({ ...clip, relevance: grid(2, 3, 0, 0, 0, 0, 0, 0) }).svg).toContain(
    '0 everywhere',
  );
  const one = grid(1, 1, 0);
  expect(
    explanationFigure({ ...clip, features: one, relevance: one, times: [0], frequencies: [440] }).svg,
  ).toContain('>440<');
  const wide: Grid = { rows: 4, columns: 3000, data: new Float32Array(12000) };
  const times = Float64Array.from({ length: 3000 }, (_, t) => t / 100);
  const long = explanationFigure({ ...clip, features: wide, relevance: wide, times, frequencies: null });
  expect(long.svg).toContain('MFCC coefficient');
  expect(long.width).toBeLessThan(1400);
});

test('what does not fit together is refused', () => {
  const wrong: [string, object][] = [
    ['relevance of a figure: expected \\[2, 3\\]', { relevance: grid(3, 2, 0, 0, 0, 0, 0, 0) }],
    ['got NaN', { relevance: grid(2, 3, 0, 0, 0, 0, 0, Number.NaN) }],
    ['expected 3 times', { times: [0, 1] }],
    ['2 frequencies', { frequencies: [100] }],
    ['not empty', { features: grid(0, 0), relevance: grid(0, 0), times: [], frequencies: null }],
    ['limit of a figure: expected a number above 0, got 0', { limit: 0 }],
    ['order of frequency', { frequencies: [1000, 500] }],
  ];
  for (const [message, part] of wrong) {
    const draw = () => explanationFigure({ ...clip, relevance, ...part });
    expect(draw, message).toThrow(EarmarkError);
    expect(draw).toThrow(new RegExp(message));
  }
});
