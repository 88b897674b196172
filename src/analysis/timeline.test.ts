// Property and example tests of windows and of the time line that they are put together on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeatureError } from '../errors.ts';
import { classTrack, overlapAdd } from './timeline.ts';
import { slidingWindows } from './windows.ts';

const settings = { sampleRate: 100, clipSamples: 100, align: 'center' } as const;
/** Frames centred at 0, 10, …, 100. */
const frames = { first: 0, hop: 10, count: 11 };
const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(1 + 3 * i * i));
const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const spread = (windows: number, rows: number, seed: number) =>
  Array.from({ length: windows }, (_, w) =>
    Float64Array.from({ length: rows * frames.count }, (_, i) => Math.sin(seed + 7 * w + 3 * i * i)),
  );

describe('slidingWindows', () => {
  it('goes from the start to the very end', () => {
    const spans = slidingWindows(noise(333), settings, { window: 1, hop: 0.5 });
    expect(spans.map(({ start, end }) => [start, end])).toEqual([
      [0, 100],
      [50, 150],
      [100, 200],
      [150, 250],
      [200, 300],
      [233, 333],
    ]);
  });

  it('takes a recording that is no longer than a window as one', () => {
    const [one, ...more] = slidingWindows(noise(60), settings, { window: 1, hop: 0.5 });
    expect(more).toEqual([]);
    expect(one).toEqual({ start: 0, end: 60, clipStart: -20, silent: false });
  });

  it('hears the loudest part of a window longer than the clip', () => {
    const samples = noise(200).map((s, i) => (i < 100 ? s / 10 : s));
    expect(slidingWindows(samples, settings, { window: 2, hop: 1 })[0]?.clipStart).toBe(100);
  });

  it('marks what is 60 dB below the loudest window', () => {
    const samples = noise(400).map((s, i) => (i < 200 ? s : i < 300 ? s / 500 : s / 2000));
    const windows = slidingWindows(samples, settings, { window: 1, hop: 1 });
    expect(windows.map(({ silent }) => silent)).toEqual([false, false, false, true]);
  });

  it.each([
    [{ window: 1, hop: 2 }, /^hop: expected at most the window, 1 s, got 2 s/],
    [{ window: 1, hop: 0 }, /^hop: expected a number of seconds, at least 0.01/],
    [{ window: -1, hop: 0.5 }, /^window: /],
    [{ window: Number.NaN, hop: 0.5 }, /^window: /],
  ])('refuses %o', (options, message) => {
    const windows = () => slidingWindows(noise(300), settings, options);
    expect(windows).toThrow(FeatureError);
    expect(windows).toThrow(message);
  });
});

describe('overlapAdd', () => {
  it('gives the relevance of one window as it is', () => {
    const windows = slidingWindows(noise(100), settings, { window: 1, hop: 0.25 });
    const [relevance] = spread(1, 3, 1);
    const line = overlapAdd(windows, frames, 3);
    line.add(windows[0]!, { data: relevance! });
    expect(line.columns).toEqual({ start: -5, step: 10, count: 11 });
    expect(line.relevance.data).toEqual(relevance);
  });

  it('sums to Σ R_w / K where K windows hear every moment, in any number of columns', () => {
    const cases = fc.record({
      K: fc.integer({ min: 1, max: 5 }),
      hop: fc.integer({ min: 3, max: 40 }),
      more: fc.integer({ min: 0, max: 30 }),
      most: fc.integer({ min: 1, max: 400 }),
      seed: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(cases, ({ K, hop, more, most, seed }) => {
        // Frames that begin with their window and follow each other: K windows at a time but at the ends, whose R is 0.
        const length = K * hop;
        const clip = { first: 0.5, hop: 1, count: length };
        const windows = slidingWindows(
          noise(length + (more + 2 * K) * hop),
          { ...settings, clipSamples: length },
          { window: length / 100, hop: hop / 100 },
        );
        const line = overlapAdd(windows, { ...clip }, 1, most);
        let sum = 0;
        for (const [w, window] of windows.entries()) {
          const inside = (n: number) => n >= length && n < (more + 2 * K) * hop;
          const data = Float64Array.from({ length }, (_, f) =>
            inside(window.start + f) ? Math.sin(seed + 7 * w + 3 * f * f) : 0,
          );
          sum += total(data);
          line.add(window, { data });
        }
        expect(line.relevance.columns).toBeLessThanOrEqual(Math.max(1, most));
        expect(Math.abs(total(line.relevance.data) - sum / K)).toBeLessThan(1e-9 * windows.length * length);
      }),
    );
  });

  it('has weights that sum to one: what all windows agree on stays, also off the grid of frames', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 700 }), fc.integer({ min: 1, max: 10 }), (length, tens) => {
        const windows = slidingWindows(noise(length), settings, { window: 1, hop: tens / 10 });
        const onGrid = windows.filter(({ start }) => start % 10 === 0);
        const line = overlapAdd(onGrid, frames, 2);
        for (const window of onGrid) line.add(window, { data: new Float64Array(22).fill(3) });
        expect(line.relevance.data.every((v) => Math.abs(v - 3) < 1e-9)).toBe(true);
        const all = overlapAdd(windows, frames, 1);
        for (const window of windows) all.add(window, { data: new Float64Array(11).fill(1) });
        // As much as there are frames in the time that is covered, give or take the one that is cut at the end.
        expect(Math.abs(total(all.relevance.data) - (1 + length / 10))).toBeLessThan(1);
      }),
    );
  });

  it('leaves out padding, and says how much it held', () => {
    const windows = slidingWindows(noise(40), settings, { window: 1, hop: 1 });
    const line = overlapAdd(windows, frames, 1);
    line.add(windows[0]!, { data: new Float64Array(11).fill(-1) });
    expect(line.totals).toEqual({ relevance: -5, amount: 11, padding: 6 });
    expect(total(line.relevance.data)).toBe(-5);
  });
});

it('classTrack is the mean of the windows that hold a moment, NaN where none does', () => {
  const windows = [
    { start: 0, end: 20, probabilities: [1, 0] },
    { start: 10, end: 30, probabilities: [0, 1] },
    { start: 40, end: 50, probabilities: [0.25, 0.75] },
  ];
  const { data } = classTrack(windows, 2, { start: 0, step: 10, count: 5 });
  expect(Array.from(data)).toEqual([1, 0.5, 0, Number.NaN, 0.25, 0, 0.5, 1, Number.NaN, 0.75]);
});
