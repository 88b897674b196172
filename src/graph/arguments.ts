// The arguments of a node whose types are inferred, and the checks that every rule would repeat.
import { GraphError } from '../errors.ts';
import { staticDims } from './dims.ts';
import type { Attributes, OpName } from './ops.ts';
import type { Dim, DType, NodeOf, Shape, ValueType } from './types.ts';
import { showType } from './types.ts';

/** What is known of a value before any run: its type and, for small integer vectors (shapes), its elements. */
export interface Known extends ValueType {
  readonly elements?: readonly Dim[];
}

/** The arguments of one node, read with the checks that every rule would repeat. */
export class Arguments<K extends OpName> {
  readonly a: Attributes<K>;
  readonly where: string;
  readonly node: NodeOf<K>;
  private readonly known: readonly (Known | undefined)[];

  constructor(node: NodeOf<K>, known: readonly (Known | undefined)[]) {
    this.node = node;
    this.known = known;
    this.a = node.attributes;
    this.where = `${node.op} "${node.name}"`;
  }

  has(i: number): boolean {
    return this.known[i] !== undefined;
  }

  at(i: number): Known {
    const known = this.known[i];
    if (known) return known;
    const name = this.node.inputs[i];
    throw new GraphError(
      name
        ? `${this.where} uses "${name}", which is not defined before it`
        : `${this.where}: input ${i} is missing`,
    );
  }

  shape(i: number): Shape {
    return this.at(i).shape;
  }

  /** The elements of an integer input that must be known before the run, such as axes. */
  ints(i: number): number[] {
    const elements = this.at(i).elements;
    if (elements?.every((e) => typeof e === 'number')) return elements as number[];
    throw new GraphError({ what: `${this.where}: input ${i} must be a constant`, got: 'a computed value' });
  }

  spatial(i: number): number[] {
    if (this.shape(i).length < 3) {
      throw new GraphError({
        what: `${this.where}: input has no spatial axis`,
        expected: '[N, C, …]',
        got: showType(this.at(i)),
      });
    }
    return staticDims(this.shape(i).slice(2), this.where);
  }

  same(i = 0, dtype: DType = this.at(i).dtype): ValueType {
    return { dtype, shape: this.shape(i) };
  }
}

export function without(shape: Shape, axes: readonly number[], keepdims: number): Dim[] {
  return shape.flatMap((dim, i) => (axes.includes(i) ? (keepdims ? [1] : []) : [dim]));
}

export function expectDim<K extends OpName>(x: Arguments<K>, what: string, got: Dim, expected: Dim): void {
  const open = typeof got === 'string' || typeof expected === 'string';
  if (!open && got !== expected) {
    throw new GraphError({ what: `${x.where}: ${what}`, expected: `${expected}`, got: `${got}` });
  }
}

export function sameType<K extends OpName>(x: Arguments<K>, i: number, j: number): void {
  if (x.at(i).dtype !== x.at(j).dtype) {
    throw new GraphError({
      what: `${x.where}: element types differ`,
      expected: x.at(i).dtype,
      got: x.at(j).dtype,
    });
  }
}

/** The elements of a shape operand; an unknown one has no place in a graph with fixed extents. */
export function elementsOf<K extends OpName>(x: Arguments<K>, i: number): readonly Dim[] {
  const elements = x.at(i).elements;
  if (elements) return elements;
  throw new GraphError({
    what: `${x.where}: its shape depends on the data`,
    todo: 'Export the model with a fixed input size.',
  });
}
