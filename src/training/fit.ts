// The training loop: batches through the compiled step, validation, early stopping with the best weights kept.
import { hash32, shuffle } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { Network } from '../model/layers.ts';
import { initialWeights, type Weights } from '../model/network.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { evaluate, score } from './evaluate.ts';
import { AUGMENTATION, type Augmentation, type Example, ExampleReader } from './examples.ts';
import { batchTensor, TrainingLoop } from './loop.ts';
import { hits as hitsOf, targets } from './loss.ts';
import { OPTIMIZERS, type Optimizer } from './optimizers.ts';
import { compileStep } from './step.ts';

export interface FitOptions {
  /** Largest number of passes over the training examples. */
  readonly epochs: number;
  readonly batch: number;
  /** Peak of the learning rate: it rises over the first tenth of the steps and falls along a half cosine. */
  readonly learningRate: number;
  /** Epochs without a better validation after which training stops. */
  readonly patience: number;
  readonly seed: number;
  readonly optimizer: Optimizer;
  readonly augmentation: Augmentation;
}

export const FIT: FitOptions = {
  epochs: 12,
  batch: 32,
  learningRate: 3e-3,
  patience: 8,
  seed: 0,
  optimizer: OPTIMIZERS.adamw,
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
 * @throws TrainingError where there is too little to train on, a power is not finite or the loss no longer a number
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
  checkPower('training', training);
  checkPower('validation', validation);
  const input = [1, ...inputShape(settings)];
  const step = compileStep(network, input, { optimizer: options.optimizer });
  const reader = new ExampleReader(settings);
  const loop = new TrainingLoop(step, await runtime.open(step.graph), {
    state: initialWeights(step.parameters, options.seed),
    seed: options.seed,
  });
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
        const result = await loop.step(
          {
            data: batchTensor(inputs, input).data as Float32Array,
            target: targets(classes, step.classes),
            count: chosen.length,
          },
          learningRate(loop.done + 1, steps, options),
        );
        lossSum += result.loss * chosen.length;
        hits += hitsOf(result.logits, classes);
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

/** A ReLU may swallow NaN, so that the loss alone does not tell. */
function checkPower(part: string, examples: readonly Example[]): void {
  for (const [i, { power }] of examples.entries()) {
    const bad = power.data.find((v) => !Number.isFinite(v));
    if (bad !== undefined) {
      throw new TrainingError({ what: `${part} example ${i}`, expected: 'finite power', got: `${bad}` });
    }
  }
}

/** Linear rise over the first tenth of the steps, then half a cosine down to 0. */
function learningRate(step: number, steps: number, { learningRate: peak }: FitOptions): number {
  const rise = Math.max(1, Math.round(steps / 10));
  if (step <= rise) return (peak * step) / rise;
  return (peak * (1 + Math.cos((Math.PI * (step - rise)) / Math.max(1, steps - rise)))) / 2;
}
