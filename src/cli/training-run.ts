// One training run from corpus to tested, explained model; what `train` and `demo` have in common.
import type { ClipExplanation } from '../analysis/explained.ts';
import { analyse } from '../analysis/summary.ts';
import { type Corpus, labelsOf } from '../corpus/clip.ts';
import { describeSplit, type Split, splitOfKept } from '../corpus/split.ts';
import { resolveSplit } from '../corpus/split-file.ts';
import { validationSplit } from '../corpus/validation.ts';
import { FeatureError } from '../errors.ts';
import { inputFromMelPower, inputShape, paddedFrames } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { architecture } from '../model/architectures.ts';
import { probabilitiesOf } from '../model/logits.ts';
import type { AudioModel } from '../model/model-file.ts';
import { classifier } from '../model/network.ts';
import { Explainer, PREDICTED } from '../relevance/explainer.ts';
import { parseMethod } from '../relevance/method.ts';
import { nodeRuntime } from '../runtime/node.ts';
import { type Epoch, FIT, type FitOptions, fit } from '../training/fit.ts';
import { measure } from '../training/metrics.ts';
import type { Terminal } from './frame.ts';
import { type HeardExample, hearExamples, type InputWishes, settleFeatures, survey } from './hear-corpus.ts';
import { ranking } from './model.ts';

export interface RunWishes extends InputWishes {
  /** A kind of split or the path of a file; by speaker where speakers are known if not given. */
  readonly split?: string;
  readonly testShare?: number;
  readonly architecture: string;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly patience: number;
  readonly seed: number;
  /** Whether recordings that cannot be used are left out. */
  readonly skipBad?: boolean;
  /** How the test part is explained. */
  readonly method: string;
  /** Folder where features are kept for other runs; without it none are. */
  readonly cacheFolder?: string;
}

/** The networks halve their input three times. */
const SMALLEST_INPUT = 8;

/** A clip of the test part, classified and explained. */
export interface TestedClip extends ClipExplanation {
  readonly example: HeardExample;
  readonly features: Matrix;
  readonly logits: number[];
  readonly probabilities: number[];
  readonly relevance: Matrix;
  readonly relevanceOfTrue?: Matrix;
}

export interface TrainingRun {
  readonly model: AudioModel;
  readonly corpus: Corpus;
  readonly split: Split;
  readonly validationNote: string;
  readonly history: readonly Epoch[];
  readonly bestEpoch: number;
  readonly tested: readonly TestedClip[];
  readonly metrics: ReturnType<typeof metricsOf>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly bad: readonly string[];
  readonly method: string;
}

/** Trains, tests and explains. @throws CorpusError, AudioError, FeatureError, TrainingError, MethodError, FileError */
export async function trainingRun(
  corpus: Corpus,
  wishes: RunWishes,
  terminal: Terminal,
): Promise<TrainingRun> {
  const { note } = terminal;
  const method = parseMethod(wishes.method);
  // What cannot work is said before anything is read.
  architecture(wishes.architecture, 2);
  const splitOptions = { seed: wishes.seed, testShare: wishes.testShare };
  const whole = await resolveSplit(corpus, wishes.split, splitOptions);
  if (corpus.note) note(`${corpus.name}: ${corpus.note}`);

  const surveyed = await survey(corpus, wishes.skipBad ?? false, terminal, wishes.cacheFolder);
  const split = surveyed.bad.length > 0 ? splitOfKept(whole, surveyed.corpus, surveyed.kept) : whole;
  for (const warning of split.warnings) note(`warning: ${warning}`);
  const validation = validationSplit(surveyed.corpus, split, { seed: wishes.seed });
  const settings = settleFeatures(surveyed, split.train, wishes);
  const [bins, frames] = inputShape(settings);
  if (Math.min(bins, frames) < SMALLEST_INPUT) {
    throw new FeatureError({
      what: "the model's input",
      expected: `at least ${SMALLEST_INPUT} bands and frames`,
      got: `[${bins}, ${frames}]`,
      todo: 'Use longer clips or a higher sample rate.',
    });
  }
  const labels = labelsOf(surveyed.corpus.clips);
  const hear = (indices: readonly number[]) =>
    hearExamples(surveyed, indices, labels, settings, terminal, wishes.cacheFolder);
  const training = await hear(validation.train);
  const watched = await hear(validation.validation);
  const test = await hear(split.test);
  const cut = [...training, ...watched, ...test].filter((e) => e.fit.cut).length;
  if (cut > 0) {
    const seconds = (settings.clipSamples / settings.sampleRate).toFixed(2);
    const all = split.train.length + split.test.length;
    note(`${cut} of ${all} recordings longer than the model's ${seconds} s: their loudest window is used`);
  }

  const network = architecture(wishes.architecture, labels.length);
  const options: FitOptions = {
    ...FIT,
    epochs: wishes.epochs,
    batch: wishes.batch,
    learningRate: wishes.learningRate,
    patience: wishes.patience,
    seed: wishes.seed,
  };
  terminal.progress.start(Math.ceil(training.length / options.batch) * options.epochs, 'training');
  const fitted = await fit(nodeRuntime, network, settings, training, watched, options, ({ step, last }) =>
    terminal.progress.update(step, last && describeEpoch(last, options.epochs)),
  );
  terminal.progress.stop();

  const graph = classifier(network, [1, ...inputShape(settings)], fitted.weights);
  const tested = await explainTest(graph, labels, settings, test, wishes.method, terminal);
  const metrics = metricsOf(tested, labels, settings, split, surveyed.corpus);
  const config = {
    corpus: { name: corpus.name, path: corpus.root, clips: corpus.clips.length, synthetic: corpus.synthetic },
    architecture: wishes.architecture,
    features: settings,
    fit: options,
    split: { kind: split.kind, note: split.note },
    validation: validation.note,
    method: method.name,
    leftOut: surveyed.bad,
  };
  const facts = {
    corpus: corpus.name,
    synthetic: corpus.synthetic,
    split: split.note,
    architecture: wishes.architecture,
    seed: wishes.seed,
    epochs: fitted.history.length,
    bestEpoch: fitted.bestEpoch,
    testAccuracy: metrics.accuracy,
    testClips: metrics.clips,
  };
  return {
    model: { graph, labels, features: settings, facts },
    corpus: surveyed.corpus,
    split,
    validationNote: validation.note,
    history: fitted.history,
    bestEpoch: fitted.bestEpoch,
    tested,
    metrics,
    config,
    bad: surveyed.bad,
    method: method.name,
  };
}

/** "epoch 3 of 20, 96.4 % on validation" */
function describeEpoch({ epoch, validationAccuracy }: Epoch, epochs: number): string {
  return `epoch ${epoch} of ${epochs}, ${(100 * validationAccuracy).toFixed(1)} % on validation`;
}

/** Classifies the test part and explains each clip: for what it was taken for and, where that is wrong, for what it is. */
async function explainTest(
  graph: AudioModel['graph'],
  labels: readonly string[],
  settings: FeatureSettings,
  test: readonly HeardExample[],
  method: string,
  { progress }: Terminal,
): Promise<TestedClip[]> {
  const explainer = await Explainer.open(nodeRuntime, graph, { method: parseMethod(method) });
  const [bins, frames] = inputShape(settings);
  const size = bins * frames;
  const inputs = test.map((example) => inputFromMelPower(example.power, settings));
  const explain = async (chosen: readonly number[], targets: readonly number[]) => {
    const data = new Float32Array(chosen.length * size);
    chosen.forEach((i, at) => {
      data.set(inputs[i].data, at * size);
    });
    const got = await explainer.explain(data, [chosen.length, 1, bins, frames], targets);
    return chosen.map((_, at) => ({
      logits: Array.from(got.logits.slice(at * labels.length, (at + 1) * labels.length)),
      relevance: {
        rows: bins,
        columns: frames,
        data: Float64Array.from(got.relevance.slice(at * size, (at + 1) * size)),
      },
    }));
  };
  progress.start(test.length, 'testing and explaining');
  const tested: TestedClip[] = [];
  for (let first = 0; first < test.length; first += 256) {
    const part = test.slice(first, first + 256);
    const indices = part.map((_, i) => first + i);
    const results = await explain(
      indices,
      indices.map(() => PREDICTED),
    );
    const classified = results.map((result) => {
      const probabilities = probabilitiesOf(result.logits, null);
      return { ...result, probabilities, predicted: ranking(probabilities)[0] };
    });
    const wrong = indices.filter((i, at) => classified[at].predicted !== test[i].label);
    const ofTrue = wrong.length
      ? await explain(
          wrong,
          wrong.map((i) => test[i].label),
        )
      : [];
    part.forEach((example, at) => {
      const { logits, probabilities, predicted, relevance } = classified[at];
      const error = wrong.indexOf(first + at);
      tested.push({
        path: example.clip.path,
        label: labels[example.label],
        predicted: labels[predicted],
        probability: probabilities[predicted],
        logits,
        probabilities,
        features: inputs[first + at],
        relevance,
        ...(error >= 0 && { relevanceOfTrue: ofTrue[error].relevance }),
        paddedFrames: paddedFrames(settings, example.fit),
        speaker: example.clip.speaker,
        example,
      });
    });
    progress.update(first + part.length);
  }
  progress.stop();
  await explainer.release();
  return tested;
}

/** What metrics.json holds; the first key is the accuracy. */
function metricsOf(
  tested: readonly TestedClip[],
  labels: readonly string[],
  settings: FeatureSettings,
  split: Split,
  corpus: Corpus,
) {
  const { speakers } = describeSplit(split, corpus);
  return {
    ...measure(tested, labels),
    split: {
      kind: split.kind,
      note: split.note,
      warnings: split.warnings,
      speakersOnBothSides: speakers.both,
    },
    synthetic: corpus.synthetic,
    analysis: analyse(tested, { features: settings, labels }),
  };
}
