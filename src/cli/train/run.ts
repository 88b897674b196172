// One training run from corpus to tested, explained model; what `train` and `demo` have in common.
import { type Analysis, summarise } from '../../analysis/summary.ts';
import { checkAugmentation } from '../../augmentation/augmented.ts';
import type { Augmentation } from '../../augmentation/settings.ts';
import { labelsOf } from '../../corpus/clip.ts';
import { type Split, speakerSides } from '../../corpus/split.ts';
import { validationSplit } from '../../corpus/validation.ts';
import { EarmarkError, FeatureError, ModelError } from '../../errors.ts';
import { inputShape } from '../../features/input.ts';
import { inputDims } from '../../features/layout.ts';
import { relevantSettings } from '../../features/settings.ts';
import { defaultMethodOf } from '../../hertz/default-method.ts';
import { multiplyAdds, parameterCount } from '../../model/count.ts';
import type { Network } from '../../model/layers.ts';
import type { AudioModel } from '../../model/model-file.ts';
import { classifier, outputOf, parametersOf } from '../../model/network.ts';
import { type Method, parseMethod } from '../../relevance/method.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { type Epoch, type FitOptions, fit } from '../../training/fit.ts';
import { type Metrics, measure } from '../../training/metrics.ts';
import type { Terminal } from '../frame.ts';
import { undoneByInterrupt } from '../interrupt.ts';
import { readCheckpoint, stoppable, writeCheckpoint } from './checkpoints.ts';
import { digestOf, withParts } from './part.ts';
import { type InputWishes, type Surveyed, settleFeatures } from './survey.ts';
import { type TestedPart, testPart } from './test-part.ts';

/** What is trained, and how. */
export interface RunSettings extends InputWishes {
  /** Of the network, as it is told. */
  readonly name: string;
  readonly network: (classes: number) => Network;
  readonly fit: FitOptions;
  readonly augmentation: Augmentation;
  /** How the test part is explained; unless given, by what the model hears. */
  readonly method?: Method | undefined;
  readonly runtime: Runtime;
  /** Folder where recordings are kept for other runs; without it none are. */
  readonly cacheFolder?: string | undefined;
}

/** What metrics.json holds; the first key is the accuracy. */
export interface RunMetrics extends Metrics {
  readonly split: {
    readonly kind: Split['kind'];
    readonly note: string;
    readonly warnings: readonly string[];
    readonly speakersOnBothSides: readonly string[];
  };
  readonly synthetic: boolean;
  readonly training: {
    readonly epochs: number;
    /** Whose weights are kept. */
    readonly bestEpoch: number;
    /** Why it ended before its time, where it failed. */
    readonly failure: string | null;
  };
  /** Numbers that the network holds, and multiply-adds that it takes for a clip. */
  readonly network: { readonly name: string; readonly parameters: number; readonly multiplyAdds: number };
  readonly analysis: Analysis;
}

export interface TrainingRun extends TestedPart {
  readonly model: AudioModel;
  readonly surveyed: Surveyed;
  readonly split: Split;
  readonly validationNote: string;
  readonly history: readonly Epoch[];
  readonly bestEpoch: number;
  readonly metrics: RunMetrics;
  readonly config: Readonly<Record<string, unknown>>;
  readonly method: Method;
}

/** Where a run keeps its checkpoints, and whether it goes on from one that is there. */
export interface Resumable {
  /** Without it there are no checkpoints. */
  readonly folder?: string;
  readonly resume: boolean;
}

/** What is settled before any recording is heard. @throws CorpusError, FeatureError, TrainingError */
function settle(surveyed: Surveyed, split: Split, run: RunSettings) {
  const { corpus } = surveyed;
  const validation = validationSplit(corpus, split, { seed: run.fit.seed });
  const settings = settleFeatures(surveyed, split.train, run);
  checkAugmentation(run.augmentation, settings);
  const labels = labelsOf(corpus.clips);
  const network = run.network(labels.length);
  const input = inputDims(settings.layout, inputShape(settings)).slice(1);
  checkInput(network, input);
  checkNetwork(network, input, labels.length);
  const method = run.method ?? parseMethod(defaultMethodOf(settings.kind));
  const config = {
    corpus: {
      name: corpus.name,
      path: corpus.root,
      clips: corpus.clips.length,
      synthetic: corpus.synthetic,
    },
    architecture: run.name,
    network,
    features: settings,
    fit: run.fit,
    augmentation: run.augmentation,
    split: { kind: split.kind, fold: split.fold, note: split.note },
    validation: validation.note,
    method: method.name,
    device: run.runtime.device,
    leftOut: surveyed.bad,
  };
  return { validation, settings, labels, network, input, method, config };
}

/** Every setting of a run, as its config.json holds it. @throws CorpusError, FeatureError, TrainingError */
export function configOf(surveyed: Surveyed, split: Split, run: RunSettings): TrainingRun['config'] {
  return settle(surveyed, split, run).config;
}

/**
 * Trains on one side of a split, tests and explains the other.
 * @param split of the surveyed corpus
 * @throws CorpusError, AudioError, FeatureError, TrainingError, MethodError, FileError
 */
export async function trainingRun(
  surveyed: Surveyed,
  split: Split,
  run: RunSettings,
  terminal: Terminal,
  { folder, resume }: Resumable = { resume: false },
): Promise<TrainingRun> {
  const { note } = terminal;
  const { corpus } = surveyed;
  for (const warning of split.warnings) note(`warning: ${warning}`);
  const { validation, settings, labels, network, input, method, config } = settle(surveyed, split, run);

  return withParts(
    surveyed,
    labels,
    settings,
    run.augmentation,
    terminal,
    run.cacheFolder,
    async ({ part }) => {
      const training = await part(validation.train, 'reading what is trained on');
      const watched = await part(validation.validation, 'reading what decides when to stop');
      const test = await part(split.test, 'reading what is tested on');
      const all = [training, watched, test].flatMap(({ recordings }) => recordings);
      const cut = all.filter(({ fit: fitted }) => fitted.cut).length;
      if (cut > 0) {
        const seconds = (settings.clipSamples / settings.sampleRate).toFixed(2);
        const where =
          settings.align === 'center' ? 'their loudest window is used' : 'their beginning is used';
        note(`${cut} of ${all.length} recordings are longer than the model's ${seconds} s: ${where}`);
      }

      const checkpoint = resume && folder !== undefined ? await readCheckpoint(folder) : undefined;
      if (checkpoint) note(`going on after ${checkpoint.step} steps, in epoch ${checkpoint.epoch}`);
      const steps = Math.ceil(training.clips.length / run.fit.batch) * run.fit.epochs;
      terminal.progress.start(steps, 'training');
      let told = checkpoint?.history.length ?? 0;
      const train = (signal?: AbortSignal) =>
        fit(run.runtime, network, input, training.examples, watched.examples, run.fit, {
          onProgress: ({ step, last }) => {
            terminal.progress.update(step, last && describeEpoch(last, run.fit.epochs));
            if (last && last.epoch > told) terminal.progress.log(logLine(last, run.fit.epochs));
            told = Math.max(told, last?.epoch ?? 0);
          },
          resume: checkpoint,
          signal,
          plan: {
            features: relevantSettings(settings),
            augmentation: run.augmentation,
            recordings: { training: digestOf(training), validation: digestOf(watched) },
          },
          ...(folder !== undefined && { onCheckpoint: (now) => writeCheckpoint(folder, now) }),
        });
      const fitted = await (folder === undefined ? train() : stoppable(train)).finally(() =>
        terminal.progress.stop(),
      );
      if (fitted.failure) note(`training ended early: ${fitted.failure.message}`);

      const graph = classifier(network, input, fitted.weights);
      const model = { graph, labels, features: settings };
      const stopped = () =>
        note('stopped; what was learnt is kept: the same command with --resume tests and explains it');
      const tested = await undoneByInterrupt(folder === undefined ? () => {} : stopped, () =>
        testPart(run.runtime, model, surveyed, test, method, terminal),
      );
      const metrics: RunMetrics = {
        ...measure(tested.tested, labels),
        split: {
          kind: split.kind,
          note: split.note,
          warnings: split.warnings,
          speakersOnBothSides: speakerSides(corpus, split).both,
        },
        synthetic: corpus.synthetic,
        training: {
          epochs: fitted.history.length,
          bestEpoch: fitted.bestEpoch,
          failure: fitted.failure?.message ?? null,
        },
        network: {
          name: run.name,
          parameters: parameterCount(network, input),
          multiplyAdds: multiplyAdds(graph),
        },
        analysis: summarise(
          tested.tested.map(({ measured }) => measured),
          { features: settings, labels },
        ),
      };
      const facts = {
        corpus: corpus.name,
        synthetic: corpus.synthetic,
        split: split.note,
        architecture: run.name,
        seed: run.fit.seed,
        epochs: fitted.history.length,
        bestEpoch: fitted.bestEpoch,
        testAccuracy: metrics.accuracy,
        testClips: metrics.clips,
      };
      return {
        ...tested,
        model: { ...model, facts },
        surveyed,
        split,
        validationNote: validation.note,
        history: fitted.history,
        bestEpoch: fitted.bestEpoch,
        metrics,
        config,
        method,
      };
    },
  );
}

/** @throws FeatureError where the network has no output for so small an input */
function checkInput(network: Network, input: readonly number[]): void {
  try {
    parametersOf(network, input);
  } catch (cause) {
    if (!(cause instanceof EarmarkError)) throw cause;
    throw new FeatureError({
      what: `the network cannot take an input of [${input.join(', ')}]`,
      got: cause.message,
      todo: 'Use longer clips or a higher sample rate, or another network.',
      cause,
    });
  }
}

/** Of 4 bytes each; more than 2 GiB fit in no file. */
const MOST_PARAMETERS = 2 ** 29 - 2 ** 20;

/** @throws ModelError where what comes out is not one number for each class, or where there are too many parameters */
function checkNetwork(network: Network, input: readonly number[], classes: number): void {
  const output = outputOf(network, input);
  if (output.length !== 1 || output[0] !== classes) {
    throw new ModelError({
      what: `${network.name}: what its last layer gives`,
      expected: `${classes} numbers, one for each class of the recordings`,
      got: `[${output.join(', ')}]`,
      todo: 'End with {"kind": "dense", "units": "classes"}.',
    });
  }
  const parameters = parameterCount(network, input);
  if (parameters > MOST_PARAMETERS) {
    throw new ModelError({
      what: `${network.name}: its parameters`,
      expected: `at most ${MOST_PARAMETERS.toLocaleString('en')}`,
      got: parameters.toLocaleString('en'),
    });
  }
}

/** "epoch 3 of 20: loss 0.4120, 88.1 % right; validation 96.4 %; rate 0.0029; at most 1:20 left" */
function logLine(last: Epoch, epochs: number): string {
  const { epoch, loss, accuracy, validationAccuracy, learningRate, seconds } = last;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const left = Math.round((seconds / epoch) * (epochs - epoch));
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  return (
    `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, ${percent(accuracy)} right; ` +
    `validation ${percent(validationAccuracy)}; rate ${learningRate.toPrecision(2)}; at most ${time} left`
  );
}

/** "epoch 3 of 20, 96.4 % on validation" */
function describeEpoch({ epoch, validationAccuracy }: Epoch, epochs: number): string {
  return `epoch ${epoch} of ${epochs}, ${(100 * validationAccuracy).toFixed(1)} % on validation`;
}
