// The training step as one graph: forward, cross-entropy, backward, clipping and update, from weights and moments to the next.
import { TrainingError } from '../errors.ts';
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { GRADIENT } from '../graph/gradient.ts';
import { Tape } from '../graph/reverse.ts';
import { poolBeforeRelu, prune } from '../graph/simplify.ts';
import type { Graph } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { forward } from '../model/forward.ts';
import type { Mask, Network, Parameter } from '../model/layers.ts';
import { crossEntropy } from './loss.ts';
import { OPTIMIZERS, type Optimizer, ruleOf } from './optimizers.ts';

export interface StepOptions {
  readonly optimizer?: Optimizer;
  /** Largest norm of all gradients together; above it they are scaled down. */
  readonly clipNorm?: number | undefined;
  /** Whether the gradients are outputs too, as `gradient.<name>`. */
  readonly gradients?: boolean;
}

/**
 * A compiled step. Inputs: `input` [N, …], `target` [N, classes], the scalars, every value of `state`, every mask.
 * Outputs: `loss` = −Σ target·log softmax, `logits`, with `clipNorm` also `gradient_norm`, and `next.<name>` for every value
 * of `state`.
 */
export interface Step {
  readonly graph: Graph;
  /** Shape of a clip, and number of classes. */
  readonly input: readonly number[];
  readonly classes: number;
  readonly parameters: readonly Parameter[];
  /** Weights, statistics and what the optimizer keeps: `m.<name>`, `v.<name>`; `momentum.<name>`. */
  readonly state: readonly { readonly name: string; readonly dims: readonly number[] }[];
  readonly masks: readonly Mask[];
  /** The scalar inputs of step t, from 1 on, at a learning rate. */
  readonly scalars: (rate: number, t: number) => Readonly<Record<string, number>>;
}

/**
 * Compiles the training step of a network.
 * @param input shape of a clip: [1, bins, frames]; of a waveform [1, samples]
 * @throws TrainingError where a setting of the optimizer is out of its range
 * @throws ModelError where a layer does not fit what comes in
 */
export function compileStep(
  network: Network,
  input: readonly number[],
  { optimizer = OPTIMIZERS.adamw, clipNorm, gradients = false }: StepOptions = {},
): Step {
  const rule = ruleOf(optimizer);
  const { graph, classes, parameters, masks, updates } = lossGraph(network, input);
  const g = new GraphBuilder(namesOf(graph));
  for (const { name, dtype, shape } of graph.inputs) g.input(name, dtype, shape);
  const scalars = Object.fromEntries(
    Object.keys(rule.scalars(optimizer, 0, 1)).map((name) => [name, g.input(name, 'float32', [])]),
  );
  const trained = parameters.filter((p) => p.trained);
  const states = rule.states(optimizer);
  const kept = trained.flatMap(({ name, dims }) =>
    states.map((state) => ({ name: g.input(`${state}.${name}`, 'float32', dims), dims })),
  );

  const tape = new Tape(
    g,
    graph,
    GRADIENT,
    trained.map((p) => p.name),
  );
  const adjoints = tape.back(new Map([['loss', g.filledLike(1, 'loss')]]));
  const ofParameter = ({ name }: Parameter) => adjoints.get(name) as string;
  g.output('loss');
  g.output('logits');
  const publish = (name: string, value: string) => {
    g.node({ op: 'Identity', name, inputs: [value], outputs: [name], attributes: {} });
    g.output(name);
  };
  const clipped = clipNorm === undefined ? undefined : scaledTo(g, trained.map(ofParameter), clipNorm);
  if (clipped) publish('gradient_norm', clipped.norm);
  for (const parameter of trained) {
    const { name, dims } = parameter;
    const gradient = clipped ? g.mul(ofParameter(parameter), clipped.factor) : ofParameter(parameter);
    const state = Object.fromEntries(states.map((letter) => [letter, `${letter}.${name}`]));
    const next = rule.update(
      g,
      { value: name, gradient, state, scalars, decays: dims.length > 1 },
      optimizer,
    );
    [name, ...states.map((letter) => `${letter}.${name}`)].forEach((of, i) => {
      publish(`next.${of}`, next[i]);
    });
    if (gradients) publish(`gradient.${name}`, gradient);
  }
  for (const [name, value] of updates) publish(`next.${name}`, value);
  return {
    graph: verify(prune(g.build(`${network.name}_step`))),
    input,
    classes,
    parameters,
    state: [...parameters.map(({ name, dims }) => ({ name, dims })), ...kept],
    masks,
    scalars: (rate, t) => rule.scalars(optimizer, rate, t),
  };
}

/** Forward pass in training form and its loss. */
function lossGraph(network: Network, input: readonly number[]) {
  const g = new GraphBuilder();
  const parameters: Parameter[] = [];
  const masks: Mask[] = [];
  const updates = new Map<string, string>();
  const x = g.input('input', 'float32', ['N', ...input]);
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
  const classes = staticDims(g.shape(logits).slice(1), network.name)[0];
  crossEntropy(g, logits, g.input('target', 'float32', ['N', classes]), 'loss');
  return { graph: poolBeforeRelu(g.build(`${network.name}_loss`)), classes, parameters, masks, updates };
}

/**
 * The norm of all gradients together, and min(1, largest/(norm + 1e-6)), by which each is multiplied.
 * @see Pascanu et al., On the Difficulty of Training Recurrent Neural Networks, 2013; torch.nn.utils.clip_grad_norm_
 */
function scaledTo(g: GraphBuilder, gradients: readonly string[], largest: number) {
  if (!(largest > 0))
    throw new TrainingError({ what: 'clipNorm', expected: 'a norm above 0', got: `${largest}` });
  const of = (value: string) => g.emit('ReduceL2', [g.reshape(value, [-1])], { keepdims: 1 });
  const norm = g.emit('ReduceL2', [g.concat(gradients.map(of), 0)], { keepdims: 0 }, 'norm');
  return { norm, factor: g.emit('Min', [g.div(largest, g.add(norm, 1e-6)), 1]) };
}
