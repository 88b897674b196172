// Compiles a classifier into its explanation: one graph from the input and a target to logits, relevance and ledger.
import { GraphError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { GRADIENT } from '../graph/gradient.ts';
import type { OpName } from '../graph/ops.ts';
import { type ReverseRule, type ReverseTable, Tape, type Visit } from '../graph/reverse.ts';
import type { Graph, Node, ValueInfo } from '../graph/types.ts';
import { int64s } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { canonize } from './canonize.ts';
import { type Facts, factsOf } from './facts.ts';
import { LedgerBuilder, type LedgerRow } from './ledger.ts';
import { affine, averaging, convolution, dense, globalAveraging, type Linear } from './linear.ts';
import type { LayerKind, Method } from './method.ts';
import { type Absorbed, propagate } from './propagate.ts';
import { isProportional, NORM, type Rule } from './rules.ts';

export interface CompileOptions {
  readonly method: Method;
  /** What the one-hot of the target is multiplied by: its logit (Σ R = f(x)), or one. */
  readonly start?: 'logit' | 'one';
  /** Whether the graph also keeps the ledger, for 0.2 to 0.4 forward passes. */
  readonly ledger?: boolean;
}

/** A compiled explanation and the names of what goes in and out of it. */
export interface Explanation {
  readonly graph: Graph;
  /** The model's own input. */
  readonly input: ValueInfo;
  readonly classes: number;
  /** int64 [N]; −1 is the predicted class. */
  readonly target: string;
  /** [N, classes] */
  readonly logits: string;
  /** The shape of the input. */
  readonly relevance: string;
  /** [layers, entries, N], where asked for. */
  readonly ledger?: { readonly name: string; readonly rows: readonly LedgerRow[] };
}

/** Nodes with a layer of weights, by op. */
const KINDS: Partial<Record<OpName, LayerKind>> = { Conv: 'convolution', Gemm: 'dense', MatMul: 'dense' };

/**
 * Compiles a classifier and a method into one ONNX graph.
 * @throws ModelError where the graph is no classifier, GraphError where it holds an op that no rule handles
 * @see Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
 * Propagation, PLOS ONE 2015
 */
export function compile(
  model: Graph,
  { method, start = 'logit', ledger = false }: CompileOptions,
): Explanation {
  const graph = canonize(model);
  const [input] = graph.inputs;
  const logits = graph.outputs[0].name;
  const rules = assignRules(graph, method);
  const facts = factsOf(
    graph,
    (node) => node.op === 'BatchNormalization' || isProportional(rules.get(node.name) ?? NORM),
    start === 'logit',
  );
  const g = new GraphBuilder([...graph.nodes.flatMap((n) => n.outputs), ...graph.constants.keys()]);
  g.input(input.name, input.dtype, input.shape);
  const target = g.input(g.fresh('target'), 'int64', [input.shape[0]]);
  const book = ledger ? new LedgerBuilder(g) : undefined;
  const walk = relevanceTable(rules, facts, book !== undefined);
  const tape = new Tape(g, graph, walk.table, [input.name]);
  const seed = startOf(g, logits, target, start);
  const adjoints = tape.back(new Map([[logits, seed]]), (node, arrived, passed) => {
    const through = passed.filter((name) => name !== undefined);
    book?.record(node, walk.ruleName(node), arrived[0] as string, through, walk.absorbed(node));
  });
  const relevance = adjoints.get(input.name);
  if (relevance === undefined)
    throw new GraphError(`the logits of "${model.name}" do not depend on its input`);
  const sheet = book && publish(g, 'ledger', book.build());
  return {
    input,
    classes: graph.outputs[0].shape[1] as number,
    target,
    logits: publish(g, 'logits', logits),
    relevance: publish(g, 'relevance', relevance),
    ...(book && sheet && { ledger: { name: sheet, rows: book.rows } }),
    graph: verify(g.build(`${graph.name}_${method.name}`, graph.metadata)),
  };
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

/** The one-hot of the target class, times its logit or 1: [N, classes]. */
function startOf(g: GraphBuilder, logits: string, target: string, start: 'logit' | 'one'): string {
  const predicted = g.emit('ArgMax', [logits], { axis: 1, keepdims: 1 });
  const asked = g.emit('Unsqueeze', [target, int64s([1])]);
  // −1 is the predicted class; other negative targets become one that GatherElements refuses.
  const classes = g.shape(logits)[1] as number;
  const isPredicted = g.emit('Equal', [asked, -1]);
  const outside = g.where(g.emit('Less', [asked, 0]), g.filledLike(classes, asked), asked);
  const index = g.where(isPredicted, predicted, outside);
  const logit = g.emit('GatherElements', [logits, index], { axis: 1 });
  const value = start === 'logit' ? logit : g.filledLike(1, logit);
  return g.emit('ScatterElements', [g.filledLike(0, logits), index, value], { axis: 1 });
}

/** The rule of every layer with weights, by node name; the first layers are those that no other layer feeds. */
function assignRules(graph: Graph, method: Method): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  const behind = new Set<string>();
  for (const node of graph.nodes) {
    const fed = node.inputs.some((name) => behind.has(name));
    const kind = KINDS[node.op];
    if (kind) rules.set(node.name, (!fed && method.first) || method.rules[kind]);
    if (fed || kind) for (const name of node.outputs) behind.add(name);
  }
  return rules;
}

interface Walk {
  readonly table: ReverseTable;
  readonly ruleName: (node: Node) => string;
  readonly absorbed: (node: Node) => Absorbed;
}

/** How relevance passes each op: linear layers by rule, activations and rearrangements as they are. */
function relevanceTable(rules: ReadonlyMap<string, Rule>, facts: Facts, keeping: boolean): Walk {
  const shares = new Map<string, Absorbed>();
  const through =
    <K extends OpName>(layer: (v: Visit<K>) => Linear): ReverseRule<K>['backward'] =>
    (v) => {
      const absorbed = { bias: [], stabilizer: [], dropped: [] };
      if (keeping) shares.set(v.node.name, absorbed);
      const rule = rules.get(v.node.name) ?? NORM;
      return [
        propagate(v.g, layer(v), v.node.outputs[0], v.out, rule, facts, keeping ? absorbed : undefined),
      ];
    };
  const pass = { backward: (v: Visit<OpName>) => [v.out] };
  const refused = Object.fromEntries(
    Object.keys(GRADIENT).map((op) => [
      op,
      `no rule carries relevance through ${op}; supported are ${SUPPORTED}`,
    ]),
  ) as unknown as ReverseTable;
  return {
    table: {
      ...refused,
      Conv: { backward: through(convolution) },
      Gemm: { backward: through(dense) },
      AveragePool: { backward: through(averaging) },
      GlobalAveragePool: { backward: through(globalAveraging) },
      BatchNormalization: { backward: through(affine) },
      Relu: pass,
      MaxPool: GRADIENT.MaxPool,
      GlobalMaxPool: GRADIENT.GlobalMaxPool,
      Flatten: GRADIENT.Flatten,
      Reshape: GRADIENT.Reshape,
      Squeeze: GRADIENT.Squeeze,
      Unsqueeze: GRADIENT.Unsqueeze,
      Transpose: GRADIENT.Transpose,
    },
    ruleName: (node) => {
      if (rules.has(node.name)) return (rules.get(node.name) as Rule).name;
      if (/Average|BatchNorm/.test(node.op)) return 'norm';
      return /Max/.test(node.op) ? 'winner' : 'pass';
    },
    absorbed: (node) => shares.get(node.name) ?? { bias: [], stabilizer: [], dropped: [] },
  };
}

const SUPPORTED =
  'Conv, Gemm, MatMul by a constant matrix, BatchNormalization, Relu, MaxPool, AveragePool, GlobalAveragePool, ' +
  'GlobalMaxPool, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Dropout and a final Softmax';
