// Power and amplitude in decibels, as librosa 0.11 computes them.
import { FeatureError } from '../errors.ts';
import { checkPositive } from './check.ts';
import { largest, type Matrix, mapMatrix } from './matrix.ts';

export interface DecibelOptions {
  /** What is 0 dB: a value, or the largest one (1). */
  ref?: number | 'max';
  /** Smaller values, and a smaller ref, count as this (1e-10 for power, 1e-5 for amplitude). */
  amin?: number;
  /** Nothing is further below the largest value than this, in dB; null for no limit (80). */
  topDb?: number | null;
}

/**
 * 10 log₁₀(S / ref), of the shape of S.
 *
 * @throws FeatureError where amin is not more than 0 or topDb is negative
 */
export function powerToDb(S: Matrix, { ref = 1, amin = 1e-10, topDb = 80 }: DecibelOptions = {}): Matrix {
  checkPositive('amin', amin);
  if (topDb !== null && !(topDb >= 0)) {
    throw new FeatureError({ what: 'top_db', expected: 'at least 0, or none', got: `${topDb}` });
  }
  const level = (power: number) => 10 * Math.log10(Math.max(amin, power));
  const zero = level(ref === 'max' ? largest(S) : Math.abs(ref));
  const floor = topDb === null ? Number.NEGATIVE_INFINITY : level(largest(S)) - zero - topDb;
  return mapMatrix(S, (power) => Math.max(level(power) - zero, floor));
}

/** 20 log₁₀(|S| / ref): {@link powerToDb} of the squares. @throws FeatureError as there */
export function amplitudeToDb(S: Matrix, { ref = 1, amin = 1e-5, topDb = 80 }: DecibelOptions = {}): Matrix {
  checkPositive('amin', amin);
  const power = mapMatrix(S, (amplitude) => amplitude ** 2);
  return powerToDb(power, { ref: ref === 'max' ? ref : ref ** 2, amin: amin ** 2, topDb });
}
