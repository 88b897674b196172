// Step after step through the compiled graph: batches and masks in, weights and moments passed on in place.
import { TrainingError } from '../errors.ts';
import type { Matrix } from '../features/matrix.ts';
import { sizeOf } from '../graph/types.ts';
import type { Weights } from '../model/network.ts';
import { float32, type RuntimeTensor, type Session, type Tensors } from '../runtime/runtime.ts';
import { dropoutMasks, maskDims } from './masks.ts';
import type { Step } from './step.ts';

/** Inputs [bins, frames] as one tensor [N, 1, bins, frames]. */
export function batchTensor(inputs: readonly Matrix[], input: readonly number[]): RuntimeTensor {
  const size = sizeOf(input);
  const data = new Float32Array(inputs.length * size);
  inputs.forEach((matrix, i) => {
    data.set(matrix.data, i * size);
  });
  return float32(data, [inputs.length, ...input]);
}

/** What a step takes. */
export interface Batch {
  /** Inputs of all clips, row-major [count, …input]. */
  readonly data: Float32Array;
  /** [count, classes], as `targets` makes them. */
  readonly target: Float32Array;
  readonly count: number;
  /** The step's dropout masks as {@link dropoutMasks} makes them; made here where not given. */
  readonly masks?: readonly Float32Array[];
}

/** What a step gives. */
export interface Stepped {
  readonly loss: number;
  /** [count, classes], from before the update. */
  readonly logits: Float32Array;
  /** Norm of all gradients together, where they are clipped. */
  readonly gradientNorm?: number;
}

/** Where training begins, or goes on. */
export interface LoopStart {
  /** Weights; what is missing of `step.state` starts from 0. */
  readonly state: Weights;
  /** Steps that led there. */
  readonly done?: number;
  /** Decides the dropout masks. */
  readonly seed: number;
}

/** The state of the compiled step, passed back and forth between two sets of preallocated tensors. */
export class TrainingLoop {
  readonly session: Session;
  private readonly compiled: Step;
  private readonly seed: number;
  private steps: number;
  private current: Tensors;
  private spare: Tensors;

  constructor(step: Step, session: Session, { state, done = 0, seed }: LoopStart) {
    this.compiled = step;
    this.session = session;
    this.seed = seed;
    this.steps = done;
    const allocate = (fill: Weights) =>
      Object.fromEntries(
        step.state.map(({ name, dims }) => [
          name,
          float32(fill[name]?.slice() ?? new Float32Array(sizeOf(dims)), dims),
        ]),
      );
    this.current = allocate(state);
    this.spare = allocate({});
  }

  /** Steps done so far. */
  get done(): number {
    return this.steps;
  }

  /**
   * One step. A step that fails leaves the state as it was.
   * @param rate learning rate
   * @throws TrainingError where the loss is not a number
   */
  async step({ data, target, count, masks }: Batch, rate: number): Promise<Stepped> {
    const { input, classes, masks: wanted, scalars } = this.compiled;
    const t = this.steps + 1;
    const drawn = masks ?? dropoutMasks(wanted, count, this.seed, t);
    const feeds: Record<string, RuntimeTensor> = {
      input: float32(data, [count, ...input]),
      target: float32(target, [count, classes]),
      ...this.current,
    };
    for (const [name, value] of Object.entries(scalars(rate, t)))
      feeds[name] = float32(Float32Array.of(value), []);
    wanted.forEach((mask, i) => {
      feeds[mask.name] = float32(drawn[i], maskDims(mask, count));
    });
    const next = Object.fromEntries(
      Object.entries(this.spare).map(([name, value]) => [`next.${name}`, value]),
    );
    const also = this.compiled.graph.outputs.map((o) => o.name).filter((name) => REPORTED.includes(name));
    const got = await this.session.run(feeds, next, also);
    const loss = Number(got.loss.data[0]);
    if (!Number.isFinite(loss)) {
      throw new TrainingError({
        what: `the loss is ${loss} at step ${t}`,
        todo: 'Train with a smaller learning rate.',
      });
    }
    [this.current, this.spare] = [this.spare, this.current];
    this.steps = t;
    const norm = got.gradient_norm && { gradientNorm: Number(got.gradient_norm.data[0]) };
    return { loss, logits: got.logits.data as Float32Array, ...norm };
  }

  /** A copy of the weights and running statistics. */
  weights(): Weights {
    return this.copied(this.compiled.parameters);
  }

  /** Moves averages of the weights and running statistics towards these, in place: a ← keep·a + (1 − keep)·w. */
  averageInto(averages: Weights, keep: number): void {
    for (const [name, average] of Object.entries(averages)) {
      const now = this.current[name].data as Float32Array;
      for (let i = 0; i < average.length; i++) average[i] = keep * average[i] + (1 - keep) * now[i];
    }
  }

  /** A copy of all that goes from step to step: with `done`, enough to go on from here. */
  state(): Weights {
    return this.copied(this.compiled.state);
  }

  private copied(values: readonly { readonly name: string }[]): Weights {
    return Object.fromEntries(
      values.map(({ name }) => [name, (this.current[name].data as Float32Array).slice()]),
    );
  }
}

/** Outputs of a step beside its state. */
const REPORTED = ['loss', 'logits', 'gradient_norm'];
