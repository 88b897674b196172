// Whether a classifier is as sure as it is right: losses of its probabilities, and accuracy against confidence.
import { TrainingError } from '../errors.ts';
import { type Interval, wilson } from './interval.ts';

/** A clip's class and the probability of each, by index. */
export interface Forecast {
  readonly label: number;
  readonly predicted: number;
  /** [classes], adding up to 1. */
  readonly probabilities: readonly number[];
}

/** The clips whose confidence, the probability of the predicted class, is above `low` and at most `high`. */
export interface ReliabilityBin extends Interval {
  readonly clips: number;
  readonly correct: number;
  /** Share of right answers and its 95 % interval (Wilson); `null` where the bin is empty. */
  readonly accuracy: number | null;
  readonly interval: Interval | null;
  /** Mean; `null` where the bin is empty. */
  readonly confidence: number | null;
}

export interface Calibration {
  /** Mean of −ln p of the true class (nats), p no less than 2⁻⁵². */
  readonly nll: number;
  /** Mean of Σ over classes of (p − is it the true one)²: from 0 to 2 (Brier 1950). */
  readonly brier: number;
  /** Expected calibration error: Σ over bins of their share of clips · |accuracy − confidence| (Guo et al. 2017). */
  readonly ece: number;
  /** Mean probability of the predicted class. */
  readonly confidence: number;
  /** Equally wide, from 0 to 1. */
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Measures calibration.
 *
 * @param count of equally wide bins; Guo et al. 2017 take 15
 * @throws TrainingError where there is no forecast
 */
export function calibration(forecasts: readonly Forecast[], count = 15): Calibration {
  const n = forecasts.length;
  if (n === 0) throw new TrainingError({ what: 'calibration', expected: 'a clip or more', got: 'none' });
  const mean = (value: (forecast: Forecast) => number) => forecasts.reduce((sum, f) => sum + value(f), 0) / n;
  const confidence = ({ probabilities, predicted }: Forecast) => probabilities[predicted]!;
  const inBins = Array.from({ length: count }, () => [] as Forecast[]);
  for (const forecast of forecasts) {
    const bin = Math.ceil(confidence(forecast) * count) - 1;
    inBins[Math.min(count - 1, Math.max(0, bin))]!.push(forecast);
  }
  const bins = inBins.map((held, i) => {
    const correct = held.filter(({ label, predicted }) => label === predicted).length;
    const clips = held.length;
    const total = held.reduce((sum, f) => sum + confidence(f), 0);
    return {
      low: i / count,
      high: (i + 1) / count,
      clips,
      correct,
      accuracy: clips ? correct / clips : null,
      interval: clips ? wilson(correct, clips) : null,
      confidence: clips ? total / clips : null,
    };
  });
  return {
    nll: mean(({ label, probabilities }) => -Math.log(Math.max(probabilities[label]!, Number.EPSILON))),
    brier: mean(({ label, probabilities }) =>
      probabilities.reduce((sum, p, k) => sum + (p - Number(k === label)) ** 2, 0),
    ),
    ece: bins.reduce((sum, b) => sum + (b.clips / n) * Math.abs((b.accuracy ?? 0) - (b.confidence ?? 0)), 0),
    confidence: mean(confidence),
    bins,
  };
}
