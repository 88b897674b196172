// The training loop: batches through the compiled step, validation, early stopping with the best weights kept.
import type { Examples } from '../augmentation/examples.ts';
import { TrainingError } from '../errors.ts';
import { sizeOf } from '../graph/types.ts';
import type { Network } from '../model/layers.ts';
import { initialWeights, type Weights } from '../model/network.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { Batches, type BatchOptions } from './batches.ts';
import { type Checkpoint, checkPlan } from './checkpoint.ts';
import { evaluate, score } from './evaluate.ts';
import { TrainingLoop } from './loop.ts';
import { hits as hitsOf } from './loss.ts';
import { OPTIMIZERS, type Optimizer } from './optimizers.ts';
import { learningRate, type Schedule } from './schedule.ts';
import { compileStep, type Step } from './step.ts';

export interface FitOptions extends BatchOptions {
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Largest global norm of the gradient; null: as it is. */
  readonly clipNorm: number | null;
  /**
   * How much of their average the weights keep at each step (0.999, say); what is validated and kept is the average. 0: the
   * weights themselves. Polyak and Juditsky 1992, here with an exponential window.
   */
  readonly average: number;
  /** Epochs without a better validation after which training stops. */
  readonly patience: number;
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

/**
 * Trains a network. The same seed gives the same batches, masks and variations on every machine, and the same
 * weights on the CPU of the same machine, also where a fit was ended and went on from a checkpoint.
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
  const plan = { ...around.plan, device: runtime.device, network, input, options, clips: count };
  if (resume) checkPlan(resume.plan, plan);
  const { optimizer, clipNorm, seed } = options;
  const step = compileStep(network, input, { optimizer, clipNorm: clipNorm ?? undefined });
  const { classes } = step;
  if (resume) checkState(resume, step.state);
  const loop = new TrainingLoop(step, await runtime.open(step.graph), {
    state: resume?.state ?? initialWeights(step.parameters, seed),
    done: resume?.step ?? 0,
    seed,
  });
  const batches = new Batches(training, classes, options, {
    epoch: resume?.epoch ?? 1,
    batch: resume?.batch ?? 0,
  });
  const { perEpoch } = batches;
  const course = { steps: perEpoch * options.epochs, perEpoch };
  const history = [...(resume?.history ?? [])];
  const averages =
    options.average > 0 ? (resume?.average ? copyOf(resume.average) : loop.weights()) : undefined;
  /** What is validated and kept. */
  const learnt = (): Weights => (averages ? copyOf(averages) : loop.weights());
  let best = resume?.best ?? { weights: learnt(), epoch: 0, score: [-1, 0] as const };
  const start = performance.now() - 1000 * (resume?.seconds ?? 0);
  const seconds = () => (performance.now() - start) / 1000;
  let saved = performance.now();

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
      for (let batch = goesOn ? resume.batch : 0; batch < perEpoch; batch++) {
        const { data, target, labels } = await batches.next();
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
      const weights = learnt();
      const checked = await evaluate(runtime, network, input, weights, validation);
      const scores = score(checked, validation.labels);
      checkLearnt(weights, scores.loss, epoch);
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
        best = { weights, epoch, score: now };
      }
      onProgress?.({ step: loop.done, steps: course.steps, last: history.at(-1) });
      if (epoch - best.epoch >= options.patience) break;
      [lossSum, hits] = [0, 0];
      await onCheckpoint?.({ ...checkpoint(0), epoch: epoch + 1 });
      saved = performance.now();
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (signal?.aborted || !(error instanceof TrainingError) || best.epoch === 0) throw error;
    failure = error;
  } finally {
    await loop.session.release();
  }
  return { weights: best.weights, history, bestEpoch: best.epoch, failure };
}

/** What overflows in a batch norm's statistics gives 0, and so a loss like any other. */
function checkLearnt(weights: Weights, loss: number, epoch: number): void {
  const areFinite = Object.values(weights).every((data) => data.every(Number.isFinite));
  if (areFinite && Number.isFinite(loss)) return;
  throw new TrainingError({
    what: areFinite
      ? `the loss is ${loss} on validation after epoch ${epoch}`
      : `weights are not finite after epoch ${epoch}`,
    todo: 'Train with a smaller learning rate.',
  });
}

function checkState({ state }: Checkpoint, wanted: Step['state']): void {
  for (const { name, dims } of wanted) {
    if (state[name]?.length === sizeOf(dims)) continue;
    throw new TrainingError({
      what: `the checkpoint is damaged: ${name}`,
      expected: `${sizeOf(dims)} values`,
      got: `${state[name]?.length ?? 'none'}`,
      todo: 'Train anew with --replace.',
    });
  }
}

const copyOf = (weights: Weights): Weights =>
  Object.fromEntries(Object.entries(weights).map(([name, data]) => [name, data.slice()]));
