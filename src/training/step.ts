// The training step as one graph: forward, cross-entropy, backward, clipping and update, from weights and moments to the next.
import { TrainingError } from '../errors.ts';
import { GraphBuilder, namesOf } from '../graph/builder.ts';
import { staticDims } from '../graph/dims.ts';
import { GRADIENT } from '../graph/gradient.ts';
import { Tape } from '../graph/reverse.ts';
import { poolBeforeRelu, prune, withoutCopies } from '../graph/simplify.ts';
import { type Graph, int64s, sizeOf } from '../graph/types.ts';
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
  for (const group of updatedTogether(trained)) {
    const joined = (prefix: string) =>
      endToEnd(
        g,
        group.map(({ name }) => prefix + name),
      );
    const publishParts = (prefix: string, value: string) =>
      parted(g, value, group).forEach((part, i) => {
        publish(prefix + group[i].name, part);
      });
    const adjoint = endToEnd(g, group.map(ofParameter));
    const gradient = clipped ? g.mul(adjoint, clipped.factor) : adjoint;
    const state = Object.fromEntries(states.map((letter) => [letter, joined(`${letter}.`)]));
    const next = rule.update(
      g,
      { value: joined(''), gradient, state, scalars, decays: isWeight(group[0]) },
      optimizer,
    );
    ['', ...states.map((letter) => `${letter}.`)].forEach((prefix, i) => {
      publishParts(`next.${prefix}`, next[i]);
    });
    if (gradients) publishParts('gradient.', gradient);
  }
  for (const [name, value] of updates) publish(`next.${name}`, value);
  return {
    graph: verify(prune(withoutCopies(g.build(`${network.name}_step`)))),
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

/** Tensors of no more elements than this cost more by the op than by the element. */
const SMALL = 4096;

/** Weights decay; biases, norms' scales and shifts do not. */
const isWeight = ({ dims }: Parameter) => dims.length > 1;

/** Parameters that one update serves: every large one alone, the small weights together, and the small others. */
function updatedTogether(parameters: readonly Parameter[]): (readonly Parameter[])[] {
  const isLarge = ({ dims }: Parameter) => sizeOf(dims) > SMALL;
  const small = parameters.filter((p) => !isLarge(p));
  const groups = [small.filter(isWeight), small.filter((p) => !isWeight(p))];
  return [...parameters.filter(isLarge).map((p) => [p]), ...groups.filter((group) => group.length > 0)];
}

/** Values of any shapes as one row; one alone stays as it is. */
function endToEnd(g: GraphBuilder, values: readonly string[]): string {
  const row = (value: string) => (g.shape(value).length === 1 ? value : g.reshape(value, [-1]));
  return values.length === 1 ? values[0] : g.concat(values.map(row), 0);
}

/** The parts that {@link endToEnd} joined, in the parameters' own shapes. */
function parted(g: GraphBuilder, joined: string, group: readonly Parameter[]): readonly string[] {
  if (group.length === 1) return [joined];
  const sizes = int64s(group.map(({ dims }) => sizeOf(dims)));
  const names = group.map(({ name }) => `part.${name}`);
  const parts = g.emitAll('Split', [joined, sizes], { axis: 0 }, names);
  return parts.map((part, i) => (isWeight(group[i]) ? g.reshape(part, group[i].dims) : part));
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
