// Reads the values of options: text in, typed values out, or an error that commander puts the option's name before.
import { InvalidArgumentError, Option } from 'commander';

/** A whole number that is at least `least`, and at most `most`. */
export function wholeNumber(least: number, most = Number.POSITIVE_INFINITY): (text: string) => number {
  const expected = most < Number.POSITIVE_INFINITY ? `from ${least} to ${most}` : `at least ${least}`;
  return (text) => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number, ${expected}.`);
  };
}

/** A seed of the generator, whose numbers have 32 bits. */
export const seedNumber = wholeNumber(0, 2 ** 32 - 1);

/** Any finite number, as people and programs write them: 80, -3.5, 1e-10. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Expected a number.');
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = finiteNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

/** `--json`, for those commands whose result a program would read. */
export function jsonOption(): Option {
  return new Option('--json', 'print the result as JSON');
}
