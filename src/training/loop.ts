// Step after step through the compiled graph: batches and masks in, weights and moments passed on in place.
import { hash32 } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import type { Matrix } from '../features/matrix.ts';
import { sizeOf } from '../graph/types.ts';
import type { Mask } from '../model/layers.ts';
import type { Weights } from '../model/network.ts';
import { float32, int64, type RuntimeTensor, type Session } from '../runtime/runtime.ts';
import type { AdamW, Step } from './step.ts';

/** What the loop needs of the options of a fit. */
export interface LoopOptions {
  readonly seed: number;
  readonly optimizer: AdamW;
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
export class TrainingLoop {
  done = 0;
  readonly session: Session;
  private readonly compiled: Step;
  private readonly options: LoopOptions;
  private current: Record<string, RuntimeTensor>;
  private spare: Record<string, RuntimeTensor>;

  constructor(step: Step, session: Session, weights: Weights, options: LoopOptions) {
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
export function dropoutMask({ shape, rate }: Mask, batch: number, seed: number): RuntimeTensor {
  const dims = shape.map((d) => (typeof d === 'string' ? batch : d));
  const kept = 1 / (1 - rate);
  const limit = rate * 2 ** 32;
  const data = Float32Array.from({ length: sizeOf(dims) }, (_, i) => (hash32(seed, i) < limit ? 0 : kept));
  return float32(data, dims);
}

/** Index of the largest of each row. */
function argmaxRows(data: ArrayLike<number>, rows: number): number[] {
  const columns = data.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 1; c < columns; c++) if (data[row * columns + c] > data[row * columns + best]) best = c;
    return best;
  });
}
