// The training step as one graph: forward, cross-entropy, backward and AdamW, from weights and moments to the next.
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import { GRADIENT } from '../graph/gradient.ts';
import { Tape } from '../graph/reverse.ts';
import { poolBeforeRelu, prune } from '../graph/simplify.ts';
import type { Graph } from '../graph/types.ts';
import { int64s } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { forward, type Mask, type Network, type Parameter } from '../model/layers.ts';

export interface AdamW {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled decay of weights (not of biases and norms), as a multiple of the learning rate. */
  readonly weightDecay: number;
}

export const ADAMW: AdamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 };

export interface StepOptions {
  readonly optimizer?: AdamW;
  /** Whether the gradients are outputs too, as `gradient.<name>`. */
  readonly gradients?: boolean;
}

/**
 * A compiled step. Inputs: `input` [N, …], `label` int64 [N], `learning_rate`, `correction1` = 1 − β₁ᵗ and
 * `correction2` = 1 − β₂ᵗ (scalars, made in double precision), every value of `state`, every mask.
 * Outputs: `loss` (mean), `logits`, and `next.<name>` for every value of `state`.
 */
export interface Step {
  readonly graph: Graph;
  readonly parameters: readonly Parameter[];
  /** Weights, statistics and moments (`m.<name>`, `v.<name>`). */
  readonly state: readonly { readonly name: string; readonly dims: readonly number[] }[];
  readonly masks: readonly Mask[];
}

/**
 * Compiles the training step of a network.
 * @param input shape of a clip: [1, bins, frames]
 * @see Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019
 */
export function compileStep(
  network: Network,
  input: readonly number[],
  { optimizer = ADAMW, gradients = false }: StepOptions = {},
): Step {
  const { graph, parameters, masks, updates } = lossGraph(network, input);
  const g = new GraphBuilder(namesOf(graph));
  for (const { name, dtype, shape } of graph.inputs) g.input(name, dtype, shape);
  const scalars = ['learning_rate', 'correction1', 'correction2'].map((name) => g.input(name, 'float32', []));
  const trained = parameters.filter((p) => p.trained);
  const moments = trained.flatMap((p) =>
    ['m', 'v'].map((letter) => ({ name: g.input(`${letter}.${p.name}`, 'float32', p.dims), dims: p.dims })),
  );

  const tape = new Tape(
    g,
    graph,
    GRADIENT,
    trained.map((p) => p.name),
  );
  const adjoints = tape.back(new Map([['loss', g.filledLike(1, 'loss')]]));
  g.output('loss');
  g.output('logits');
  const publish = (name: string, value: string) => {
    g.node({ op: 'Identity', name, inputs: [value], outputs: [name], attributes: {} });
    g.output(name);
  };
  for (const parameter of trained) {
    const gradient = adjoints.get(parameter.name) as string;
    const next = adamW(g, parameter, gradient, scalars, optimizer);
    for (const [name, value] of Object.entries(next)) publish(`next.${name}`, value);
    if (gradients) publish(`gradient.${parameter.name}`, gradient);
  }
  for (const [name, value] of updates) publish(`next.${name}`, value);
  return {
    graph: verify(prune(g.build(`${network.name}_step`))),
    parameters,
    state: [...parameters.map(({ name, dims }) => ({ name, dims })), ...moments],
    masks,
  };
}

/** Forward pass in training form and the mean cross-entropy −log softmax(logits)[label]. */
function lossGraph(network: Network, input: readonly number[]) {
  const g = new GraphBuilder();
  const parameters: Parameter[] = [];
  const masks: Mask[] = [];
  const updates = new Map<string, string>();
  const x = g.input('input', 'float32', ['N', ...input]);
  const label = g.input('label', 'int64', ['N']);
  const last = forward(g, network, x, {
    parameter: (p) => {
      parameters.push(p);
      return g.input(p.name, 'float32', p.dims);
    },
    mask: (mask) => {
      masks.push(mask);
      return g.input(mask.name, 'float32', mask.shape);
    },
    updated: (p, value) => updates.set(p.name, value),
  });
  const logits = g.emit('Identity', [last], {}, 'logits');
  const logProbability = g.emit('LogSoftmax', [logits], { axis: 1 });
  const column = g.emit('Unsqueeze', [label, int64s([1])]);
  const chosen = g.emit('GatherElements', [logProbability, column], { axis: 1 });
  g.emit('Neg', [g.reduceMean(chosen, [0, 1], 0)], {}, 'loss');
  return { graph: poolBeforeRelu(g.build(`${network.name}_loss`)), parameters, masks, updates };
}

/**
 * m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − η·λ·w − η·(m/c₁)/(√(v/c₂) + ε).
 * @returns the next value of the parameter and of its moments, by name
 */
function adamW(
  g: GraphBuilder,
  { name, dims }: Parameter,
  gradient: string,
  [rate, correction1, correction2]: readonly string[],
  { beta1, beta2, epsilon, weightDecay }: AdamW,
): Record<string, string> {
  const moved = (old: string, beta: number, now: string) => g.add(g.mul(old, beta), g.mul(now, 1 - beta));
  const m = moved(`m.${name}`, beta1, gradient);
  const v = moved(`v.${name}`, beta2, g.mul(gradient, gradient));
  const size = g.add(g.emit('Sqrt', [g.div(v, correction2)]), epsilon);
  const step = g.mul(g.div(g.div(m, correction1), size), rate);
  const decays = weightDecay > 0 && dims.length > 1;
  const kept = decays ? g.mul(name, g.sub(1, g.mul(rate, weightDecay))) : name;
  return { [name]: g.sub(kept, step), [`m.${name}`]: m, [`v.${name}`]: v };
}
