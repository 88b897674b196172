// The loss: cross-entropy with soft targets, which hold label smoothing, class weights and mixup.
import { TrainingError } from '../errors.ts';
import type { GraphBuilder } from '../graph/builder.ts';

/** A row that is mixed with another clip: share λ of its own class, 1 − λ of the partner's. */
export interface Mix {
  /** Class of the partner of each row. */
  readonly labels: readonly number[];
  /** λ of each row, from 0 to 1. */
  readonly share: ArrayLike<number>;
}

export interface TargetOptions {
  /** ε of label smoothing (Szegedy et al. 2016), from 0 to below 1. */
  readonly smoothing?: number;
  /** w of each class; all 1 if not given. */
  readonly classWeights?: readonly number[] | undefined;
  readonly mix?: Mix | undefined;
}

/**
 * Targets t [N, classes], float32, for which −Σ t·log softmax(z) is PyTorch's CrossEntropyLoss(weight, label_smoothing):
 *
 *     t[n, c] = ((1 − ε)·w[y]·[c = y] + ε/C·w[c]) / Σₙ w[y],   y the class of row n
 *
 * A mixed row is λ of its own row and 1 − λ of its partner's, its weight in the sum likewise.
 *
 * @throws TrainingError where a label, weight or share is out of range
 * @see Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018
 */
export function targets(
  labels: readonly number[],
  classes: number,
  options: TargetOptions = {},
): Float32Array {
  const { smoothing = 0, classWeights, mix } = options;
  checkTargets(labels, classes, options);
  const weight = (c: number) => classWeights?.[c] ?? 1;
  const rows = new Float64Array(labels.length * classes);
  let total = 0;
  const add = (n: number, label: number, share: number) => {
    total += share * weight(label);
    rows[n * classes + label] += share * (1 - smoothing) * weight(label);
    for (let c = 0; c < classes; c++) rows[n * classes + c] += ((share * smoothing) / classes) * weight(c);
  };
  labels.forEach((label, n) => {
    const share = mix?.share[n] ?? 1;
    add(n, label, share);
    if (mix) add(n, mix.labels[n], 1 - share);
  });
  return Float32Array.from(rows, (t) => t / total);
}

function checkTargets(
  labels: readonly number[],
  classes: number,
  { smoothing = 0, classWeights, mix }: TargetOptions,
): void {
  const check = (right: boolean, what: string, expected: string, got: unknown) => {
    if (!right) throw new TrainingError({ what, expected, got: `${got}` });
  };
  const weights = classWeights ?? [];
  const wrong = [...labels, ...(mix?.labels ?? [])].find(
    (y) => !(Number.isInteger(y) && y >= 0 && y < classes),
  );
  check(wrong === undefined, 'a label', `a class from 0 to ${classes - 1}`, wrong);
  check(smoothing >= 0 && smoothing < 1, 'label smoothing', 'from 0 to below 1', smoothing);
  check(!classWeights || weights.length === classes, 'class weights', `${classes} numbers`, weights.length);
  check(
    weights.every((w) => w > 0 && w < Number.POSITIVE_INFINITY),
    'class weights',
    'above 0',
    weights,
  );
  if (!mix) return;
  const shares = Array.from(mix.share);
  const lengths = [mix.labels.length, shares.length];
  check(
    lengths.every((n) => n === labels.length),
    'mixup',
    `a partner and a share for ${labels.length} rows`,
    lengths,
  );
  check(
    shares.every((s) => s >= 0 && s <= 1),
    'mixup',
    'shares from 0 to 1',
    shares,
  );
}

/** −Σₙ Σ_c t·log softmax(z), a scalar. @param logits z [N, classes] @param target t, the same shape */
export function crossEntropy(g: GraphBuilder, logits: string, target: string, name: string): string {
  const logProbability = g.emit('LogSoftmax', [logits], { axis: 1 });
  return g.emit('Neg', [g.reduceSum(g.mul(logProbability, target), [0, 1], 0)], {}, name);
}

/** How many rows of logits [N, classes] are largest at their label, the first of equals. */
export function hits(logits: ArrayLike<number>, labels: readonly number[]): number {
  const classes = logits.length / labels.length;
  return labels.filter((label, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[row * classes + c] > logits[row * classes + best]) best = c;
    return best === label;
  }).length;
}

/** w_c = N/(C·n_c): each class has the same part in the loss; a class without examples has 1. */
export function balancedWeights(labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]++;
  return counts.map((n) => (n > 0 ? labels.length / (classes * n) : 1));
}
