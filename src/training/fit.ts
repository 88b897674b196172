// The training loop: batches through the compiled step, validation, early stopping with the best weights kept.
import type { Examples } from '../augmentation/examples.ts';
import { hash32, shuffle } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import type { Network } from '../model/layers.ts';
import { initialWeights, type Weights } from '../model/network.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { type Checkpoint, checkPlan } from './checkpoint.ts';
import { evaluate, score } from './evaluate.ts';
import { TrainingLoop } from './loop.ts';
import { balancedWeights, hits as hitsOf, targets } from './loss.ts';
import { mixed, mixing } from './mixup.ts';
import { OPTIMIZERS, type Optimizer } from './optimizers.ts';
import { learningRate, type Schedule } from './schedule.ts';
import { compileStep } from './step.ts';

export interface FitOptions {
  /** Largest number of passes over the training examples. */
  readonly epochs: number;
  /** Most examples of a step; an epoch is cut into parts of nearly one size. */
  readonly batch: number;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Largest global norm of the gradient; null: as it is. */
  readonly clipNorm: number | null;
  /** Share of the target that is spread over all classes. */
  readonly smoothing: number;
  /** Whether a rare class counts as much as a common one. */
  readonly balance: boolean;
  /** α of mixup; 0 mixes nothing. */
  readonly mixup: number;
  /**
   * How much of their average the weights keep at each step (0.999, say); what is validated and kept is the average. 0: the
   * weights themselves. Polyak and Juditsky 1992, here with an exponential window.
   */
  readonly average: number;
  /** Epochs without a better validation after which training stops. */
  readonly patience: number;
  readonly seed: number;
}

export const FIT: FitOptions = {
  epochs: 12,
  batch: 32,
  optimizer: OPTIMIZERS.adamw,
  schedule: { kind: 'cosine', rate: 3e-3, warmUp: 0.1 },
  clipNorm: null,
  smoothing: 0,
  balance: false,
  mixup: 0,
  average: 0,
  patience: 8,
  seed: 0,
};

/** One line of history.jsonl. */
export interface Epoch {
  readonly epoch: number;
  /** Mean cross-entropy over the epoch's (varied) batches. */
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
  /** Why training ended before its time, where the loss was no longer a number; the weights are the best until then. */
  readonly failure: TrainingError | null;
}

/** How far training is, for a progress bar. */
export interface FitProgress {
  readonly step: number;
  readonly steps: number;
  readonly last?: Epoch | undefined;
}

/** What goes on around a fit. */
export interface FitSurroundings {
  readonly onProgress?: (now: FitProgress) => void;
  /** Where the fit goes on from. */
  readonly resume?: Checkpoint | undefined;
  /** Keeps the state; called after each epoch, every `checkpointSeconds` (60), and when `signal` ends the fit. */
  readonly onCheckpoint?: (now: Checkpoint) => Promise<void>;
  readonly checkpointSeconds?: number;
  /** Facts beside network, input and options that have to be the same when a fit goes on. */
  readonly plan?: Readonly<Record<string, unknown>>;
  /** Ends the fit after the step that is under way; the fit then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Batches that are assembled while another is trained on. */
const AHEAD = 2;

/** What of a seed is for what. */
const STREAM = { order: 0, example: 1, mix: 2 };

/**
 * Trains a network. The same seed gives the same batches, masks and variations on every machine, and the same
 * weights on the same machine, also where a fit was ended and went on from a checkpoint.
 *
 * @param input shape of a clip as the network takes it: [1, bins, frames], of a waveform [1, samples]
 * @throws TrainingError where there is too little to train on, an input is not finite, the loss is not a number before the
 * first epoch has ended, or the checkpoint is of another fit
 */
export async function fit(
  runtime: Runtime,
  network: Network,
  input: readonly number[],
  training: Examples,
  validation: Examples,
  options: FitOptions,
  around: FitSurroundings = {},
): Promise<Fitted> {
  const { resume, onProgress, onCheckpoint, signal } = around;
  const count = training.labels.length;
  if (count < 2 || validation.labels.length < 1) {
    throw new TrainingError({
      what: 'too few recordings to train on',
      expected: 'at least 2 to train and 1 to validate',
      got: `${count} and ${validation.labels.length}`,
    });
  }
  const plan = { ...around.plan, network, input, options, clips: count };
  if (resume) checkPlan(resume.plan, plan);
  const { optimizer, clipNorm, seed } = options;
  const step = compileStep(network, input, { optimizer, clipNorm: clipNorm ?? undefined });
  const { classes } = step;
  const loop = new TrainingLoop(step, await runtime.open(step.graph), {
    state: resume?.state ?? initialWeights(step.parameters, seed),
    done: resume?.step ?? 0,
    seed,
  });
  const batches = Math.ceil(count / options.batch);
  const course = { steps: batches * options.epochs, perEpoch: batches };
  const classWeights = options.balance ? balancedWeights(training.labels, classes) : undefined;
  const history = [...(resume?.history ?? [])];
  const averages = options.average > 0 ? (resume?.average ?? loop.weights()) : undefined;
  /** What is validated and kept. */
  const learnt = (): Weights => (averages ? copyOf(averages) : loop.weights());
  let best = resume?.best ?? { weights: learnt(), epoch: 0, score: [-1, 0] as const };
  const start = performance.now() - 1000 * (resume?.seconds ?? 0);
  const seconds = () => (performance.now() - start) / 1000;
  let saved = performance.now();

  const assemble = async ({ epoch, batch }: Position): Promise<Batch> => {
    const own = hash32(seed, epoch);
    const order = orderOf(count, own);
    const chosen = order.slice(...partOf(count, batches, batch));
    const seeds = chosen.map((i) => hash32(hash32(own, STREAM.example), i));
    const labels = chosen.map((i) => training.labels[i]);
    const mix =
      options.mixup > 0
        ? mixing(chosen.length, options.mixup, hash32(hash32(own, STREAM.mix), batch))
        : undefined;
    const data = await training.inputs(chosen, seeds);
    checkFinite(data);
    const { smoothing } = options;
    if (!mix) return { data, target: targets(labels, classes, { smoothing, classWeights }), labels };
    const others = { labels: mix.partner.map((p) => labels[p]), share: mix.share };
    return {
      data: mixed(data, mix),
      target: targets(labels, classes, { smoothing, classWeights, mix: others }),
      labels,
    };
  };
  const ahead = new Ahead(assemble, batches, options.epochs, {
    epoch: resume?.epoch ?? 1,
    batch: resume?.batch ?? 0,
  });
  let failure: TrainingError | null = null;
  try {
    for (let epoch = resume?.epoch ?? 1; epoch <= options.epochs; epoch++) {
      const goesOn = epoch === resume?.epoch;
      let [lossSum, hits] = goesOn ? [resume.lossSum, resume.hits] : [0, 0];
      const checkpoint = (batch: number): Checkpoint => ({
        ...(averages && { average: copyOf(averages) }),
        ...{ plan, state: loop.state(), step: loop.done, epoch, batch, lossSum, hits },
        ...{ history: [...history], seconds: seconds(), best },
      });
      for (let batch = goesOn ? resume.batch : 0; batch < batches; batch++) {
        const { data, target, labels } = await ahead.next();
        const rate = learningRate(options.schedule, loop.done + 1, course);
        const result = await loop.step({ data, target, count: labels.length }, rate);
        // In the beginning the average is of few weights, and those that it began with are forgotten sooner.
        if (averages) loop.averageInto(averages, Math.min(options.average, loop.done / (loop.done + 10)));
        lossSum += result.loss * labels.length;
        hits += hitsOf(result.logits, labels);
        onProgress?.({ step: loop.done, steps: course.steps, last: history.at(-1) });
        const due = performance.now() - saved > 1000 * (around.checkpointSeconds ?? 60);
        if (signal?.aborted || due) {
          await onCheckpoint?.(checkpoint(batch + 1));
          saved = performance.now();
        }
        signal?.throwIfAborted();
      }
      const checked = await evaluate(runtime, network, input, learnt(), validation);
      const scores = score(checked, validation.labels);
      history.push({
        epoch,
        loss: lossSum / count,
        accuracy: hits / count,
        validationLoss: scores.loss,
        validationAccuracy: scores.accuracy,
        learningRate: learningRate(options.schedule, loop.done, course),
        seconds: seconds(),
      });
      const now = [scores.accuracy, -scores.loss] as const;
      if (now[0] > best.score[0] || (now[0] === best.score[0] && now[1] > best.score[1])) {
        best = { weights: learnt(), epoch, score: now };
      }
      onProgress?.({ step: loop.done, steps: course.steps, last: history.at(-1) });
      if (epoch - best.epoch >= options.patience) break;
      [lossSum, hits] = [0, 0];
      await onCheckpoint?.({ ...checkpoint(0), epoch: epoch + 1 });
      saved = performance.now();
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (!(error instanceof TrainingError) || best.epoch === 0) throw error;
    failure = error;
  } finally {
    await loop.session.release();
  }
  return { weights: best.weights, history, bestEpoch: best.epoch, failure };
}

const copyOf = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, data]) => [name, data.slice()]));

interface Position {
  readonly epoch: number;
  readonly batch: number;
}

interface Batch {
  /** [count, …input]. */
  readonly data: Float32Array;
  /** [count, classes]. */
  readonly target: Float32Array;
  readonly labels: readonly number[];
}

/** Assembles batches before they are asked for, across the ends of epochs. */
class Ahead {
  private readonly coming: Promise<Batch>[] = [];
  private readonly assemble: (position: Position) => Promise<Batch>;
  private readonly batches: number;
  private readonly epochs: number;
  private position: Position;

  constructor(
    assemble: (position: Position) => Promise<Batch>,
    batches: number,
    epochs: number,
    first: Position,
  ) {
    [this.assemble, this.batches, this.epochs, this.position] = [assemble, batches, epochs, first];
  }

  next(): Promise<Batch> {
    while (this.coming.length <= AHEAD) {
      const { epoch, batch } = this.position;
      // An end of epoch at which a fit was ended.
      const now = batch < this.batches ? this.position : { epoch: epoch + 1, batch: 0 };
      if (now.epoch > this.epochs) break;
      const batchComing = this.assemble(now);
      batchComing.catch(() => {}); // it is told when it is asked for
      this.coming.push(batchComing);
      this.position = { epoch: now.epoch, batch: now.batch + 1 };
    }
    return this.coming.shift() as Promise<Batch>;
  }
}

const orders = new Map<number, readonly number[]>();

/** The order of an epoch's examples; only the last few are remembered. */
function orderOf(count: number, seed: number): readonly number[] {
  const known = orders.get(seed);
  if (known?.length === count) return known;
  const order = shuffle([...Array(count).keys()], hash32(seed, STREAM.order));
  if (orders.size > 2) orders.clear();
  orders.set(seed, order);
  return order;
}

/** Part `k` of `count` cut into `parts` of nearly one size. */
function partOf(count: number, parts: number, k: number): [begin: number, end: number] {
  return [Math.floor((k * count) / parts), Math.floor(((k + 1) * count) / parts)];
}

/** A ReLU may swallow NaN, so that the loss alone does not tell. */
function checkFinite(data: Float32Array): void {
  const bad = data.find((v) => !Number.isFinite(v));
  if (bad === undefined) return;
  throw new TrainingError({
    what: 'an input of a training example',
    expected: 'finite values',
    got: `${bad}`,
  });
}
