// The slow twin of the relevance compiler: LRP in matrix form, one clip at a time, straight from the rules' formulas.
import { exactly, type Rounding, total } from './rounding.ts';
import { hasWeights, merged, type Step, stepsOf, type TwinKind, type TwinNode } from './twin-merge.ts';
import { handedOn, type TwinEntry, type TwinRule } from './twin-rules.ts';

export { sloppyFloat32 } from './rounding.ts';
export type { TwinLayer } from './twin-layers.ts';
export type { TwinKind, TwinNode } from './twin-merge.ts';
export type { TwinEntry, TwinRule } from './twin-rules.ts';

/** What a rule is chosen by; `position` counts the layers with weights in the order of the nodes, −1 is any other. */
export interface Place {
  readonly kind: TwinKind;
  readonly name: string;
  /** No other layer with weights feeds it. */
  readonly first: boolean;
  /** It feeds no other layer with weights. */
  readonly last: boolean;
  readonly position: number;
  readonly count: number;
}

export interface TwinMethod {
  /** The rule of each linear layer (none: ε of 1e-6, and scales pass); without it, everything is the gradient. */
  readonly rule?: (place: Place) => TwinRule | undefined;
  /** guided and deconvnet are what ReLUs do; other activations hand on the gradient. */
  readonly activation: 'pass' | 'gradient' | 'guided' | 'deconvnet';
  /** Further kinds that hand on the gradient although there are rules. */
  readonly gradient?: readonly TwinKind[];
  readonly timesInput?: boolean;
}

export interface TwinResult {
  readonly logits: readonly number[];
  readonly relevance: readonly number[];
  /** By the layers' names; the input's own relevance is `relevance`. */
  readonly ledger: ReadonlyMap<string, TwinEntry>;
  /** Relevance at each layer's result, by name. */
  readonly layers: ReadonlyMap<string, readonly number[]>;
}

export interface TwinQuestion {
  readonly method: TwinMethod;
  readonly start: 'logit' | 'one';
  /** A class, or −1 for the first of the largest logits. */
  readonly target: number;
  readonly against?: number;
}

const NORM: TwinRule = { name: 'epsilon', stabilizer: 1e-6 };
const PASS: TwinRule = { name: 'pass', stabilizer: 0 };

export interface Twin {
  (input: readonly number[], question: TwinQuestion, round?: Rounding): TwinResult;
  /** Names of the nodes that are linear maps, when merged. */
  readonly linear: readonly string[];
}

/**
 * A network made ready: its matrices do not depend on the clip.
 * @param dims of the clip, without the batch
 */
export function twinOf(nodes: readonly TwinNode[], dims: readonly number[]): Twin {
  const steps = merged(stepsOf(nodes, dims), dims);
  const places = placesOf(steps);
  const linear = steps.filter(({ form }) => form.is === 'linear').map(({ name }) => name);
  const explain = (
    input: readonly number[],
    { method, start, target, against }: TwinQuestion,
    round: Rounding = exactly,
  ): TwinResult => {
    const values = forward(steps, input, round);
    const logits = values.at(-1) as readonly number[];
    const chosen = (k: number) => (k < 0 ? logits.indexOf(Math.max(...logits)) : k);
    const value = (k: number) => (start === 'logit' ? logits[k] : 1);
    const relevance = values.map((v) => v.map(() => 0));
    const seed = relevance[steps.length];
    seed[chosen(target)] += value(chosen(target));
    if (against !== undefined) seed[chosen(against)] -= value(chosen(against));
    const ledger = new Map<string, TwinEntry>();
    for (let i = steps.length - 1; i >= 0; i--) {
      const x = steps[i].inputs.flatMap((v) => values[v]);
      const step = back(steps[i], places[i], method, x, values[i + 1], relevance[i + 1], round);
      ledger.set(steps[i].name, step.entry);
      let from = 0;
      for (const v of steps[i].inputs) {
        const own = step.relevance.slice(from, from + values[v].length);
        relevance[v] = relevance[v].map((r, j) => round(r + own[j]));
        from += own.length;
      }
    }
    const [received] = relevance;
    return {
      logits,
      relevance: method.timesInput ? received.map((r, j) => round(r * input[j])) : received,
      ledger,
      layers: new Map(steps.map((step, i) => [step.name, relevance[i + 1]])),
    };
  };
  return Object.assign(explain, { linear });
}

function placesOf(steps: readonly Step[]): Place[] {
  const weighted = steps.filter(hasWeights);
  const behind = [false];
  for (const step of steps) behind.push(step.inputs.some((v) => behind[v]) || hasWeights(step));
  const before = steps.map(() => false);
  for (let i = steps.length - 1; i >= 0; i--) {
    if (!before[i] && !hasWeights(steps[i])) continue;
    for (const v of steps[i].inputs) if (v > 0) before[v - 1] = true;
  }
  return steps.map((step, i) => {
    const position = weighted.indexOf(step);
    return {
      kind: step.kind,
      name: step.name,
      first: position >= 0 && !step.inputs.some((v) => behind[v]),
      last: position >= 0 && !before[i],
      position,
      count: weighted.length,
    };
  });
}

function forward(steps: readonly Step[], input: readonly number[], round: Rounding): (readonly number[])[] {
  const values: (readonly number[])[] = [input];
  for (const { inputs, form } of steps) {
    const x = inputs.flatMap((v) => values[v]);
    if (form.is === 'function') values.push(form.of(x).map(round));
    else if (form.is === 'choice') {
      values.push(form.candidates.map((of) => (of.length ? x[winner(of, x, form.sign)] : form.fill)));
    } else {
      const { rows, bias } = form;
      const terms = rows.map((row) => row.map(({ from, weight }) => round(round(weight) * x[from])));
      values.push(terms.map((row, k) => total([...row, round(bias[k])], round)));
    }
  }
  return values;
}

const winner = (of: readonly number[], x: readonly number[], sign: number) =>
  of.reduce((best, at) => (sign * x[at] > sign * x[best] ? at : best));

function back(
  step: Step,
  place: Place,
  method: TwinMethod,
  x: readonly number[],
  z: readonly number[],
  arrived: readonly number[],
  round: Rounding,
): { relevance: number[]; entry: TwinEntry } {
  const { form, kind } = step;
  const byGradient = !method.rule || method.gradient?.includes(kind);
  if (form.is === 'linear' && method.rule && !byGradient) {
    // A scale has one contribution to each result, which takes all.
    const scales = kind === 'affine' && form.bias.every((c) => c === 0);
    const rule = method.rule(place) ?? (scales ? PASS : NORM);
    return handedOn(rule, { ...form, x, z }, arrived, round);
  }
  const isRelu = step.layer.kind === 'activation' && step.layer.op === 'Relu';
  const gated = isRelu && (method.activation === 'guided' || method.activation === 'deconvnet');
  const r = gated ? arrived.map((v) => Math.max(v, 0)) : arrived;
  const passes =
    kind === 'activation'
      ? method.activation === 'pass' || (gated && method.activation === 'deconvnet')
      : !byGradient;
  const relevance = x.map(() => 0);
  let padding = 0;
  const give = (to: number, v: number) => {
    relevance[to] = round(relevance[to] + v);
  };
  if (form.is === 'choice') {
    form.candidates.forEach((of, k) => {
      if (of.length) give(winner(of, x, form.sign), r[k]);
      else padding += r[k];
    });
  } else if (form.is === 'linear') {
    form.rows.forEach((row, k) => {
      for (const { from, weight } of row) give(from, round(round(weight) * r[k]));
    });
  } else if (passes) {
    form.to.forEach((to, k) => {
      give(to, r[k]);
    });
  } else {
    form.back(x, r, round).forEach((v, i) => {
      give(i, round(v));
    });
  }
  const sum = (v: readonly number[]) => total(v, exactly);
  const magnitude = sum(arrived.map(Math.abs));
  const passed = sum(relevance.map(Math.abs));
  const [out, given] = [sum(arrived), sum(relevance)];
  // A gate lets fall what it does not hand on.
  const dropped = kind === 'activation' && !passes ? out - given : 0;
  return {
    relevance,
    entry: { out, in: given, bias: 0, stabilizer: 0, dropped, padding, magnitude, passed },
  };
}
