// The training loop: batches through the compiled step, validation, early stopping with the best weights kept.
import { hash32, shuffle } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { sizeOf } from '../graph/types.ts';
import type { Mask, Network } from '../model/layers.ts';
import { classifier, initialWeights, type Weights } from '../model/network.ts';
import { float32, int64, type Runtime, type RuntimeTensor, type Session } from '../runtime/runtime.ts';
import { AUGMENTATION, type Augmentation, type Example, ExampleReader } from './examples.ts';
import { ADAMW, type AdamW, compileStep, type Step } from './step.ts';

export interface FitOptions {
  /** Largest number of passes over the training examples. */
  readonly epochs: number;
  readonly batch: number;
  /** Peak of the learning rate: it rises over the first tenth of the steps and falls along a half cosine. */
  readonly learningRate: number;
  /** Epochs without a better validation after which training stops. */
  readonly patience: number;
  readonly seed: number;
  readonly optimizer: AdamW;
  readonly augmentation: Augmentation;
}

export const FIT: FitOptions = {
  epochs: 12,
  batch: 32,
  learningRate: 3e-3,
  patience: 8,
  seed: 0,
  optimizer: ADAMW,
  augmentation: AUGMENTATION,
};

/** One line of history.jsonl. */
export interface Epoch {
  readonly epoch: number;
  /** Mean cross-entropy over the epoch's (augmented) batches. */
  readonly loss: number;
  readonly accuracy: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  readonly learningRate: number;
  /** Since the start of training. */
  readonly seconds: number;
}

export interface Fitted {
  readonly weights: Weights;
  readonly history: readonly Epoch[];
  /** The epoch whose weights are kept. */
  readonly bestEpoch: number;
}

/** How far training is, for a progress bar. */
export interface FitProgress {
  readonly step: number;
  readonly steps: number;
  readonly last?: Epoch | undefined;
}

/**
 * Trains a network. The same seed gives the same batches, masks and augmentation on every machine, and the same
 * weights on the same machine.
 * @throws TrainingError where there is too little to train on, or the loss is no longer a number
 */
export async function fit(
  runtime: Runtime,
  network: Network,
  settings: FeatureSettings,
  training: readonly Example[],
  validation: readonly Example[],
  options: FitOptions,
  progress: (now: FitProgress) => void = () => {},
): Promise<Fitted> {
  if (training.length < 2 || validation.length < 1) {
    throw new TrainingError({
      what: 'too few recordings to train on',
      expected: 'at least 2 to train and 1 to validate',
      got: `${training.length} and ${validation.length}`,
    });
  }
  const input = [1, ...inputShape(settings)];
  const step = compileStep(network, input, { optimizer: options.optimizer });
  const reader = new ExampleReader(settings);
  const loop = new Loop(
    step,
    await runtime.open(step.graph),
    initialWeights(step.parameters, options.seed),
    options,
  );
  const plain = validation.map((example) => reader.plain(example));
  const labels = validation.map((example) => example.label);
  const batches = Math.ceil(training.length / options.batch);
  const steps = batches * options.epochs;
  const history: Epoch[] = [];
  let best = { weights: loop.weights(), epoch: 0, score: [-1, 0] };
  const start = performance.now();
  try {
    for (let epoch = 1; epoch <= options.epochs; epoch++) {
      const order = shuffle([...training.keys()], hash32(options.seed, epoch));
      let [lossSum, hits] = [0, 0];
      for (let b = 0; b < batches; b++) {
        const chosen = order.slice(b * options.batch, (b + 1) * options.batch);
        const inputs = chosen.map((i) => {
          const seed = hash32(hash32(options.seed, epoch), 2 * i + 1);
          return reader.augmented(training[i], options.augmentation, seed);
        });
        const classes = chosen.map((i) => training[i].label);
        const result = await loop.step(inputs, classes, input, learningRate(loop.done + 1, steps, options));
        lossSum += result.loss * chosen.length;
        hits += result.hits;
        progress({ step: loop.done, steps, last: history.at(-1) });
      }
      const checked = await evaluate(runtime, network, settings, loop.weights(), plain);
      const scores = score(checked, labels);
      history.push({
        epoch,
        loss: lossSum / training.length,
        accuracy: hits / training.length,
        validationLoss: scores.loss,
        validationAccuracy: scores.accuracy,
        learningRate: learningRate(loop.done, steps, options),
        seconds: (performance.now() - start) / 1000,
      });
      const now = [scores.accuracy, -scores.loss];
      if (now[0] > best.score[0] || (now[0] === best.score[0] && now[1] > best.score[1])) {
        best = { weights: loop.weights(), epoch, score: now };
      }
      progress({ step: loop.done, steps, last: history.at(-1) });
      if (epoch - best.epoch >= options.patience) break;
    }
  } finally {
    await loop.session.release();
  }
  return { weights: best.weights, history, bestEpoch: best.epoch };
}

/** Linear rise over the first tenth of the steps, then half a cosine down to 0. */
function learningRate(step: number, steps: number, { learningRate: peak }: FitOptions): number {
  const rise = Math.max(1, Math.round(steps / 10));
  if (step <= rise) return (peak * step) / rise;
  return (peak * (1 + Math.cos((Math.PI * (step - rise)) / Math.max(1, steps - rise)))) / 2;
}

/** Inputs [bins, frames] as one tensor [N, 1, bins, frames]. */
export function batchTensor(inputs: readonly Matrix[], input: readonly number[]): RuntimeTensor {
  const size = sizeOf(input);
  const data = new Float32Array(inputs.length * size);
  inputs.forEach((matrix, i) => {
    data.set(matrix.data, i * size);
  });
  return float32(data, [inputs.length, ...input]);
}

/** The state of the compiled step, passed back and forth between two sets of preallocated tensors. */
class Loop {
  done = 0;
  readonly session: Session;
  private readonly compiled: Step;
  private readonly options: FitOptions;
  private current: Record<string, RuntimeTensor>;
  private spare: Record<string, RuntimeTensor>;

  constructor(step: Step, session: Session, weights: Weights, options: FitOptions) {
    this.compiled = step;
    this.session = session;
    this.options = options;
    const allocate = (fill: Weights) =>
      Object.fromEntries(
        step.state.map(({ name, dims }) => {
          const data = fill[name] ? fill[name].slice() : new Float32Array(sizeOf(dims));
          return [name, float32(data, dims)];
        }),
      );
    this.current = allocate(weights);
    this.spare = allocate({});
  }

  async step(
    inputs: readonly Matrix[],
    labels: readonly number[],
    input: readonly number[],
    rate: number,
  ): Promise<{ loss: number; hits: number }> {
    const t = this.done + 1;
    const { beta1, beta2 } = this.options.optimizer;
    const scalar = (value: number) => float32(Float32Array.of(value), []);
    const masks = this.compiled.masks.map((mask, i) => [
      mask.name,
      dropoutMask(mask, inputs.length, hash32(hash32(this.options.seed, 0x6d61736b + i), t)),
    ]);
    const feeds = {
      input: batchTensor(inputs, input),
      label: int64(labels),
      learning_rate: scalar(rate),
      correction1: scalar(1 - beta1 ** t),
      correction2: scalar(1 - beta2 ** t),
      ...this.current,
      ...Object.fromEntries(masks),
    };
    const next = Object.fromEntries(
      Object.entries(this.spare).map(([name, value]) => [`next.${name}`, value]),
    );
    const got = await this.session.run(feeds, next, ['loss', 'logits']);
    [this.current, this.spare] = [this.spare, this.current];
    this.done = t;
    const loss = Number(got.loss.data[0]);
    if (!Number.isFinite(loss)) {
      throw new TrainingError({
        what: `the loss is ${loss} at step ${t}`,
        todo: 'Train with a smaller learning rate.',
      });
    }
    const predicted = argmaxRows(got.logits.data as Float32Array, labels.length);
    return { loss, hits: predicted.filter((p, i) => p === labels[i]).length };
  }

  /** A copy of the weights and running statistics. */
  weights(): Weights {
    return Object.fromEntries(
      this.compiled.parameters.map(({ name }) => [name, (this.current[name].data as Float32Array).slice()]),
    );
  }
}

/** 0 with probability `rate`, else 1/(1 − rate): a counter-based draw, the same for the same seed. */
function dropoutMask({ shape, rate }: Mask, batch: number, seed: number): RuntimeTensor {
  const dims = shape.map((d) => (typeof d === 'string' ? batch : d));
  const kept = 1 / (1 - rate);
  const limit = rate * 2 ** 32;
  const data = Float32Array.from({ length: sizeOf(dims) }, (_, i) => (hash32(seed, i) < limit ? 0 : kept));
  return float32(data, dims);
}

/** Index of the largest of each row. */
export function argmaxRows(data: ArrayLike<number>, rows: number): number[] {
  const columns = data.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < columns; c++) if (data[row * columns + c] > data[row * columns + best]) best = c;
    return best;
  });
}

/** Logits [N, classes] of inputs that are taken as they are. */
export async function evaluate(
  runtime: Runtime,
  network: Network,
  settings: FeatureSettings,
  weights: Weights,
  inputs: readonly Matrix[],
): Promise<Float32Array[]> {
  const input = [1, ...inputShape(settings)];
  const session = await runtime.open(classifier(network, input, weights));
  const logits: Float32Array[] = [];
  for (let start = 0; start < inputs.length; start += 64) {
    const part = inputs.slice(start, start + 64);
    const result = (await session.run({ input: batchTensor(part, input) })).logits;
    const width = result.data.length / part.length;
    part.forEach((_, i) => {
      logits.push((result.data as Float32Array).slice(i * width, (i + 1) * width));
    });
  }
  await session.release();
  return logits;
}

function score(
  logits: readonly Float32Array[],
  labels: readonly number[],
): { loss: number; accuracy: number } {
  let [loss, hits] = [0, 0];
  logits.forEach((row, i) => {
    const top = Math.max(...row);
    const sum = row.reduce((s, v) => s + Math.exp(v - top), 0);
    loss += top + Math.log(sum) - row[labels[i]];
    if (row[labels[i]] === top) hits++;
  });
  return { loss: loss / labels.length, accuracy: hits / labels.length };
}
