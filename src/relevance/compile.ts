// Compiles a classifier into its explanation: one graph from the input and a target to logits, relevance and ledger.
import { GraphError } from '../errors.ts';
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import type { OpName } from '../graph/ops.ts';
import { Tape } from '../graph/reverse.ts';
import { cropToPools, poolBeforeRelu, prune } from '../graph/simplify.ts';
import type { Graph, Node, ValueInfo } from '../graph/types.ts';
import { int64s } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { canonize } from './canonize.ts';
import { factsOf } from './facts.ts';
import { LedgerBuilder, type LedgerRow } from './ledger.ts';
import type { LayerKind, Method } from './method.ts';
import { isProportional, NORM, type Rule } from './rules.ts';
import { relevanceWalk } from './walk.ts';

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
  const canonical = canonize(model);
  const [input] = canonical.inputs;
  const logits = canonical.outputs[0].name;
  const rules = assignRules(canonical, method);
  const proportional = (node: Node) =>
    node.op === 'BatchNormalization' || isProportional(rules.get(node.outputs[0]) ?? NORM);
  const known = factsOf(canonical, proportional, start === 'logit');
  const graph = cropToPools(poolBeforeRelu(canonical, known.vanishing));
  const facts = factsOf(graph, proportional, start === 'logit');
  const g = new GraphBuilder(namesOf(graph));
  g.input(input.name, input.dtype, input.shape);
  const target = g.input(g.fresh('target'), 'int64', [input.shape[0]]);
  const book = ledger ? new LedgerBuilder(g) : undefined;
  const walk = relevanceWalk(rules, facts, book !== undefined);
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
    graph: verify(prune(g.build(`${graph.name}_${method.name}`, graph.metadata))),
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

/** The rule of every layer with weights, by the name of its output; the first layers are those that no other layer feeds. */
function assignRules(graph: Graph, method: Method): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  const behind = new Set<string>();
  for (const node of graph.nodes) {
    const fed = node.inputs.some((name) => behind.has(name));
    const kind = KINDS[node.op];
    if (kind) rules.set(node.outputs[0], (!fed && method.first) || method.rules[kind]);
    if (fed || kind) for (const name of node.outputs) behind.add(name);
  }
  return rules;
}
