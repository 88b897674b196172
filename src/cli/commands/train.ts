// `earmark train`: from a folder of recordings to a tested model.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AUGMENTATIONS, augmentationFromText } from '../../augmentation/settings.ts';
import { splitNames } from '../../corpus/folds.ts';
import { loadCorpus } from '../../corpus/load.ts';
import { type Split, splitOfKept } from '../../corpus/split.ts';
import { resolveFolds } from '../../corpus/split-file.ts';
import { UsageError } from '../../errors.ts';
import { FEATURE_KINDS, type FeatureKind } from '../../features/settings.ts';
import { cacheFolder } from '../../hearing/cache.ts';
import { defaultMethodOf } from '../../hertz/default-method.ts';
import { ARCHITECTURES, architectures } from '../../model/architectures.ts';
import { DEFAULT_METHOD } from '../../relevance/method.ts';
import { describeFindings } from '../../report/findings.ts';
import { openRuntime } from '../../runtime/node.ts';
import type { Device } from '../../runtime/runtime.ts';
import { FIT, type FitOptions } from '../../training/fit.ts';
import { OPTIMIZERS } from '../../training/optimizers.ts';
import type { Recipe } from '../../training/recipes.ts';
import { deviceOption } from '../device.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { readMethod } from '../method.ts';
import { finiteNumber, jsonOption, positiveNumber, seedNumber, wholeNumber } from '../options.ts';
import { dropCheckpoint } from '../train/checkpoints.ts';
import { finishedRun } from '../train/finished.ts';
import { describeFolds, trainFolds } from '../train/folds.ts';
import { withLock } from '../train/lock.ts';
import { chooseNetwork } from '../train/network.ts';
import { configOf, type RunMetrics, type RunSettings, trainingRun } from '../train/run.ts';
import { checkRunFolder, dropRuns, isBegun, isComplete } from '../train/run-folder.ts';
import { optimizerFromText, optimizerHelp, scheduleFromText, scheduleHelp } from '../train/settings.ts';
import { survey } from '../train/survey.ts';
import { writeRun } from '../train/write.ts';

export interface TrainOptions {
  /** The run's folder. */
  readonly out: string;
  readonly replace?: boolean;
  readonly resume?: boolean;
  readonly folds?: boolean;
  readonly cache?: boolean;
  readonly label?: string;
  readonly split?: string;
  readonly testShare?: number;
  readonly features?: FeatureKind;
  readonly sampleRate?: number;
  readonly clipSeconds?: number;
  readonly architecture: string;
  readonly epochs?: number;
  readonly patience?: number;
  readonly batch?: number;
  readonly optimizer?: string;
  readonly schedule?: string;
  readonly learningRate?: number;
  readonly clipNorm?: number;
  readonly smoothing?: number;
  readonly average?: number;
  readonly balance?: boolean;
  readonly augment?: string;
  readonly seed: number;
  readonly method?: string;
  readonly device?: Device;
  readonly skipBad?: boolean;
}

/** A number from 0 to below 1. */
function shareBelowOne(text: string): number {
  const value = finiteNumber(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to below 1.');
}

/** The amounts of `strong` as they would be typed. */
const augmentationHelp = Object.entries(AUGMENTATIONS.strong)
  .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(':') : value}`)
  .join(',');

/** Cut behind spaces and commas into lines that a terminal holds, further ones indented. */
function wrapped(text: string, width = 80): string {
  const lines = ['  '];
  for (const piece of text.split(/(?<=[ ,])(?! )/)) {
    const line = lines.at(-1) as string;
    if (line.length + piece.trimEnd().length > width) lines.push(`    ${piece}`);
    else lines[lines.length - 1] = line + piece;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}

const EXAMPLE = `
DATA has AudioMNIST's layout (data/NN/D_NN_R.wav: digit D, speaker NN), the Free
Spoken Digit Dataset's (D_SPEAKER_R.wav), Speech Commands', a folder for each class, or
is a manifest: a CSV or JSONL file with the columns path, label and, if known, speaker.

Architectures:
${architectures.map((name) => wrapped(`${name}: ${ARCHITECTURES[name].says}`)).join('\n')}
or FILE.json: {"layers": [{"kind": "conv", "channels": 16, "kernel": [3, 3]}, …]};
docs/networks.md lists all layers.

Settings that are typed as NAME:key=value,… with their defaults:
${wrapped(`optimizers: ${optimizerHelp}`)}
${wrapped(`schedules: ${scheduleHelp}`)}
${wrapped(`variations: ${Object.keys(AUGMENTATIONS).join(', ')}, or changes to them, such as strong,noise=0.2,snr=10:30; strong is ${augmentationHelp}`)}

Recordings are kept in $XDG_CACHE_HOME/earmark (else ~/.cache/earmark) as the model hears
them, by their content, at most 4 GB.

RUN is a folder: model.onnx (with which predict and explain need nothing else),
metrics.json, predictions.jsonl, split.json (which --split reads back), history.jsonl,
config.json, figures as PNG and SVG with their data as JSON, in clips/ the map of a
recording of each class, and in errors/ those of misclassified ones. With --folds it
holds such a folder for each fold, and metrics.json with mean and standard deviation.

A run that was ended, by Ctrl-C or anything else, goes on with the same command and
--resume, to the same weights as if it had not been.

Examples:
  earmark train recordings --split speaker --out runs/digits
  earmark train recordings --split loso --folds --augment strong --out runs/loso
  earmark train AudioMNIST --label sex --split audiomnist-sex --folds \\
      --architecture mfcc-cnn --out runs/sex`;

export function addTrain(program: Command, { terminal, give }: Frame): void {
  program
    .command('train')
    .summary('train a classifier on a folder of recordings, test and explain it')
    .description(
      'Train a classifier on a folder of recordings; test it on the part set aside, and explain that part. What is not ' +
        'said has the default of the architecture.',
    )
    .argument('<data>', 'folder of recordings, or a manifest')
    .requiredOption('--out <run>', 'folder to write the run to')
    .option('--label <column>', 'the column of the classes: any that the layout or the manifest has')
    .option(
      '--split <kind|file>',
      `${splitNames}, or a JSON file (default: speaker where known, else random)`,
    )
    .option('--folds', 'train and test on each fold of the split in turn')
    .option(
      '--test-share <share>',
      'share of the speakers, or of the recordings, to test on',
      positiveNumber,
      0.2,
    )
    .option('--architecture <name|file>', `${architectures.join(', ')}, or FILE.json`, architectures[0])
    .addOption(new Option('--features <kind>', 'what the model hears').choices(FEATURE_KINDS))
    .option(
      '--sample-rate <hz>',
      "the model's rate (default: the architecture's, else the recordings', up to 16000)",
      wholeNumber(1),
    )
    .option(
      '--clip-seconds <s>',
      "length of the model's clip (default: the architecture's, else 95 % of the recordings fit, up to 5 s)",
      positiveNumber,
    )
    .option('--epochs <n>', 'largest number of passes over the training recordings', wholeNumber(1))
    .option('--patience <n>', 'epochs without progress after which training stops', wholeNumber(1))
    .option('--batch <n>', 'most recordings in a training step', wholeNumber(2))
    .option('--optimizer <name>', `${Object.keys(OPTIMIZERS).join(', ')}, with its amounts`)
    .option('--schedule <name>', 'course of the learning rate, with its amounts')
    .option('--learning-rate <rate>', 'the learning rate, at its peak', positiveNumber)
    .option('--clip-norm <norm>', 'largest norm of the gradient', positiveNumber)
    .option('--smoothing <share>', 'share of each target that is spread over all classes', shareBelowOne)
    .option('--average <share>', 'what averaged weights keep at each step, such as 0.999', shareBelowOne)
    .option('--balance', 'let each class count as much as another, however rare')
    .option('--augment <variations>', 'how training recordings are varied')
    .option('--seed <n>', 'what decides split, weights, batches and masks', seedNumber, FIT.seed)
    .option(
      '--method <name[:key=value,…]>',
      `how the test part is explained; \`earmark explain --help\` lists the methods (default: "${DEFAULT_METHOD}", of MFCCs and samples "${defaultMethodOf('mfcc')}")`,
    )
    .addOption(deviceOption())
    .option('--no-cache', 'read all recordings anew, and keep none for other runs')
    .option('--skip-bad', 'leave out recordings that cannot be used')
    .option('--resume', 'go on with the run in the folder')
    .option('--replace', 'replace the run that is in the folder')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(async (data: string, options: TrainOptions & { json?: boolean }) =>
      give(await withLock(options.out, () => train(data, options, terminal)), options.json),
    );
}

/** The options of a fit: the architecture's, with what was said. */
function fitOf({ fit }: Recipe, options: TrainOptions): FitOptions {
  const { optimizer, schedule, learningRate, ...rest } = options;
  const rate = learningRate ?? fit.schedule.rate;
  return {
    epochs: rest.epochs ?? fit.epochs,
    batch: rest.batch ?? fit.batch,
    patience: rest.patience ?? fit.patience,
    optimizer: optimizer === undefined ? fit.optimizer : optimizerFromText(optimizer),
    schedule: schedule === undefined ? { ...fit.schedule, rate } : scheduleFromText(schedule, rate),
    clipNorm: rest.clipNorm ?? fit.clipNorm,
    smoothing: rest.smoothing ?? fit.smoothing,
    average: rest.average ?? fit.average,
    balance: rest.balance ?? fit.balance,
    mixup: 0,
    seed: rest.seed,
  };
}

/** @throws FileError, CorpusError, FeatureError, ModelError, TrainingError, MethodError, UsageError */
export async function train(data: string, options: TrainOptions, terminal: Terminal): Promise<Result> {
  const { out, replace = false, resume = false, folds = false, cache = true, label, seed } = options;
  if (replace && resume) throw new UsageError('--resume and --replace contradict each other');
  // What cannot work is said before anything is read.
  const chosen = await chooseNetwork(options.architecture);
  chosen.network(2);
  const { recipe } = chosen;
  const augmentation =
    options.augment === undefined ? recipe.augmentation : augmentationFromText(options.augment);
  const settings: RunSettings = {
    ...chosen,
    features: options.features,
    sampleRate: options.sampleRate,
    clipSeconds: options.clipSeconds,
    fit: { ...fitOf(recipe, options), mixup: augmentation.mixup },
    augmentation,
    method: options.method === undefined ? undefined : await readMethod(options.method),
    runtime: await openRuntime(options.device ?? 'cpu', terminal.note),
    cacheFolder: cache ? cacheFolder() : undefined,
  };
  await checkRunFolder({ path: out, replace, goesOn: resume, folds });
  const corpus = await loadCorpus(data, label === undefined ? {} : { label });
  const splits = await resolveFolds(corpus, options.split, { seed, testShare: options.testShare ?? 0.2 });
  if (corpus.note) terminal.note(`${corpus.name}: ${corpus.note}`);
  const surveyed = await survey(corpus, options.skipBad ?? false, terminal, settings.cacheFolder);
  const kept = splits.map((split) =>
    surveyed.bad.length > 0 ? splitOfKept(split, surveyed.corpus, surveyed.kept) : split,
  );
  const leftOut = surveyed.bad.length ? [`left out, since they cannot be used: ${surveyed.bad.length}`] : [];
  if (folds) {
    if (replace) await dropRuns(out);
    const { summary, failed } = await trainFolds(surveyed, kept, settings, terminal, out);
    const text = [`${corpus.name}: ${describeFolds(summary).join('\n')}`, ...leftOut, `runs: ${out}`].join(
      '\n',
    );
    return { text, json: { runs: out, ...summary }, incomplete: failed.length > 0 };
  }
  const [split] = kept as [Split];
  if (split.fold) {
    terminal.note(`trained on ${split.fold.name}, the first of ${split.fold.of}; --folds takes each in turn`);
  }
  let metrics: RunMetrics;
  if (resume && (await isComplete(out))) {
    metrics = await finishedRun(out, configOf(surveyed, split, settings));
    terminal.note(`${out} is complete: nothing is left to train`);
  } else {
    if (replace) await dropCheckpoint(out);
    if (resume && !(await isBegun(out)))
      terminal.note(`${out} holds no run yet: training from the beginning`);
    const run = await trainingRun(surveyed, split, settings, terminal, { folder: out, resume });
    await writeRun(run, { path: out, replace: replace || resume });
    metrics = run.metrics;
  }
  const text = [...describeRun(corpus.name, metrics), ...leftOut, `run: ${out}`].join('\n');
  return { text, json: { run: out, ...metrics }, incomplete: metrics.training.failure !== null };
}

/** What came of a run, a fact to a line. */
function describeRun(corpus: string, metrics: RunMetrics): string[] {
  const { accuracy, correct, clips, interval, training } = metrics;
  const percent = (v: number) => (100 * v).toFixed(1);
  return [
    `${corpus}: ${(100 * accuracy).toFixed(2)} % right (${correct} of ${clips} test recordings; 95 % interval ${percent(interval.low)} to ${percent(interval.high)} %)`,
    `split: ${metrics.split.note}`,
    `epoch ${training.bestEpoch} of ${training.epochs} is kept`,
    ...describeFindings(metrics.analysis),
  ];
}
