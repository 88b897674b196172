// Shape arithmetic before any run: the elements of small values, as numbers or symbolic dimensions.
import type { Known } from './arguments.ts';
import { type Array64, array64, broadcastTo } from './array64.ts';
import { compare, plus, productOf, quotient } from './dims.ts';
import { evaluate } from './interpret.ts';
import type { OpName } from './ops.ts';
import type { Dim, DType, Node, ValueType } from './types.ts';
import { sizeOf } from './types.ts';

/** Values of more elements are data, not shapes. */
export const FEW = 64;

type Elements = readonly Dim[];
type Dyadic = (a: Dim, b: Dim) => Dim | undefined;

const truth = (holds: (sign: number) => boolean): Dyadic => {
  return (a, b) => {
    const sign = compare(a, b);
    return sign === undefined ? undefined : Number(holds(sign));
  };
};
const extremum = (wanted: number): Dyadic => {
  return (a, b) => {
    const sign = compare(a, b);
    return sign === undefined ? undefined : sign === wanted ? a : b;
  };
};
const whole = (d: Dim) => typeof d === 'string' || Number.isInteger(d);

/** What can be said of two elements, at least one of them symbolic. */
const DYADIC: Partial<Record<OpName, Dyadic>> = {
  Add: (a, b) => plus(a, b),
  Sub: (a, b) => plus(a, b, -1),
  Mul: (a, b) => (whole(a) && whole(b) ? productOf([a, b]) : undefined),
  Div: (a, b) => (b === 0 ? undefined : quotient(a, b)),
  Mod: (a, b) => (b !== 0 && quotient(a, b) !== undefined ? 0 : undefined),
  Max: extremum(1),
  Min: extremum(-1),
  Equal: truth((sign) => sign === 0),
  Less: truth((sign) => sign < 0),
  LessOrEqual: truth((sign) => sign <= 0),
  Greater: truth((sign) => sign > 0),
  GreaterOrEqual: truth((sign) => sign >= 0),
};

/** What becomes of one symbolic element: it is whole and at least 1. */
const MONADIC: Partial<Record<OpName, (symbol: Dim, to: DType) => Dim | undefined>> = {
  Cast: (symbol, to) => (to === 'bool' ? 1 : symbol),
  Floor: (symbol) => symbol,
  Ceil: (symbol) => symbol,
  Neg: (symbol) => plus(0, symbol, -1),
};

/** Ops that only move elements: which of their operands hold them; all others must be numbers. */
const MOVED: Partial<Record<OpName, (operand: number) => boolean>> = {
  Identity: (i) => i === 0,
  Reshape: (i) => i === 0,
  Flatten: (i) => i === 0,
  Transpose: (i) => i === 0,
  Squeeze: (i) => i === 0,
  Unsqueeze: (i) => i === 0,
  Expand: (i) => i === 0,
  Tile: (i) => i === 0,
  Slice: (i) => i === 0,
  Split: (i) => i === 0,
  Gather: (i) => i === 0,
  GatherElements: (i) => i === 0,
  Concat: () => true,
  Where: (i) => i > 0,
};

/**
 * The elements of a node's outputs, where they are few and known: integers, booleans, and what is made of them.
 * @param types of the outputs
 */
export function smallElements(
  node: Node,
  inputs: readonly (Known | undefined)[],
  types: readonly ValueType[],
): readonly (Elements | undefined)[] | undefined {
  if (node.op === 'Shape') {
    const shape = (inputs[0] as Known).shape;
    return [shape.slice(node.attributes.start ?? 0, node.attributes.end ?? shape.length)];
  }
  if (node.op === 'Size') return [[productOf((inputs[0] as Known).shape)]];
  const known = inputs.every((x) => x === undefined || x.elements);
  const few = types.every(
    (t) => t.shape.every((d) => typeof d === 'number') && sizeOf(t.shape as number[]) <= FEW,
  );
  if (!known || !few) return undefined;
  const operands = inputs.map((x) => x && { ...x, elements: x.elements as Elements });
  if (operands.every((x) => !x || isNumeric(x.elements))) {
    // + 0: whole numbers have no −0.
    return evaluate(
      node,
      operands.map((x) => x && array(x, x.elements)),
    ).map((result) => Array.from(result.data, (v) => v + 0));
  }
  return symbolic(node, operands, types[0]);
}

type Operand = ValueType & { readonly elements: Elements };

function isNumeric(elements: Elements): elements is readonly number[] {
  return elements.every((d) => typeof d === 'number');
}

function array(type: ValueType, data: Elements): Array64 {
  return array64(data as number[], type.shape as number[], type.dtype);
}

/** Each element gets a code: arrangements move the codes, arithmetic makes new ones. */
function symbolic(
  node: Node,
  inputs: readonly (Operand | undefined)[],
  type: ValueType,
): readonly (Elements | undefined)[] | undefined {
  const table: (Dim | undefined)[] = [];
  const coded = (x: Operand) =>
    array(
      x,
      x.elements.map((d) => table.push(d) - 1),
    );
  const decoded = (results: readonly Array64[]) =>
    results.map(({ data }) => {
      const elements = Array.from(data, (code) => table[code]);
      return elements.every((d) => d !== undefined) ? (elements as Dim[]) : undefined;
    });
  const numbers = (values: readonly number[], dtype: DType) =>
    evaluate(
      node,
      values.map((v) => array64([v], [], dtype)),
    )[0].data[0];
  const [first] = inputs as [Operand];
  const dyadic = DYADIC[node.op];
  if (dyadic && inputs.length === 2) {
    const combine = (a: number, b: number) => {
      const pair = [table[a], table[b]] as Dim[];
      return table.push(isNumeric(pair) ? numbers(pair, first.dtype) : dyadic(pair[0], pair[1])) - 1;
    };
    return decoded([broadcastTo((inputs as Operand[]).map(coded), combine)]);
  }
  const monadic = MONADIC[node.op];
  if (monadic) {
    const combine = (d: Dim) => (typeof d === 'number' ? numbers([d], first.dtype) : monadic(d, type.dtype));
    const elements = first.elements.map(combine);
    return elements.every((d) => d !== undefined) ? [elements as Dim[]] : undefined;
  }
  const moved = MOVED[node.op];
  if (moved && inputs.every((x, i) => !x || moved(i) || isNumeric(x.elements))) {
    return decoded(
      evaluate(
        node,
        inputs.map((x, i) => x && (moved(i) ? coded(x) : array(x, x.elements))),
      ),
    );
  }
  const product = node.op === 'ReduceProd' && sizeOf(type.shape as number[]) === 1;
  return product ? [[productOf(first.elements)]] : undefined;
}
