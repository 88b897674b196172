// Where a classifier's logits are, which activation makes its output of them, and probabilities from logits.
import { ModelError } from '../errors.ts';
import type { OpName } from '../graph/ops.ts';
import { inferShapes } from '../graph/shapes.ts';
import type { Graph, Node } from '../graph/types.ts';
import { isFloat } from '../graph/types.ts';

const SQUASHING = ['Softmax', 'LogSoftmax', 'Sigmoid'] as const satisfies OpName[];
/** What turns logits into probabilities, or their logarithms, at the end of a classifier. */
export type FinalActivation = (typeof SQUASHING)[number];
/** Ops that only rearrange what a classifier ends in. */
const RESHAPING: readonly OpName[] = ['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'];

export interface Logits {
  /** Value of the graph that holds the logits, float32 [N, classes]. */
  readonly name: string;
  readonly classes: number;
  /** What follows them; null where the output itself is logits. */
  readonly activation: FinalActivation | null;
  /** The name of that node. */
  readonly node: string | null;
  /** The model's graph; where the logits have no value of their own in it, with nodes that give them. */
  readonly graph: Graph;
}

/**
 * The logits of a classifier: of its output "logits", or else of its first output of floats, walking back through
 * reshapes and one final Softmax, LogSoftmax or Sigmoid. Where a model of one logit z gives 1 − σ(z) beside σ(z), they are
 * −z and z.
 *
 * @throws ModelError where that leads to no value [N, classes]
 */
export function logitsOf(graph: Graph): Logits {
  const types = inferShapes(graph);
  const output =
    graph.outputs.find((o) => o.name === 'logits') ?? graph.outputs.find((o) => isFloat(o.dtype));
  const way = output ? wayBack(graph, output.name) : [];
  const pair = way.length > 0 ? pairedLogits(graph, (way.at(-1) as Step).name) : undefined;
  if (pair) return pair;
  const squash = way.findIndex(({ by }) => by && isSquashing(by));
  const activation = way[squash]?.by as (Node & { op: FinalActivation }) | undefined;
  const classesOf = (name: string) => {
    const { dtype, shape } = types.get(name) ?? {};
    return dtype && isFloat(dtype) && shape?.length === 2 && typeof shape[1] === 'number'
      ? shape[1]
      : undefined;
  };
  const isMatrix = ({ name }: Step) => classesOf(name) !== undefined;
  const behind = way.slice(squash + 1).find(isMatrix);
  const found = behind ?? way.find(isMatrix);
  if (!found) {
    throw new ModelError({
      what: `model "${graph.name}" is no classifier`,
      expected: 'an output of logits [N, classes]',
      got: graph.outputs.map((o) => `${o.name} [${o.shape.join(', ')}]`).join(', '),
    });
  }
  return {
    name: found.name,
    classes: classesOf(found.name) as number,
    activation: activation?.op ?? null,
    node: activation?.name ?? null,
    graph: behind || !activation ? graph : withoutActivation(graph, activation),
  };
}

/** A value on the way back from the output, and the node that gives it where the way goes on through it. */
interface Step {
  readonly name: string;
  readonly by?: Node;
}

/** From the output back, through no more than one activation. */
function wayBack(graph: Graph, output: string): Step[] {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  const way: Step[] = [];
  let squashed = false;
  for (let name = output; ; ) {
    const by = makers.get(name);
    const goesOn = by && (RESHAPING.includes(by.op) || (isSquashing(by) && !squashed));
    way.push(goesOn ? { name, by } : { name });
    if (!goesOn) return way;
    squashed ||= isSquashing(by);
    name = by.inputs[0];
  }
}

const isSquashing = (node: Node) => (SQUASHING as readonly OpName[]).includes(node.op);

/** Concat(1 − σ(z), σ(z)), as two-class models of one logit end: σ(−z) and σ(z). */
function pairedLogits(graph: Graph, output: string): Logits | undefined {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  const pair = makers.get(output);
  if (pair?.op !== 'Concat' || pair.inputs.length !== 2) return undefined;
  const [rest, squash] = pair.inputs.map((name) => makers.get(name));
  const one = rest?.op === 'Sub' && graph.constants.get(rest.inputs[0])?.data.every((v) => v === 1);
  if (squash?.op !== 'Sigmoid' || !one || rest.inputs[1] !== squash.outputs[0]) return undefined;
  const [z] = squash.inputs;
  const opposite = `${output}/opposite`;
  const nodes: Node[] = [
    { op: 'Neg', name: opposite, inputs: [z], outputs: [opposite], attributes: {} },
    { ...pair, inputs: [opposite, z] },
  ];
  return {
    name: output,
    classes: 2,
    activation: 'Sigmoid',
    node: squash.name,
    graph: { ...graph, nodes: graph.nodes.flatMap((node) => (node === pair ? nodes : [node])) },
  };
}

function withoutActivation(graph: Graph, activation: Node): Graph {
  const identity: Node = { ...activation, op: 'Identity', attributes: {} };
  return { ...graph, nodes: graph.nodes.map((node) => (node === activation ? identity : node)) };
}

/**
 * The probability of each class: by a sigmoid each where the classifier ends in one or has a single logit, else by
 * softmax, without overflow.
 */
export function probabilitiesOf(logits: ArrayLike<number>, activation: FinalActivation | null): number[] {
  const all = Array.from(logits);
  if (activation === 'Sigmoid' || all.length === 1) return all.map((z) => 1 / (1 + Math.exp(-z)));
  const largest = Math.max(...all);
  const powers = all.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}
