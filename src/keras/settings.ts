// The settings of one Keras layer, read with their types; what is missing has the default that Keras gives it.
import { ModelError } from '../errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value that Keras wrote as what it was in Python: a NumPy array, a tensor or a tuple. */
function unwrapped(value: unknown): unknown {
  if (!isJson(value)) return value;
  const { class_name: kind, config, items } = value;
  if ((kind === '__numpy__' || kind === '__tensor__') && isJson(config)) return config.value;
  return kind === '__tuple__' && Array.isArray(items) ? items.map(unwrapped) : value;
}

/** A layer's `config`. */
export class Settings {
  readonly json: Json;
  /** How errors call the layer: `Conv2D "conv2d_1"`. */
  readonly where: string;

  constructor(json: Json, where: string) {
    this.json = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, unwrapped(value)]));
    this.where = where;
  }

  number(key: string, fallback: number): number {
    const value = this.json[key] ?? fallback;
    return typeof value === 'number' && Number.isFinite(value) ? value : this.refuse(key, 'a number');
  }

  /** A number, or undefined where there is none. */
  limit(key: string): number | undefined {
    return (this.json[key] ?? undefined) === undefined ? undefined : this.number(key, 0);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.json[key] ?? fallback;
    return typeof value === 'boolean' ? value : this.refuse(key, 'true or false');
  }

  /** One of a few words. */
  word<T extends string>(key: string, words: readonly T[]): T {
    const value = this.json[key] ?? words[0];
    return words.find((word) => word === value) ?? this.refuse(key, words.join(' or '));
  }

  /** Whole numbers, one for each of `rank` axes; a single one counts for all. */
  extents(key: string, rank: number, fallback: number | readonly number[]): number[] {
    const value = this.json[key] ?? fallback;
    const list = typeof value === 'number' ? new Array<unknown>(rank).fill(value) : value;
    const whole =
      Array.isArray(list) && list.length === rank && list.every((n) => Number.isInteger(n) && n >= 0);
    return whole ? (list as number[]) : this.refuse(key, `${rank} whole numbers`);
  }

  /** Whole numbers, however many; a single one is a list of one. */
  list(key: string, fallback: readonly number[]): number[] {
    const value = this.json[key] ?? fallback;
    const list = typeof value === 'number' ? [value] : value;
    return Array.isArray(list) && list.every((n) => Number.isInteger(n))
      ? (list as number[])
      : this.refuse(key, 'whole numbers');
  }

  /** What comes before and after each axis: n, [n, m] or [[a, b], [c, d]]. */
  margins(key: string, rank: number, fallback: number): [before: number, after: number][] {
    const value = this.json[key] ?? fallback;
    const given: unknown[] = Array.isArray(value)
      ? rank === 1 && value.every((v) => typeof v === 'number')
        ? [value]
        : value
      : new Array(rank).fill(value);
    const pairs = given.map((side) => (Array.isArray(side) ? side : [side, side]));
    const whole = pairs.every(
      (side) => side.length === 2 && side.every((n) => Number.isInteger(n) && n >= 0),
    );
    return whole && pairs.length === rank
      ? (pairs as [number, number][])
      : this.refuse(key, `margins of ${rank} axes`);
  }

  /** @throws ModelError that names the layer, the setting and what it is. */
  refuse(key: string, expected: string, todo?: string): never {
    throw new ModelError({
      what: `${this.where}: ${key}`,
      expected,
      got: JSON.stringify(this.json[key]),
      ...(todo && { todo }),
    });
  }
}
