// Properties of what is computed of a recording as it comes: the same as of the whole, whatever the blocks.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longSpectrogram } from '../features/long-spectrogram.ts';
import { PowerLine } from './power-line.ts';
import { segmentsOf } from './segments.ts';
import { Tail } from './tail.ts';
import { slidingWindows, WindowSurvey } from './windows.ts';

const noise = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(1 + 3 * i * i));
const lengths = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 12 });

/** The recording in blocks of the lengths given, over and over, none longer than what is left. */
function* blocksOf(samples: Float32Array, sizes: readonly number[]): Generator<Float32Array> {
  let at = 0;
  for (const size of sizes) {
    yield samples.subarray(at, at + size);
    at = Math.min(samples.length, at + size);
  }
  yield samples.subarray(at);
}

describe('property: in blocks of any length', () => {
  it('Tail keeps what was not forgotten', () => {
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 300 }), (sizes, kept) => {
        const samples = noise(3000);
        const tail = new Tail();
        for (const block of blocksOf(samples, sizes)) {
          tail.push(block);
          const from = Math.max(0, tail.end - kept);
          expect(tail.slice(from, tail.end)).toEqual(samples.subarray(from, tail.end));
          tail.forget(from);
        }
        expect(tail.end).toBe(3000);
      }),
    );
  });

  it('WindowSurvey finds the windows of the whole', () => {
    const settings = { sampleRate: 100, clipSamples: 80, align: 'center' } as const;
    const seconds = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(lengths, seconds, seconds, fc.integer({ min: 1, max: 2000 }), (sizes, a, b, length) => {
        const options = { window: Math.max(a, b) / 100, hop: Math.min(a, b) / 100 };
        const samples = noise(length).map((s, i) => (i % 500 < 250 ? s : s / 5000));
        const survey = new WindowSurvey(settings, options);
        for (const block of blocksOf(samples, sizes)) survey.push(block);
        expect(survey.end()).toEqual(slidingWindows(samples, settings, options));
      }),
    );
  });

  it('PowerLine is the spectrogram of the whole', () => {
    const cases = fc.record({
      together: fc.integer({ min: 1, max: 200 }),
      columns: fc.integer({ min: 1, max: 40 }),
      first: fc.integer({ min: -100, max: 300 }),
    });
    fc.assert(
      fc.property(lengths, cases, (sizes, drawn) => {
        const options = { nFft: 64, hopLength: 16, ...drawn };
        const samples = noise(4000);
        const line = new PowerLine(options);
        for (const block of blocksOf(samples, sizes)) line.push(block);
        expect(line.end()).toEqual(longSpectrogram(samples, options));
      }),
      { numRuns: 30 },
    );
  });
});

it('segmentsOf: each moment by the mean of the windows that hold it, like moments joined', () => {
  const windows = [
    { start: 0, end: 20, probabilities: [0.9, 0.1] },
    { start: 10, end: 30, probabilities: [0.3, 0.7] },
    { start: 20, end: 40, probabilities: null },
    { start: 30, end: 50, probabilities: null },
    { start: 45, end: 65, probabilities: [0.2, 0.8] },
  ];
  const shown = segmentsOf(windows).map(({ start, end, label, probability }) => [
    start,
    end,
    label,
    probability === null ? null : Number(probability.toFixed(9)),
  ]);
  expect(shown).toEqual([
    [0, 20, 0, 0.75],
    [20, 30, 1, 0.7],
    [30, 45, null, null],
    [45, 65, 1, 0.8],
  ]);
});
