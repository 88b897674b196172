// Builds graphs: names values, promotes numbers and tensors to constants, checks each node's types as it is added.
import { GraphError } from '../errors.ts';
import type { Attributes, OpName } from './ops.ts';
import { inferNode, type Known, knownConstant, onnxDType } from './shapes.ts';
import type { DType, Graph, Node, NodeOf, Shape, Tensor, ValueInfo } from './types.ts';
import { int64s, scalar } from './types.ts';

/** An operand: the name of a value, a number (a scalar of the first operand's type) or a constant. */
export type Operand = string | number | Tensor;

/** Every name that a graph's nodes, their results and its constants have: what a builder that takes them over reserves. */
export function namesOf({ nodes, constants }: Graph): string[] {
  return [...nodes.flatMap((n) => [n.name, ...n.outputs]), ...constants.keys()];
}

/** Builds a graph node by node: names values, promotes numbers to constants, and knows the type of all it has made. */
export class GraphBuilder {
  private readonly inputs: ValueInfo[] = [];
  private readonly outputs: ValueInfo[] = [];
  private readonly constants = new Map<string, Tensor>();
  private readonly nodes: Node[] = [];
  private readonly known = new Map<string, Known>();
  private readonly scalars = new Map<string, string>();
  private readonly counts = new Map<string, number>();
  private readonly nodeNames = new Set<string>();
  private readonly reserved: ReadonlySet<string>;

  /** @param reserved names that will be given later, and so are not made up. */
  constructor(reserved: Iterable<string> = []) {
    this.reserved = new Set(reserved);
  }

  /** A name that neither value nor node has yet. */
  fresh(base: string): string {
    for (;;) {
      const count = (this.counts.get(base) ?? 0) + 1;
      this.counts.set(base, count);
      const name = count === 1 ? base : `${base}_${count}`;
      if (![this.known, this.nodeNames, this.reserved].some((names) => names.has(name))) return name;
    }
  }

  type(name: string): Known {
    const known = this.known.get(name);
    if (!known) throw new GraphError(`value "${name}" is not defined before it is used`);
    return known;
  }

  shape(name: string): Shape {
    return this.type(name).shape;
  }

  has(name: string): boolean {
    return this.known.has(name);
  }

  constantOf(name: string): Tensor | undefined {
    return this.constants.get(name);
  }

  /** The node that gives a value; undefined for inputs and constants. */
  producer(name: string): Node | undefined {
    return this.nodes.findLast((node) => node.outputs.includes(name));
  }

  input(name: string, dtype: DType, shape: Shape): string {
    this.define(name, { dtype, shape });
    this.inputs.push({ name, dtype, shape });
    return name;
  }

  constant(value: Tensor, name = this.fresh('const')): string {
    this.define(name, knownConstant(value));
    this.constants.set(name, value);
    return name;
  }

  output(name: string): void {
    const { dtype, shape } = this.type(name);
    this.outputs.push({ name, dtype, shape });
  }

  /** Adds a node under given names; `emit` is the everyday form. */
  node(node: Node): void {
    const types = inferNode(node, (name) => this.type(name));
    node.outputs.forEach((name, i) => {
      if (name !== '') this.define(name, types[i]);
    });
    this.nodeNames.add(node.name);
    this.nodes.push(node);
  }

  /** Adds a node with fresh names and gives the names of its outputs. */
  emitAll<K extends OpName>(
    op: K,
    operands: readonly Operand[],
    attributes: Attributes<K>,
    outputs: readonly string[],
  ): string[] {
    const first = operands.find((o) => typeof o === 'string' && this.known.has(o)) as string | undefined;
    const dtype = first ? this.type(first).dtype : 'float32';
    const inputs = operands.map((o) => this.promote(o, dtype));
    const names = outputs.map((name) => this.fresh(name));
    this.node({ op, name: names[0], inputs, outputs: names, attributes } as NodeOf<K> as Node);
    return names;
  }

  emit<K extends OpName>(
    op: K,
    operands: readonly Operand[],
    attributes: Attributes<K> = {} as Attributes<K>,
    name: string = op.toLowerCase(),
  ): string {
    return this.emitAll(op, operands, attributes, [name])[0];
  }

  build(name: string, metadata: Readonly<Record<string, string>> = {}): Graph {
    return {
      name,
      inputs: this.inputs,
      outputs: this.outputs,
      constants: this.constants,
      nodes: this.nodes,
      metadata,
    };
  }

  add(a: Operand, b: Operand): string {
    return this.emit('Add', [a, b]);
  }
  sub(a: Operand, b: Operand): string {
    return this.emit('Sub', [a, b]);
  }
  mul(a: Operand, b: Operand): string {
    return this.emit('Mul', [a, b]);
  }
  div(a: Operand, b: Operand): string {
    return this.emit('Div', [a, b]);
  }
  neg(a: Operand): string {
    return this.emit('Neg', [a]);
  }
  relu(a: Operand): string {
    return this.emit('Relu', [a]);
  }
  where(condition: Operand, a: Operand, b: Operand): string {
    const dtype = [a, b].map((o) => (typeof o === 'string' ? this.type(o).dtype : undefined)).find(Boolean);
    return this.emit('Where', [condition, this.promote(a, dtype), this.promote(b, dtype)]);
  }
  cast(a: Operand, to: DType): string {
    return this.emit('Cast', [a], { to: onnxDType(to) });
  }
  reshape(a: Operand, shape: readonly number[] | string): string {
    return this.emit('Reshape', [a, typeof shape === 'string' ? shape : int64s(shape)]);
  }
  transpose(a: Operand, perm: readonly number[]): string {
    return this.emit('Transpose', [a], { perm });
  }
  reduceSum(a: Operand, axes: readonly number[], keepdims = 1): string {
    return this.emit('ReduceSum', [a, int64s(axes)], { keepdims });
  }
  reduceMean(a: Operand, axes: readonly number[], keepdims = 1): string {
    return this.emit('ReduceMean', [a, int64s(axes)], { keepdims });
  }
  slice(a: Operand, cuts: readonly { axis: number; start: number; end: number; step?: number }[]): string {
    const column = (pick: (cut: (typeof cuts)[number]) => number) => int64s(cuts.map(pick));
    return this.emit('Slice', [
      a,
      column((c) => c.start),
      column((c) => c.end),
      column((c) => c.axis),
      column((c) => c.step ?? 1),
    ]);
  }
  /** The shape of `like`, every element `value`. */
  filledLike(value: number, like: string): string {
    return this.emit('Expand', [scalar(value, this.type(like).dtype), this.emit('Shape', [like])]);
  }
  /** Number of elements, as a float scalar. From the shape, since Size would bring all elements from a GPU to be counted. */
  countOf(value: string, dtype: DType): string {
    return this.cast(this.emit('ReduceProd', [this.emit('Shape', [value])], { keepdims: 0 }), dtype);
  }
  /** Equal parts along an axis. */
  split(a: Operand, axis: number, count: number): string[] {
    const names = Array.from({ length: count }, () => 'split');
    return this.emitAll('Split', [a], { axis, num_outputs: count }, names);
  }
  concat(parts: readonly Operand[], axis: number): string {
    return this.emit('Concat', parts, { axis });
  }
  /** Zeros before and after each axis. */
  pad(a: Operand, begin: readonly number[], end: readonly number[]): string {
    return [...begin, ...end].every((n) => n === 0) && typeof a === 'string'
      ? a
      : this.emit('Pad', [a, int64s([...begin, ...end])]);
  }

  private define(name: string, known: Known): void {
    if (this.known.has(name)) throw new GraphError(`value "${name}" is defined twice`);
    this.known.set(name, known);
  }

  private promote(operand: Operand, dtype: DType = 'float32'): string {
    if (typeof operand === 'string') return operand;
    if (typeof operand === 'object' && operand.data.length > 16) return this.constant(operand);
    const value = typeof operand === 'number' ? scalar(operand, dtype) : operand;
    const key = `${value.dtype}[${value.dims}]${Array.from(value.data)}`;
    const kept = this.scalars.get(key);
    if (kept !== undefined) return kept;
    const name = this.constant(value);
    this.scalars.set(key, name);
    return name;
  }
}
