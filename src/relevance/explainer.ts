// Explains clips with one compiled graph and one session, in batches, and refuses input that the graph cannot take.
import { MethodError } from '../errors.ts';
import type { Graph } from '../graph/types.ts';
import { sizeOf } from '../graph/types.ts';
import { float32, int64, type Runtime, type RuntimeTensor, type Session } from '../runtime/runtime.ts';
import { checkClasses, checkInput } from './check-input.ts';
import { type CompileOptions, compile, type Explanation, type LayerRelevance } from './compile.ts';
import { type Ledger, type LedgerLayer, readLedger } from './ledger.ts';
import { RUN_LOOP } from './loops.ts';
import type { Method } from './method.ts';

/** The target that stands for the class with the largest logit. */
export const PREDICTED = -1;
/** The class to explain against that stands for the one with the largest logit beside the target. */
export const RUNNER_UP = -1;

export interface ExplainerOptions extends CompileOptions {
  /** Clips in one run (32); a model whose batch is fixed keeps its own. */
  readonly batch?: number;
}

/** What may be said of the clips of one call. */
export interface ExplainOptions {
  /** [N] classes to explain against, where the explainer is one of logit A − logit B; {@link RUNNER_UP} unless given. */
  readonly against?: ArrayLike<number>;
  /** Called after each batch with the number of clips done. */
  readonly progress?: (done: number) => void;
}

/** N explained clips, row-major. */
export interface Explained {
  /** [N, classes] */
  readonly logits: Float32Array;
  /** The shape of the input. */
  readonly relevance: Float32Array;
  /** Relevance per unit of the input, of its shape; where asked for and where relevance is proportional to it. */
  readonly perUnit?: Float32Array;
  /** Where it was asked for; its entries are [N]. */
  readonly ledger?: Ledger;
  /** Where they were asked for, from the first layer to the last. */
  readonly layers?: readonly (LayerRelevance & {
    readonly dims: readonly number[];
    readonly data: Float32Array;
  })[];
}

interface Classes {
  readonly targets: readonly number[];
  readonly against: readonly number[];
}

/** A classifier and a method, compiled and loaded once, for any number of clips. */
export class Explainer {
  readonly explanation: Explanation;
  readonly method: Method;
  private readonly session: Session;
  private readonly batch: number;

  private constructor(explanation: Explanation, method: Method, session: Session, batch: number) {
    this.explanation = explanation;
    this.method = method;
    this.session = session;
    this.batch = batch;
  }

  /**
   * Compiles a classifier's explanation and opens a session for it; of a method that is a loop, the gradient's.
   * @throws ModelError, GraphError, MethodError as {@link compile}; MethodError for a batch that is no whole number above 0
   */
  static async open(runtime: Runtime, model: Graph, options: ExplainerOptions): Promise<Explainer> {
    const { batch = 32, method } = options;
    if (!Number.isInteger(batch) || batch < 1) {
      throw new MethodError({ what: 'batch', expected: 'a whole number above 0', got: `${batch}` });
    }
    const { loop, ...single } = method;
    if (loop && (options.ledger === true || options.layers)) {
      throw new MethodError({
        what: `"${method.name}" has neither a ledger nor relevance at its layers`,
        expected: 'a method of one pass',
      });
    }
    if (loop && options.start === 'logit') {
      throw new MethodError({
        what: `"${method.name}" cannot start at the logit`,
        expected: 'a start of one',
      });
    }
    const once: CompileOptions = loop
      ? { ...options, ledger: false, perUnit: false, method: { ...single, timesInput: false } }
      : options;
    const explanation = compile(model, once);
    const [fixed] = explanation.input.shape;
    const session = await runtime.open(explanation.graph);
    return new Explainer(explanation, method, session, typeof fixed === 'number' ? fixed : batch);
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
   * @throws ModelError where shapes do not fit, a value is not finite or a target is no class of the model;
   * MethodError where the relevance is not finite
   */
  async explain(
    input: Float32Array,
    dims: readonly number[],
    targets?: ArrayLike<number>,
    { against, progress }: ExplainOptions = {},
  ): Promise<Explained> {
    checkInput(input, dims, this.explanation.input);
    const [count] = dims;
    const standing = new Array<number>(count).fill(-1);
    const wanted = { targets: Array.from(targets ?? standing), against: Array.from(against ?? standing) };
    checkClasses('target', wanted.targets, count, this.classes, 'the predicted one');
    checkClasses('class to explain against', wanted.against, count, this.classes, 'the strongest other one');
    if (against && !this.explanation.against) {
      throw new MethodError('this explainer was not opened to explain against another class');
    }
    const part = this.method.loop ? 1 : this.batch;
    const parts: Explained[] = [];
    for (let from = 0; from < count; from += part) {
      const to = Math.min(from + part, count);
      const clips = input.subarray((from * input.length) / count, (to * input.length) / count);
      const of = (all: readonly number[]) => all.slice(from, to);
      const chosen = { targets: of(wanted.targets), against: of(wanted.against) };
      parts.push(
        await (this.method.loop
          ? this.runLoop(clips, dims.slice(1), chosen)
          : this.run(clips, dims.slice(1), chosen)),
      );
      progress?.(to);
    }
    return joined(parts);
  }

  /** Frees the session. */
  release(): Promise<void> {
    return this.session.release();
  }

  /** Up to one batch. */
  private async run(input: Float32Array, clip: readonly number[], chosen: Classes): Promise<Explained> {
    const { explanation } = this;
    const count = chosen.targets.length;
    const { got, rows } = await this.runGraph(input, clip, chosen);
    const cut = (tensor: RuntimeTensor) => {
      const data = tensor.data as Float32Array;
      return data.subarray(0, (count * data.length) / rows);
    };
    const relevance = finite(cut(got[explanation.relevance]), explanation.graph.name);
    const { ledger, layers, perUnit } = explanation;
    return {
      logits: cut(got[explanation.logits]),
      relevance,
      ...(perUnit && { perUnit: cut(got[perUnit]) }),
      ...(ledger && {
        ledger: mapLedger(readLedger(ledger.rows, got[ledger.name].data as Float32Array, rows), (entry) =>
          entry.slice(0, count),
        ),
      }),
      ...(layers && {
        layers: layers.map((layer) => {
          const { dims } = got[layer.name];
          return { ...layer, dims: [(dims[0] * count) / rows, ...dims.slice(1)], data: cut(got[layer.name]) };
        }),
      }),
    };
  }

  /** One run; where the model's batch is fixed, the clips are filled up with zeros. */
  private async runGraph(
    input: Float32Array,
    clip: readonly number[],
    { targets, against }: Classes,
    fetches?: readonly string[],
  ): Promise<{ got: Record<string, RuntimeTensor>; rows: number }> {
    const { explanation } = this;
    const count = targets.length;
    const rows = typeof explanation.input.shape[0] === 'number' ? this.batch : count;
    const size = sizeOf(clip);
    const filled = rows === count ? input : new Float32Array(rows * size);
    if (rows !== count) filled.set(input);
    const classOf = (given: readonly number[]) => int64([...given, ...new Array(rows - count).fill(-1)]);
    const feeds = {
      [explanation.input.name]: float32(filled, [rows, ...clip]),
      [explanation.target]: classOf(targets),
      ...(explanation.against && { [explanation.against]: classOf(against) }),
    };
    return { got: await (fetches ? this.session.run(feeds, {}, fetches) : this.session.run(feeds)), rows };
  }

  /** One clip by a method that looks at many like it. */
  private async runLoop(x: Float32Array, extents: readonly number[], chosen: Classes): Promise<Explained> {
    const { explanation, method, classes, batch } = this;
    if (!method.loop) throw new MethodError(`"${method.name}" is no loop`);
    const logitsOf = async (clips: Float32Array) => {
      const count = clips.length / x.length;
      const many = { targets: new Array(count).fill(0), against: new Array(count).fill(-1) };
      const { got } = await this.runGraph(clips, extents, many, [explanation.logits]);
      return (got[explanation.logits].data as Float32Array).subarray(0, count * classes);
    };
    const logits = await logitsOf(x);
    const strongest = (beside: number) =>
      logits.reduce((best, v, k) => (k !== beside && (best < 0 || v > logits[best]) ? k : best), -1);
    const target = chosen.targets[0] < 0 ? strongest(-1) : chosen.targets[0];
    const against = chosen.against[0] < 0 ? strongest(target) : chosen.against[0];
    const gradients = async (clips: Float32Array) => {
      const count = clips.length / x.length;
      const same = { targets: new Array(count).fill(target), against: new Array(count).fill(against) };
      return (await this.run(clips, extents, same)).relevance;
    };
    const values = async (clips: Float32Array) => {
      const rows = await logitsOf(clips);
      const minus = explanation.against ? (i: number) => rows[i * classes + against] : () => 0;
      return Float64Array.from(
        { length: clips.length / x.length },
        (_, i) => rows[i * classes + target] - minus(i),
      );
    };
    const run = RUN_LOOP[method.loop.name];
    const relevance = await run({ x, extents, gradients, values, batch }, method.loop.parameters);
    return { logits, relevance: finite(relevance, explanation.graph.name) };
  }
}

function finite(relevance: Float32Array, name: string): Float32Array {
  if (relevance.every(Number.isFinite)) return relevance;
  throw new MethodError({
    what: `the relevance of "${name}" is not finite`,
    todo: 'Use a larger stabilizer or epsilon, and check the range of the input.',
  });
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

/** The clips of several batches, one after the other. */
function joined(parts: readonly Explained[]): Explained {
  const [first] = parts;
  if (parts.length === 1) return first;
  return {
    logits: concatenated(parts.map((p) => p.logits)),
    relevance: concatenated(parts.map((p) => p.relevance)),
    ...(first.perUnit && { perUnit: concatenated(parts.map((p) => p.perUnit as Float32Array)) }),
    ...(first.ledger && {
      ledger: mapLedger(first.ledger, (_, of) => parts.flatMap((p) => of(p.ledger as Ledger))),
    }),
    ...(first.layers && {
      layers: first.layers.map((layer, i) => {
        const same = parts.map((p) => (p.layers ?? [])[i]);
        const rows = same.reduce((n, l) => n + l.dims[0], 0);
        return {
          ...layer,
          dims: [rows, ...layer.dims.slice(1)],
          data: concatenated(same.map((l) => l.data)),
        };
      }),
    }),
  };
}

function concatenated(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const a of arrays) {
    all.set(a, at);
    at += a.length;
  }
  return all;
}
