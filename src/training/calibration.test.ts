// Calibration: properties of the bins, their edges, and what a calibrated and a sure but wrong classifier get.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TrainingError } from '../errors.ts';
import { calibration, type Forecast } from './calibration.ts';

/** Forecasts of three classes. */
const forecasts = fc.array(
  fc.record({
    label: fc.nat(2),
    weights: fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 3, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 60 },
);
const forecast = ({ label, weights }: { label: number; weights: number[] }): Forecast => {
  const sum = weights.reduce((a, b) => a + b + 1, 0);
  const probabilities = weights.map((w) => (w + 1) / sum);
  return { label, predicted: probabilities.indexOf(Math.max(...probabilities)), probabilities };
};

it('bins hold every clip once, where its confidence lies, and bound the error from below (property)', () => {
  fc.assert(
    fc.property(forecasts, fc.integer({ min: 1, max: 20 }), (drawn, count) => {
      const all = drawn.map(forecast);
      const { bins, ece, confidence, brier, nll } = calibration(all, count);
      expect(bins.reduce((sum, { clips }) => sum + clips, 0)).toBe(all.length);
      for (const { low, high, clips, confidence, accuracy, interval } of bins) {
        if (clips === 0) {
          expect([confidence, accuracy, interval]).toEqual([null, null, null]);
          continue;
        }
        // A confidence on an edge may fall on either side of it by rounding.
        expect(confidence).toBeGreaterThan(low - 1e-12);
        expect(confidence).toBeLessThan(high + 1e-12);
        expect(interval!.low).toBeLessThanOrEqual(accuracy!);
        expect(interval!.high).toBeGreaterThanOrEqual(accuracy!);
      }
      const right = all.filter(({ label, predicted }) => label === predicted).length / all.length;
      expect(ece).toBeGreaterThanOrEqual(Math.abs(right - confidence) - 1e-12);
      expect(ece).toBeLessThanOrEqual(1);
      expect(brier).toBeLessThanOrEqual(2);
      expect(nll).toBeGreaterThanOrEqual(0);
    }),
  );
});

it('edges belong to the bin below: of 0.2, 0.5, 0.6 and 1, by five bins', () => {
  const at = (p: number) => ({ label: 0, predicted: 0, probabilities: [p, 1 - p] });
  expect(calibration([0.2, 0.5, 0.6, 1].map(at), 5).bins.map(({ clips }) => clips)).toEqual([1, 0, 2, 0, 1]);
});

it('who is right as often as sure has no error; who is sure and wrong has all of it', () => {
  const of = (label: number) => ({ label, predicted: 0, probabilities: [0.75, 0.25] });
  expect(calibration([of(0), of(0), of(0), of(1)]).ece).toBe(0);
  const wrong = calibration([{ label: 1, predicted: 0, probabilities: [1, 0] }]);
  expect([wrong.ece, wrong.brier, wrong.nll]).toEqual([1, 2, 52 * Math.log(2)]);
});

it('refuses nothing at all', () => {
  expect(() => calibration([])).toThrow(TrainingError);
});
