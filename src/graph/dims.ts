// Arithmetic on dimensions that may be symbolic: products such as "4*N", quotients, sums, order, broadcasting.
import { GraphError } from '../errors.ts';
import type { Dim, Shape } from './types.ts';

interface Product {
  factor: number;
  symbols: string[];
}

function parse(dim: Dim): Product {
  if (typeof dim === 'number') return { factor: dim, symbols: [] };
  // A sum that has no simpler form stands in brackets and is a symbol.
  const parts = dim.split(/\*(?![^(]*\))/);
  const factor = Number(parts[0]);
  return Number.isInteger(factor) ? { factor, symbols: parts.slice(1) } : { factor: 1, symbols: parts };
}

function show({ factor, symbols }: Product): Dim {
  if (factor === 0 || symbols.length === 0) return factor;
  return [...(factor === 1 ? [] : [String(factor)]), ...symbols.toSorted()].join('*');
}

/** Product of dimensions; 1 for none. */
export function productOf(dims: Shape): Dim {
  const parts = dims.map(parse);
  return show({
    factor: parts.reduce((n, p) => n * p.factor, 1),
    symbols: parts.flatMap((p) => p.symbols),
  });
}

/** a / b, where that is a whole number of the same symbols; undefined where it is not. */
export function quotient(a: Dim, b: Dim): Dim | undefined {
  const upper = parse(a);
  const lower = parse(b);
  const rest = [...upper.symbols];
  for (const symbol of lower.symbols) {
    const at = rest.indexOf(symbol);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  const factor = upper.factor / lower.factor;
  return Number.isInteger(factor) ? show({ factor, symbols: rest }) : undefined;
}

/** a + by·b, where both are multiples of the same symbols; undefined where not. */
export function plus(a: Dim, b: Dim, by = 1): Dim | undefined {
  const [x, y] = [parse(a), parse(b)];
  if (x.factor === 0) return show({ ...y, factor: by * y.factor });
  if (y.factor === 0) return a;
  const like = x.symbols.length === y.symbols.length && x.symbols.every((s) => y.symbols.includes(s));
  return like ? show({ factor: x.factor + by * y.factor, symbols: x.symbols }) : undefined;
}

/** Sum of extents; what cannot be added up is a symbol of its own, "(N+2)". */
export function totalOf(dims: Shape): Dim {
  const rest: Dim[] = [];
  for (const dim of dims) {
    const at = rest.findIndex((d) => plus(d, dim) !== undefined);
    if (at < 0) rest.push(dim);
    else rest[at] = plus(rest[at], dim) as Dim;
  }
  return rest.length <= 1 ? (rest[0] ?? 0) : `(${rest.join('+')})`;
}

/** Sign of a − b, where it is known: a symbol is any number from 1 on. */
export function compare(a: Dim, b: Dim): number | undefined {
  if (a === b) return 0;
  const [x, y] = [parse(a), parse(b)];
  if (x.symbols.length === 0 && y.symbols.length === 0) return Math.sign(x.factor - y.factor);
  if (x.symbols.length > 0 && y.symbols.length > 0) return undefined;
  const [number, symbol, sign] = x.symbols.length ? [y.factor, x.factor, 1] : [x.factor, y.factor, -1];
  // f·N is at least f, −f·N at most −f.
  if (symbol > 0) return number < symbol ? sign : undefined;
  return number > symbol ? -sign : undefined;
}

/** ONNX's multidirectional broadcasting; a symbol meets itself, 1, or (trusting the run time) a number. */
export function broadcast(a: Shape, b: Shape, where: string): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    if (typeof x === 'string') return typeof y === 'string' ? x : y;
    if (typeof y === 'string') return x;
    throw new GraphError({
      what: `${where}: shapes do not broadcast`,
      expected: 'equal extents, or 1',
      got: `[${a.join(', ')}] and [${b.join(', ')}]`,
    });
  });
}

/** An axis counted from the end becomes one counted from the start. */
export function axisOf(axis: number, rank: number, where: string): number {
  const resolved = axis < 0 ? axis + rank : axis;
  if (resolved < 0 || resolved >= rank) {
    throw new GraphError({
      what: `${where}: no such axis`,
      expected: `${-rank} to ${rank - 1}`,
      got: `${axis}`,
    });
  }
  return resolved;
}

/** The dimensions as numbers, or an error that says which one is only known at run time. */
export function staticDims(shape: Shape, where: string): number[] {
  return shape.map((dim) => {
    if (typeof dim === 'number') return dim;
    throw new GraphError({
      what: `${where}: dimension "${dim}" is only known at run time`,
      expected: 'fixed extents beside the batch',
      got: `[${shape.join(', ')}]`,
      todo: 'Export the model with a fixed input size.',
    });
  });
}
