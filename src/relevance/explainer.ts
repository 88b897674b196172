// Explains clips with one compiled graph and one session, in batches, and refuses input that the graph cannot take.
import { MethodError, ModelError } from '../errors.ts';
import type { Graph, ValueInfo } from '../graph/types.ts';
import { sizeOf } from '../graph/types.ts';
import { float32, int64, type Runtime, type Session } from '../runtime/runtime.ts';
import { type CompileOptions, compile, type Explanation } from './compile.ts';
import { type Ledger, type LedgerLayer, readLedger } from './ledger.ts';

/** The target that stands for the class with the largest logit. */
export const PREDICTED = -1;

export interface ExplainerOptions extends CompileOptions {
  /** Clips in one run (32); a model whose batch is fixed keeps its own. */
  readonly batch?: number;
}

/** N explained clips, row-major. */
export interface Explained {
  /** [N, classes] */
  readonly logits: Float32Array;
  /** The shape of the input. */
  readonly relevance: Float32Array;
  /** Where it was asked for; its entries are [N]. */
  readonly ledger?: Ledger;
}

/** A classifier and a method, compiled and loaded once, for any number of clips. */
export class Explainer {
  readonly explanation: Explanation;
  private readonly session: Session;
  private readonly batch: number;

  private constructor(explanation: Explanation, session: Session, batch: number) {
    this.explanation = explanation;
    this.session = session;
    this.batch = batch;
  }

  /**
   * Compiles a classifier's explanation and opens a session for it.
   * @throws ModelError, GraphError as {@link compile}; MethodError for a batch that is no whole number above 0
   */
  static async open(runtime: Runtime, model: Graph, options: ExplainerOptions): Promise<Explainer> {
    const { batch = 32 } = options;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new MethodError({ what: 'batch', expected: 'a whole number above 0', got: `${batch}` });
    }
    const explanation = compile(model, options);
    const [fixed] = explanation.input.shape;
    const session = await runtime.open(explanation.graph);
    return new Explainer(explanation, session, typeof fixed === 'number' ? fixed : batch);
  }

  /** Number of classes. */
  get classes(): number {
    return this.explanation.classes;
  }

  /**
   * Explains N clips.
   * @param input row-major, of shape `dims`
   * @param dims [N, …], as the model's input
   * @param targets [N] classes, or {@link PREDICTED}, which all are unless given
   * @param progress called after each batch with the number of clips done
   * @throws ModelError where shapes do not fit, a value is not finite or a target is no class of the model;
   * MethodError where the relevance is not finite
   */
  async explain(
    input: Float32Array,
    dims: readonly number[],
    targets?: ArrayLike<number>,
    progress?: (done: number) => void,
  ): Promise<Explained> {
    checkInput(input, dims, this.explanation.input);
    const count = dims[0];
    const wanted = targets ?? new Array<number>(count).fill(PREDICTED);
    checkTargets(wanted, count, this.classes);
    const size = input.length / count;
    const logits = new Float32Array(count * this.classes);
    const relevance = new Float32Array(input.length);
    const ledgers: Ledger[] = [];
    for (let from = 0; from < count; from += this.batch) {
      const to = Math.min(from + this.batch, count);
      const part = await this.run(
        input.subarray(from * size, to * size),
        dims.slice(1),
        Array.from({ length: to - from }, (_, i) => wanted[from + i]),
      );
      logits.set(part.logits, from * this.classes);
      relevance.set(part.relevance, from * size);
      if (part.ledger) ledgers.push(part.ledger);
      progress?.(to);
    }
    return { logits, relevance, ...(ledgers.length > 0 && { ledger: joined(ledgers) }) };
  }

  /** Frees the session. */
  release(): Promise<void> {
    return this.session.release();
  }

  /** One batch; where the model's batch is fixed, the last one is filled up with zeros, which are cut off again. */
  private async run(input: Float32Array, clip: readonly number[], targets: number[]): Promise<Explained> {
    const { explanation, classes } = this;
    const count = targets.length;
    const rows = typeof explanation.input.shape[0] === 'number' ? this.batch : count;
    const size = sizeOf(clip);
    const filled = rows === count ? input : new Float32Array(rows * size);
    if (rows !== count) filled.set(input);
    const classOf = [...targets, ...new Array(rows - count).fill(0)];
    const got = await this.session.run({
      [explanation.input.name]: float32(filled, [rows, ...clip]),
      [explanation.target]: int64(classOf),
    });
    const floats = (name: string) => got[name].data as Float32Array;
    const relevance = floats(explanation.relevance).subarray(0, count * size);
    if (!relevance.every(Number.isFinite)) {
      throw new MethodError({
        what: `the relevance of "${explanation.graph.name}" is not finite`,
        todo: 'Use a larger stabilizer or epsilon, and check the range of the input.',
      });
    }
    const logits = floats(explanation.logits).subarray(0, count * classes);
    const { ledger } = explanation;
    return {
      logits,
      relevance,
      ...(ledger && { ledger: cut(readLedger(ledger.rows, floats(ledger.name), rows), count) }),
    };
  }
}

function checkInput(input: Float32Array, dims: readonly number[], { name, shape }: ValueInfo): void {
  const fits =
    dims.length === shape.length && shape.every((d, i) => i === 0 || typeof d === 'string' || d === dims[i]);
  if (!fits || !dims.every((d) => Number.isInteger(d) && d > 0)) {
    const any = ['N', ...shape.slice(1)].join(', ');
    throw new ModelError({
      what: `shape of the input "${name}"`,
      expected: `[${any}]`,
      got: `[${dims.join(', ')}]`,
    });
  }
  if (input.length !== sizeOf(dims)) {
    throw new ModelError({
      what: `input "${name}" does not fill its shape [${dims.join(', ')}]`,
      expected: `${sizeOf(dims)} numbers`,
      got: `${input.length}`,
    });
  }
  const bad = input.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    const clip = Math.floor(bad / (input.length / dims[0]));
    throw new ModelError({
      what: `clip ${clip} of the input "${name}"`,
      expected: 'finite numbers',
      got: `${input[bad]}`,
    });
  }
}

function checkTargets(targets: ArrayLike<number>, count: number, classes: number): void {
  if (targets.length !== count) {
    throw new ModelError({ what: 'targets', expected: `${count}, one a clip`, got: `${targets.length}` });
  }
  const bad = Array.from(targets).find((t) => !Number.isInteger(t) || t < PREDICTED || t >= classes);
  if (bad !== undefined) {
    throw new ModelError({
      what: 'target',
      expected: `a class from 0 to ${classes - 1}, or ${PREDICTED} for the predicted one`,
      got: `${bad}`,
    });
  }
}

/** Changes every entry [N] of a ledger; `of` reads the same entry of another ledger of the same graph. */
function mapLedger(
  ledger: Ledger,
  change: (entry: number[], of: (l: Ledger) => number[]) => number[],
): Ledger {
  const layers = ledger.layers.map((layer, i) => {
    const entries = Object.entries(layer).map(([name, value]) => [
      name,
      Array.isArray(value) ? change(value, (l) => l.layers[i][name as keyof LedgerLayer] as number[]) : value,
    ]);
    return Object.fromEntries(entries) as LedgerLayer;
  });
  return { start: change(ledger.start, (l) => l.start), layers };
}

function cut(ledger: Ledger, count: number): Ledger {
  return mapLedger(ledger, (entry) => entry.slice(0, count));
}

function joined(ledgers: readonly Ledger[]): Ledger {
  return mapLedger(ledgers[0], (_, of) => ledgers.flatMap(of));
}
