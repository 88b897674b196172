// Refuses arguments that no feature can be computed with.
import { FeatureError } from '../errors.ts';

/** @throws FeatureError where the value is not a positive integer */
export function checkPositiveInteger(what: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new FeatureError({ what, expected: 'a positive integer', got: `${value}` });
}

/** @throws FeatureError where the value is not a finite number that is more than 0 */
export function checkPositive(what: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new FeatureError({ what, expected: 'a number more than 0', got: `${value}` });
}
