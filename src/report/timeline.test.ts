// Snapshot: the picture of a long recording, in one line and in several, and what it refuses.
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import type { Grid } from './clip.ts';
import { timelineFigure } from './timeline.ts';

const grid = (rows: number, columns: number, of: (row: number, column: number) => number): Grid => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => of(Math.floor(i / columns), i % columns)),
});

/** Twelve columns of 0.5 s: “yes”, silence, then “no”. */
const picture = {
  title: 'talk.wav',
  subtitle: ['11 windows', 'gamma'],
  labels: ['yes', 'no'],
  track: grid(2, 12, (k, c) => (c === 5 ? Number.NaN : c < 5 === (k === 0) ? 0.9 : 0.1)),
  features: grid(3, 12, (r, c) => -10 * r - c),
  relevance: grid(3, 12, (r, c) => (c === 5 ? 0 : (r - 1) * (c + 1))),
  times: Float64Array.from({ length: 12 }, (_, c) => 0.25 + 0.5 * c),
  frequencies: [500, 1000, 2000],
  featureLabel: 'power (dB)',
  lineSeconds: 6,
};

test('a line of time', () => {
  const { svg, data } = timelineFigure(picture);
  expect(svg.replaceAll('><', '>\n<')).toMatchSnapshot();
  expect(data).toEqual({
    title: 'talk.wav',
    subtitle: ['11 windows', 'gamma'],
    lines: 1,
    classes: ['yes', 'no'],
    limit: 12,
  });
  for (const name of ['yes', 'silence', 'no']) expect(svg.split(`>${name}<`).length).toBeGreaterThan(1);
});

test('a longer one takes more lines, each with its own times, but for no more than eight', () => {
  const { svg, data, height } = timelineFigure({ ...picture, lineSeconds: 3 });
  expect(data.lines).toBe(2);
  expect(height).toBeGreaterThan(1.7 * timelineFigure(picture).height);
  expect(svg.match(/>time \(s\)</g)).toHaveLength(1);
  // Eight lines of two columns would be more than the twelve there are.
  expect(timelineFigure({ ...picture, lineSeconds: 0.1 }).data.lines).toBe(6);
  const long = (of: Grid) => grid(of.rows, 800, () => 0);
  const { track, features, relevance } = picture;
  const many = { track: long(track), features: long(features), relevance: long(relevance) };
  const times = Float64Array.from({ length: 800 }, (_, c) => c);
  expect(timelineFigure({ ...picture, ...many, times, lineSeconds: 10 }).data.lines).toBe(8);
});

test('of many classes, those that are most probable at some time', () => {
  const labels = Array.from({ length: 30 }, (_, k) => `class ${k}`);
  const track = grid(30, 12, (k, c) => (k === 20 + (c % 3) ? 0.9 : 0.1 / (k + 1)));
  const { svg, data } = timelineFigure({ ...picture, labels, track });
  expect(data.classes).toHaveLength(14);
  expect(data.classes).toEqual(expect.arrayContaining(['class 20', 'class 21', 'class 22']));
  expect(svg).toContain('the 14 most probable of 30 classes');
});

test('one column, and relevance that is 0 everywhere', () => {
  const one = (rows: number) => grid(rows, 1, () => 0);
  const { data } = timelineFigure({
    ...picture,
    track: one(2),
    features: one(3),
    relevance: one(3),
    times: [0],
  });
  expect(data).toMatchObject({ lines: 1, limit: 0 });
});

test.each([
  ['class track of a figure: expected \\[2, 12\\], got \\[3, 12\\]', { track: grid(3, 12, () => 0) }],
  ['relevance of a figure: expected \\[3, 12\\]', { relevance: grid(2, 12, () => 0) }],
  ['got NaN', { relevance: grid(3, 12, () => Number.NaN) }],
  ['expected 12 times', { times: [0, 1] }],
])('refuses what does not fit: %s', (message, part) => {
  const draw = () => timelineFigure({ ...picture, ...part });
  expect(draw).toThrow(EarmarkError);
  expect(draw).toThrow(new RegExp(message));
});
