// Optimizers as data: what each keeps for a parameter, its scalars at step t, and its update as nodes of the step.
import { TrainingError } from '../errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';

/** What all have in common. */
interface Decaying {
  /** Decay of weights; biases and norms have none. */
  readonly weightDecay: number;
}

/** Stochastic gradient descent, as torch.optim.SGD (without dampening). */
export interface Sgd extends Decaying {
  readonly kind: 'sgd';
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** Adam with the decay as a part of the gradient, as torch.optim.Adam. */
export interface Adam extends Decaying {
  readonly kind: 'adam';
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Adam with the decay apart from the gradient, as a multiple of the learning rate, as torch.optim.AdamW. */
export interface AdamW extends Omit<Adam, 'kind'> {
  readonly kind: 'adamw';
}

export type Optimizer = Sgd | Adam | AdamW;

const BETAS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Each with the settings that it has where nothing else is said. */
export const OPTIMIZERS = {
  sgd: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 },
  adam: { kind: 'adam', ...BETAS, weightDecay: 0 },
  adamw: { kind: 'adamw', ...BETAS, weightDecay: 1e-2 },
} as const satisfies { [K in Optimizer['kind']]: Optimizer & { readonly kind: K } };

/** A parameter on its way from one step to the next: names of values of the graph. */
interface Update {
  readonly value: string;
  readonly gradient: string;
  /** Its state tensors, by the names of {@link Rule.states}. */
  readonly state: Readonly<Record<string, string>>;
  readonly scalars: Readonly<Record<string, string>>;
  /** Whether it is a weight, which decays. */
  readonly decays: boolean;
}

interface Rule<O> {
  /** Tensors of the parameter's shape that go from step to step, 0 at first. */
  readonly states: (o: O) => readonly string[];
  /** What the graph takes at step t (from 1) for a learning rate, in double precision. */
  readonly scalars: (o: O, rate: number, t: number) => Readonly<Record<string, number>>;
  /** The next value of the parameter, then of its states. */
  readonly update: (g: GraphBuilder, u: Update, o: O) => readonly string[];
}

/** g + λ·w */
function coupled(g: GraphBuilder, { value, gradient, decays }: Update, weightDecay: number): string {
  return decays && weightDecay > 0 ? g.add(gradient, g.mul(value, weightDecay)) : gradient;
}

/** b ← μ·b + g, w ← w − η·b; Nesterov's w ← w − η·(g + μ·b). */
const SGD: Rule<Sgd> = {
  states: ({ momentum }) => (momentum > 0 ? ['momentum'] : []),
  scalars: (_, rate) => ({ learning_rate: rate }),
  update: (g, u, { momentum, nesterov, weightDecay }) => {
    const gradient = coupled(g, u, weightDecay);
    const moved = (direction: string) => g.sub(u.value, g.mul(direction, u.scalars.learning_rate));
    if (momentum === 0) return [moved(gradient)];
    const buffer = g.add(g.mul(u.state.momentum, momentum), gradient);
    return [moved(nesterov ? g.add(gradient, g.mul(buffer, momentum)) : buffer), buffer];
  },
};

/**
 * m ← β₁m + g, v ← β₂v + g², w ← w − s·m/(√v + e): Adam's moments without their factors 1 − β, which the scalars bring
 * in, s = η·(1 − β₁)/((1 − β₁ᵗ)·a), e = ε/a, a = √((1 − β₂)/(1 − β₂ᵗ)); so fewer passes over all weights.
 */
function adaptive<O extends Adam | AdamW>(
  decay: (o: O, rate: number) => Readonly<Record<string, number>>,
  update: (g: GraphBuilder, u: Update, o: O) => { gradient: string; kept: string },
): Rule<O> {
  return {
    states: () => ['m', 'v'],
    scalars: (o, rate, t) => {
      const a = Math.sqrt((1 - o.beta2) / (1 - o.beta2 ** t));
      const size = (rate * (1 - o.beta1)) / ((1 - o.beta1 ** t) * a);
      return { step_size: size, step_epsilon: o.epsilon / a, ...decay(o, rate) };
    },
    update: (g, u, o) => {
      const { gradient, kept } = update(g, u, o);
      const m = g.add(g.mul(u.state.m, o.beta1), gradient);
      const v = g.add(g.mul(u.state.v, o.beta2), g.mul(gradient, gradient));
      const direction = g.div(m, g.add(g.emit('Sqrt', [v]), u.scalars.step_epsilon));
      return [g.sub(kept, g.mul(direction, u.scalars.step_size)), m, v];
    },
  };
}

/**
 * @see Kingma and Ba, Adam, 2015; Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019
 * @see Sutskever et al., On the Importance of Initialization and Momentum in Deep Learning, 2013
 */
const RULES: { readonly [K in Optimizer['kind']]: Rule<Extract<Optimizer, { kind: K }>> } = {
  sgd: SGD,
  adam: adaptive(
    () => ({}),
    (g, u, { weightDecay }) => ({ gradient: coupled(g, u, weightDecay), kept: u.value }),
  ),
  adamw: adaptive(
    ({ weightDecay }, rate) => ({ step_decay: 1 - rate * weightDecay }),
    (g, { value, gradient, decays, scalars }) => ({
      gradient,
      kept: decays ? g.mul(value, scalars.step_decay) : value,
    }),
  ),
};

/** The rule of an optimizer. @throws TrainingError where a setting is out of its range */
export function ruleOf<O extends Optimizer>(optimizer: O): Rule<O> {
  const shares = { momentum: 1, beta1: 1, beta2: 1 };
  for (const [name, value] of Object.entries(optimizer)) {
    if (typeof value !== 'number') continue;
    const below = shares[name as keyof typeof shares] ?? Number.POSITIVE_INFINITY;
    if (value >= 0 && value < below) continue;
    const expected = below === 1 ? 'from 0 to below 1' : 'a number from 0 on';
    throw new TrainingError({ what: `${optimizer.kind}: ${name}`, expected, got: `${value}` });
  }
  return RULES[optimizer.kind] as unknown as Rule<O>;
}
