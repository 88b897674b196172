// Compiles a classifier into its explanation: one graph from the input and a target to logits, relevance and ledger.
import { GraphError, MethodError } from '../errors.ts';
import type { InputRange } from '../features/range.ts';
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import { cropToPools } from '../graph/crop.ts';
import { Tape } from '../graph/reverse.ts';
import { poolBeforeRelu, prune } from '../graph/simplify.ts';
import type { Graph, Node, Shape, ValueInfo } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { type Assignments, assign } from './assign.ts';
import { canonize } from './canonize/canonize.ts';
import { factsOf } from './facts.ts';
import type { LayerKind } from './kinds.ts';
import { LedgerBuilder, type LedgerRow } from './ledger.ts';
import type { Method } from './method.ts';
import { elementsOfInput } from './proportional.ts';
import { isRule } from './rules.ts';
import { startOf } from './start.ts';
import { relevanceWalk } from './walk.ts';

export interface CompileOptions {
  readonly method: Method;
  /** What the one-hot of the target is multiplied by: its logit (Σ R = f(x)), or one; the method's own unless given. */
  readonly start?: 'logit' | 'one';
  /** Whether the graph also keeps the ledger, for about half a forward pass (0.5 to 0.7 at a batch of 32); 'auto': where the method conserves. */
  readonly ledger?: boolean | 'auto';
  /** Whether the graph explains logit A − logit B: why the target and not another class, which is one more input. */
  readonly against?: boolean;
  /** Whether the graph also gives the relevance of what each layer computes. */
  readonly layers?: boolean;
  /** Whether the graph also gives relevance per unit of the input, where relevance is proportional to it. */
  readonly perUnit?: boolean;
  /** The range of the model's input, for box rules without bounds of their own. */
  readonly range?: InputRange;
}

/** The relevance of what one layer of the canonical graph computes. */
export interface LayerRelevance {
  readonly node: string;
  readonly op: string;
  readonly rule: string;
  /** Of what the layer computes and of its relevance alike. */
  readonly shape: Shape;
  /** The graph's output. */
  readonly name: string;
}

/** A compiled explanation and the names of what goes in and out of it. */
export interface Explanation {
  readonly graph: Graph;
  readonly method: Method;
  readonly start: 'logit' | 'one';
  /** The model's own input. */
  readonly input: ValueInfo;
  readonly classes: number;
  /** int64 [N]; −1 is the predicted class. */
  readonly target: string;
  /** int64 [N], where asked for; −1 is the strongest class beside the target. */
  readonly against?: string;
  /** [N, classes] */
  readonly logits: string;
  /** The shape of the input. */
  readonly relevance: string;
  /** ρ of the shape of the input, with relevance = input ⊙ ρ; where asked for and where there is such a thing. */
  readonly perUnit?: string;
  /** [layers, entries, N], where asked for. */
  readonly ledger?: { readonly name: string; readonly rows: readonly LedgerRow[] };
  /** From the first layer to the last, where asked for. */
  readonly layers?: readonly LayerRelevance[];
}

/**
 * Compiles a classifier and a method into one ONNX graph.
 * @throws ModelError where the graph is no classifier, GraphError where it holds an op that no rule handles,
 * MethodError where the method does not fit the graph, or has no ledger and one is asked for
 * @see Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
 * Propagation, PLOS ONE 2015
 */
export function compile(model: Graph, options: CompileOptions): Explanation {
  const { method, start = method.start, ledger = false, against = false, layers = false, range } = options;
  const { timesInput } = method;
  refuseLoop(method);
  const canonical = canonize(model);
  // Relevance at the layers is that of the model's own order and extents.
  const graph = layers ? canonical : reduced(canonical, method, start, range);
  const assignments = assign(graph, method, range);
  const keeping = ledger === 'auto' ? conserves(method, assignments) : ledger;
  if (keeping) refuseLedger(method, assignments);
  const facts = factsOf(graph, assignments, start === 'logit' && !against);
  const [input] = graph.inputs;
  const [{ name: logits, shape }] = graph.outputs;
  if (against && shape[1] === 1) {
    throw new MethodError({
      what: `"${model.name}" has one class`,
      expected: 'two or more, to explain one against another',
    });
  }
  const g = new GraphBuilder(namesOf(graph));
  g.input(input.name, input.dtype, input.shape);
  const batch = input.shape.slice(0, 1);
  const target = g.input(g.fresh('target'), 'int64', batch);
  const other = against ? g.input(g.fresh('against'), 'int64', batch) : undefined;
  const book = keeping ? new LedgerBuilder(g, batch[0]) : undefined;
  const elements = options.perUnit && !timesInput ? elementsOfInput(graph, assignments) : undefined;
  const walk = relevanceWalk(graph, assignments, facts, book !== undefined, elements);
  const tape = new Tape(g, graph, walk.table, [input.name]);
  const seed = startOf(g, logits, target, start, other);
  /** Relevance of a value from what was carried to it. */
  const whole = (value: string, carried: string) => (elements?.has(value) ? g.mul(carried, value) : carried);
  const adjoints = tape.back(new Map([[logits, seed]]), (node, arrived, passed) => {
    const given = (names: readonly (string | undefined)[], values: readonly string[]) =>
      names.flatMap((name, i) => (name === undefined ? [] : [whole(values[i], name)]));
    book?.record(
      node,
      walk.ruleName(node),
      given(arrived, node.outputs),
      given(passed, node.inputs),
      walk.absorbed(node),
    );
  });
  const arrived = adjoints.get(input.name);
  if (arrived === undefined) throw new GraphError(`the logits of "${model.name}" do not depend on its input`);
  const relevance = timesInput ? g.mul(arrived, input.name) : whole(input.name, arrived);
  const proportional = elements !== undefined || (options.perUnit && timesInput);
  const sheet = book && publish(g, 'ledger', book.build());
  const names = {
    logits: publish(g, 'logits', logits),
    relevance: publish(g, 'relevance', relevance),
    ...(proportional && { perUnit: publish(g, 'per_unit', arrived) }),
  };
  const along = layers ? layerOutputs(g, graph, adjoints, walk.ruleName, whole) : undefined;
  return {
    method,
    start,
    input,
    classes: shape[1] as number,
    target,
    ...(other && { against: other }),
    ...names,
    ...(book && sheet && { ledger: { name: sheet, rows: book.rows } }),
    ...(along && { layers: along }),
    graph: verify(prune(g.build(`${graph.name}_${method.name}`, graph.metadata))),
  };
}

/** The canonical graph with less to do: pooled before it is rectified, and cropped to what pooling takes. */
export function reduced(
  canonical: Graph,
  method: Method,
  start: 'logit' | 'one',
  range: InputRange | undefined,
): Graph {
  const { rectified } = factsOf(canonical, assign(canonical, method, range), start === 'logit');
  const pooled = poolBeforeRelu(canonical, rectified);
  // What a relative stabilizer is a part of is the mean over all that a layer gives.
  const relative = method.clauses.some(({ treatment }) => isRule(treatment) && treatment.relative);
  return relative ? pooled : cropToPools(pooled);
}

function refuseLoop({ name, loop }: Method): void {
  if (!loop) return;
  throw new MethodError({
    what: `"${name}" runs a compiled graph many times, so that it is no graph itself`,
    todo: 'Use `earmark attribute` or the Explainer for it; compile a method of one pass, such as gradient or epsilon-plus-flat.',
  });
}

const CONSERVING: readonly LayerKind[] = ['convolution', 'dense', 'average', 'sum', 'affine', 'product'];

/** Whether every layer hands on shares of what it gets. */
function conserves({ timesInput }: Method, assignments: Assignments): boolean {
  const lossy = [...assignments.values()].some(
    ({ kind, treatment }) => CONSERVING.includes(kind) && treatment?.name === 'gradient',
  );
  return !lossy && !timesInput;
}

function refuseLedger(method: Method, assignments: Assignments): void {
  if (conserves(method, assignments)) return;
  throw new MethodError({
    what: `"${method.name}" does not conserve relevance, so that it has no ledger`,
    expected: 'a method whose layers hand on shares, such as epsilon-plus-flat',
  });
}

/** Makes a value an output of the given name; where the model has that name itself, a free one. */
function publish(g: GraphBuilder, name: string, value: string): string {
  if (value !== name) {
    const free = g.fresh(name);
    g.node({ op: 'Identity', name: free, inputs: [value], outputs: [free], attributes: {} });
    g.output(free);
    return free;
  }
  g.output(name);
  return name;
}

/** The relevance of what each layer computes; of values whose first axis is the batch's, so that batches can be joined. */
function layerOutputs(
  g: GraphBuilder,
  graph: Graph,
  adjoints: ReadonlyMap<string, string>,
  ruleName: (node: Node) => string,
  whole: (value: string, carried: string) => string,
): LayerRelevance[] {
  const [batch] = graph.inputs[0].shape;
  return graph.nodes.flatMap((node) => {
    const adjoint = adjoints.get(node.outputs[0]);
    if (adjoint === undefined) return [];
    const shape = g.shape(adjoint);
    const byClip = shape[0] === batch || (typeof shape[0] === 'string' && shape[0].endsWith(`*${batch}`));
    if (!byClip) return [];
    const name = publish(g, `relevance/${node.name}`, whole(node.outputs[0], adjoint));
    return [{ node: node.name, op: node.op, rule: ruleName(node), shape, name }];
  });
}
