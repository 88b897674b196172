// Bookkeeping of relevance: at each node what came, what went on, and what bias, stabilizer, gates and padding took.
import type { GraphBuilder } from '../graph/builder.ts';
import { quotient } from '../graph/dims.ts';
import type { Dim, Node } from '../graph/types.ts';
import { int64s } from '../graph/types.ts';

/** Relevance that does not go on: fields that broadcast against the layer's output, to be summed. */
export interface Absorbed {
  readonly bias: string[];
  readonly stabilizer: string[];
  readonly dropped: string[];
  readonly padding: string[];
}

export const absorbingNothing = (): Absorbed => ({ bias: [], stabilizer: [], dropped: [], padding: [] });

/** One node of a ledger; every entry has one number for each clip, the sum over the node's elements. */
export interface LedgerLayer {
  readonly node: string;
  readonly op: string;
  readonly rule: string;
  /** Relevance that arrived at the node's outputs. */
  readonly out: number[];
  /** Relevance that went on to its inputs. */
  readonly in: number[];
  /** Σ c·R·b/s(z) */
  readonly bias: number[];
  /** Σ c·R·(s(z) − z)/s(z) */
  readonly stabilizer: number[];
  /** Relevance at outputs where the rule defines no share. */
  readonly dropped: number[];
  /** Relevance at positions that a Pad put there. */
  readonly padding: number[];
  /** Σ |R| at the node's outputs: what the other entries are exact to. */
  readonly magnitude: number[];
}

/** The ledger of one run: start = Σ over the layers of all that was absorbed + the relevance of the input. */
export interface Ledger {
  readonly start: number[];
  readonly layers: readonly LedgerLayer[];
}

/** The entries of a layer, in the order of the tensor. */
export const ENTRIES = ['out', 'in', 'bias', 'stabilizer', 'dropped', 'padding', 'magnitude'] as const;

export interface LedgerRow {
  readonly node: string;
  readonly op: string;
  readonly rule: string;
}

/** Collects the sums while a relevance graph is compiled. */
export class LedgerBuilder {
  readonly rows: LedgerRow[] = [];
  private readonly g: GraphBuilder;
  private readonly columns: string[] = [];
  private readonly sums = new Map<string, string>();
  /** The batch of the model's input. */
  private readonly batch: Dim;

  constructor(g: GraphBuilder, batch: Dim) {
    this.g = g;
    this.batch = batch;
  }

  record(
    node: Node,
    rule: string,
    arrived: readonly string[],
    passed: readonly string[],
    absorbed: Absorbed,
  ): void {
    const { g } = this;
    this.rows.push({ node: node.name, op: node.op, rule });
    const total = (fields: readonly string[]) =>
      fields.length ? fields.map((f) => this.sum(f)).reduce((a, b) => g.add(a, b)) : this.none(arrived[0]);
    const sizes = arrived.map((name) => this.once(`|${name}|`, () => this.sumOver(g.emit('Abs', [name]))));
    this.columns.push(
      total(arrived),
      total(passed),
      total(absorbed.bias),
      total(absorbed.stabilizer),
      total(absorbed.dropped),
      total(absorbed.padding),
      sizes.reduce((a, b) => g.add(a, b)),
    );
  }

  /** One tensor [layers, entries, N]. */
  build(): string {
    const rows = this.columns.map((column) => this.g.emit('Unsqueeze', [column, int64s([0])]));
    return this.g.reshape(this.g.concat(rows, 0), [this.rows.length, ENTRIES.length, -1]);
  }

  private sum(value: string): string {
    return this.once(value, () => this.sumOver(value));
  }

  private none(like: string): string {
    return this.once('none', () => this.g.filledLike(0, this.sum(like)));
  }

  /** Σ over all but the batch, [N]; the batch may stand at another axis, or have several rows a clip, [k·N, …]. */
  private sumOver(value: string): string {
    const { g, batch } = this;
    const shape = g.shape(value);
    const rows = rowsOfClip(shape[0], batch);
    if (rows > 1) {
      const perClip = shape.slice(1).reduce((n: number, d) => n * Number(d), rows);
      return g.reduceSum(g.reshape(value, [-1, perClip]), [1], 0);
    }
    const axis = Math.max(rows === 1 ? 0 : shape.indexOf(batch), 0);
    const others = [...shape.keys()].filter((i) => i !== axis);
    return others.length ? g.reduceSum(value, others, 0) : value;
  }

  private once(key: string, make: () => string): string {
    const sum = this.sums.get(key) ?? make();
    this.sums.set(key, sum);
    return sum;
  }
}

/** How many rows of a first axis belong to each clip: k of k·N; 0 where it is not the batch's. */
function rowsOfClip(dim: Dim, batch: Dim): number {
  const rows = quotient(dim, batch);
  return typeof rows === 'number' ? rows : 0;
}

/** Reads the tensor [layers, entries, N] that a compiled graph gives. */
export function readLedger(rows: readonly LedgerRow[], data: ArrayLike<number>, batch: number): Ledger {
  const layers = rows.map((row, layer) => {
    const entries = ENTRIES.map((name, entry) => {
      const from = (layer * ENTRIES.length + entry) * batch;
      return [name, Array.from({ length: batch }, (_, i) => Number(data[from + i]))];
    });
    return { ...row, ...Object.fromEntries(entries) } as LedgerLayer;
  });
  return { start: layers[0]?.out ?? [], layers };
}
