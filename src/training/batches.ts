// The batches of a fit: in an order by seed and epoch, varied, mixed, with their targets; assembled before they are asked for.
import type { Examples } from '../augmentation/examples.ts';
import { hash32, shuffle } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { balancedWeights, targets } from './loss.ts';
import { mixed, mixing } from './mixup.ts';

/** What of the options of a fit decides its batches. */
export interface BatchOptions {
  /** Largest number of passes over the training examples. */
  readonly epochs: number;
  /** Most examples of a step; an epoch is cut into parts of nearly one size. */
  readonly batch: number;
  /** Share of the target that is spread over all classes. */
  readonly smoothing: number;
  /** Whether a rare class counts as much as a common one. */
  readonly balance: boolean;
  /** α of mixup; 0 mixes nothing. */
  readonly mixup: number;
  readonly seed: number;
}

/** A batch of an epoch, both by number: epochs from 1, batches from 0. */
export interface Position {
  readonly epoch: number;
  readonly batch: number;
}

export interface Assembled {
  /** [count, …input]. */
  readonly data: Float32Array;
  /** [count, classes]. */
  readonly target: Float32Array;
  /** The class of each, of mixed ones that of the larger part. */
  readonly labels: readonly number[];
}

/** Batches that are assembled while another is trained on. */
const AHEAD = 2;

/** What of an epoch's seed is for what. */
const STREAM = { order: 0, example: 1, mix: 2 };

export class Batches {
  /** Batches of an epoch. */
  readonly perEpoch: number;
  private readonly examples: Examples;
  private readonly classes: number;
  private readonly options: BatchOptions;
  private readonly classWeights: readonly number[] | undefined;
  private readonly coming: Promise<Assembled>[] = [];
  private position: Position;
  private order: { readonly epoch: number; readonly of: readonly number[] } = { epoch: 0, of: [] };

  /** @param first the batch that is asked for first; one behind the end of its epoch is the first of the next */
  constructor(examples: Examples, classes: number, options: BatchOptions, first: Position) {
    [this.examples, this.classes, this.options, this.position] = [examples, classes, options, first];
    this.perEpoch = Math.ceil(examples.labels.length / options.batch);
    if (options.balance) this.classWeights = balancedWeights(examples.labels, classes);
  }

  /** The next batch, across the ends of epochs. @throws TrainingError where an input is not finite */
  next(): Promise<Assembled> {
    while (this.coming.length <= AHEAD) {
      const { epoch, batch } = this.position;
      const now = batch < this.perEpoch ? this.position : { epoch: epoch + 1, batch: 0 };
      if (now.epoch > this.options.epochs) break;
      const assembled = this.assemble(now);
      assembled.catch(() => {}); // it is told when it is asked for
      this.coming.push(assembled);
      this.position = { epoch: now.epoch, batch: now.batch + 1 };
    }
    return this.coming.shift() as Promise<Assembled>;
  }

  private async assemble({ epoch, batch }: Position): Promise<Assembled> {
    const { seed, smoothing, mixup } = this.options;
    const own = hash32(seed, epoch);
    const stream = (name: keyof typeof STREAM) => hash32(own, STREAM[name]);
    const count = this.examples.labels.length;
    if (this.order.epoch !== epoch) {
      this.order = { epoch, of: shuffle([...Array(count).keys()], stream('order')) };
    }
    const [begin, end] = [batch, batch + 1].map((k) => Math.floor((k * count) / this.perEpoch));
    const chosen = this.order.of.slice(begin, end);
    const labels = chosen.map((i) => this.examples.labels[i]);
    const data = await this.examples.inputs(
      chosen,
      chosen.map((i) => hash32(stream('example'), i)),
    );
    checkFinite(data);
    const { classWeights } = this;
    if (mixup === 0) {
      return { data, target: targets(labels, this.classes, { smoothing, classWeights }), labels };
    }
    const mix = mixing(chosen.length, mixup, hash32(stream('mix'), batch));
    const others = { labels: mix.partner.map((p) => labels[p]), share: mix.share };
    const target = targets(labels, this.classes, { smoothing, classWeights, mix: others });
    return { data: mixed(data, mix), target, labels };
  }
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
