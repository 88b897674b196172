// The reverse walk that gradient and relevance share: record a forward graph, then carry adjoints from outputs to inputs.
import { GraphError } from '../errors.ts';
import type { GraphBuilder } from './builder.ts';
import { staticDims } from './dims.ts';
import type { OpName } from './ops.ts';
import type { Graph, Node, NodeOf, Shape } from './types.ts';
import { type Window, type WindowAttributes, windowOf } from './window.ts';

/** One node on the way back: its operands by name, and what has arrived at its outputs. */
export class Visit<K extends OpName> {
  readonly g: GraphBuilder;
  readonly node: NodeOf<K>;
  /** The adjoint of each output; undefined where none arrived. */
  readonly arrived: readonly (string | undefined)[];
  /** What this op's `forward` kept. */
  readonly saved: Readonly<Record<string, string>>;
  private readonly active: ReadonlySet<string>;

  constructor(
    g: GraphBuilder,
    node: NodeOf<K>,
    arrived: readonly (string | undefined)[],
    saved: Readonly<Record<string, string>>,
    active: ReadonlySet<string>,
  ) {
    this.g = g;
    this.node = node;
    this.arrived = arrived;
    this.saved = saved;
    this.active = active;
  }

  /** The adjoint of the first output. */
  get out(): string {
    return this.arrived[0] as string;
  }

  get where(): string {
    return `${this.node.op} "${this.node.name}"`;
  }

  input(i: number): string {
    return this.node.inputs[i];
  }

  shape(i: number): Shape {
    return this.g.shape(this.node.inputs[i]);
  }

  /** Whether anything asked for depends on input i. */
  needs(i: number): boolean {
    return this.active.has(this.node.inputs[i] ?? '');
  }

  /** Window geometry of a Conv or pool. */
  window(kernel?: readonly number[]): Window {
    const a = this.node.attributes as WindowAttributes;
    return windowOf(
      a,
      kernel ?? a.kernel_shape ?? [],
      staticDims(this.shape(0).slice(2), this.where),
      this.where,
    );
  }
}

/** The adjoints of a node's inputs from those of its outputs; undefined where nothing flows. */
export type Backward<K extends OpName> = (visit: Visit<K>) => readonly (string | undefined)[];

/** How an op is walked. `forward` may emit the node in another form, under the same output names, and keep values. */
export interface ReverseRule<K extends OpName> {
  readonly forward?: (g: GraphBuilder, node: NodeOf<K>) => Readonly<Record<string, string>>;
  readonly backward: Backward<K>;
}

/** An exhaustive table: each op has its rule, or the reason why nothing flows through it. */
export type ReverseTable = { readonly [K in OpName]: ReverseRule<K> | string };

/** A recorded forward pass, ready to be walked back. */
export class Tape {
  private readonly g: GraphBuilder;
  private readonly table: ReverseTable;
  private readonly nodes: readonly Node[];
  private readonly active = new Set<string>();
  private readonly saved = new Map<Node, Readonly<Record<string, string>>>();

  /**
   * Emits the forward pass of a graph into a builder that already holds its inputs.
   * @param wanted the values whose adjoints are asked for
   */
  constructor(g: GraphBuilder, graph: Graph, table: ReverseTable, wanted: readonly string[]) {
    this.g = g;
    this.table = table;
    this.nodes = graph.nodes;
    for (const name of wanted) this.active.add(name);
    for (const [name, constant] of graph.constants) if (!g.has(name)) g.constant(constant, name);
    for (const node of graph.nodes) {
      const data = node.op !== 'Shape' && node.op !== 'Size';
      const active = data && node.inputs.some((name) => this.active.has(name));
      if (active) for (const name of node.outputs) this.active.add(name);
      const forward = active ? this.rule(node)?.forward : undefined;
      if (forward) this.saved.set(node, forward(g, node as NodeOf<OpName>));
      else g.node(node);
    }
  }

  /**
   * Carries adjoints from outputs to inputs.
   * @param seeds the adjoint of each value that the walk starts from
   * @param arrive called once for each node with the adjoints that arrived and those that it passed on
   * @returns the adjoint of every value reached
   */
  back(
    seeds: ReadonlyMap<string, string>,
    arrive?: (
      node: Node,
      arrived: readonly (string | undefined)[],
      passed: readonly (string | undefined)[],
    ) => void,
  ): Map<string, string> {
    const adjoints = new Map(seeds);
    for (const node of this.nodes.toReversed()) {
      const arrived = node.outputs.map((name) => adjoints.get(name));
      if (arrived.every((a) => a === undefined) || !node.inputs.some((name) => this.active.has(name)))
        continue;
      const rule = this.rule(node);
      if (!rule) {
        throw new GraphError({
          what: `nothing can be carried back through ${node.op} "${node.name}"`,
          got: this.table[node.op] as string,
        });
      }
      const visit = new Visit(
        this.g,
        node as NodeOf<OpName>,
        arrived,
        this.saved.get(node) ?? {},
        this.active,
      );
      const passed = rule.backward(visit).map((a, i) => (visit.needs(i) ? a : undefined));
      arrive?.(node, arrived, passed);
      node.inputs.forEach((name, i) => {
        const more = passed[i];
        if (more === undefined) return;
        const before = adjoints.get(name);
        adjoints.set(name, before === undefined ? more : this.g.add(before, more));
      });
    }
    return adjoints;
  }

  private rule(node: Node): ReverseRule<OpName> | undefined {
    const rule = this.table[node.op] as ReverseRule<OpName> | string;
    return typeof rule === 'string' ? undefined : rule;
  }
}
