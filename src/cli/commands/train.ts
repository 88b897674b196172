// `earmark train`: from a folder of recordings to a tested model.
import { type Command, Option } from 'commander';
import { AUGMENTATIONS, augmentationFromText } from '../../augmentation/settings.ts';
import { splitNames } from '../../corpus/folds.ts';
import { loadCorpus } from '../../corpus/load.ts';
import { splitOfKept } from '../../corpus/split.ts';
import { resolveFolds } from '../../corpus/split-file.ts';
import { cacheFolder } from '../../hearing/cache.ts';
import { architecture, architectures } from '../../model/architectures.ts';
import { DEFAULT_METHOD } from '../../relevance/method.ts';
import { nodeRuntime } from '../../runtime/node.ts';
import { FIT } from '../../training/fit.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { readMethod } from '../method.ts';
import { jsonOption, positiveNumber, wholeNumber } from '../options.ts';
import { type RunSettings, trainingRun } from '../train/run.ts';
import { checkRunFolder } from '../train/run-folder.ts';
import { survey } from '../train/survey.ts';
import { writeRun } from '../train/write.ts';

export interface TrainOptions {
  /** The run's folder. */
  readonly out: string;
  readonly replace?: boolean;
  readonly resume?: boolean;
  readonly cache?: boolean;
  readonly label?: string;
  readonly split?: string;
  readonly testShare?: number;
  readonly features: RunSettings['features'];
  readonly sampleRate?: number;
  readonly clipSeconds?: number;
  readonly architecture: string;
  readonly epochs: number;
  readonly patience: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly augment: string;
  readonly seed: number;
  readonly method: string;
  readonly skipBad?: boolean;
}

const EXAMPLE = `
DATA has AudioMNIST's layout (data/NN/D_NN_R.wav: digit D, speaker NN), the Free
Spoken Digit Dataset's (D_SPEAKER_R.wav), a folder for each class, or is a manifest:
a CSV or JSONL file with the columns path, label and, if known, speaker.

Features are kept in $XDG_CACHE_HOME/earmark (else ~/.cache/earmark), by the recordings'
content and the settings, at most 4 GB; a run that was interrupted goes on from them.

RUN is a folder: model.onnx (with which predict and explain need nothing else),
metrics.json, split.json (which --split reads back), history.jsonl, config.json,
figures as PNG and SVG, and in errors/ the maps of misclassified recordings.

Example:
  earmark train recordings --split speaker --out runs/digits`;

export function addTrain(program: Command, { terminal, give }: Frame): void {
  program
    .command('train')
    .summary('train a classifier on a folder of recordings, test and explain it')
    .description(
      'Train a classifier on a folder of recordings; test it on the part set aside, and explain that part.',
    )
    .argument('<data>', 'folder of recordings, or a manifest')
    .requiredOption('--out <run>', 'folder to write the run to')
    .option(
      '--split <kind|file>',
      `${splitNames}, or a JSON file (default: speaker where known, else random)`,
    )
    .option(
      '--test-share <share>',
      'share of the speakers, or of the recordings, to test on',
      positiveNumber,
      0.2,
    )
    .addOption(
      new Option('--features <kind>', 'what the model hears').choices(['logmel', 'mfcc']).default('logmel'),
    )
    .addOption(
      new Option('--architecture <name>', 'the network').choices(architectures).default(architectures[0]),
    )
    .option(
      '--epochs <n>',
      'largest number of passes over the training recordings',
      wholeNumber(1),
      FIT.epochs,
    )
    .option(
      '--patience <n>',
      'epochs without progress after which training stops',
      wholeNumber(1),
      FIT.patience,
    )
    .option('--batch <n>', 'recordings in a training step', wholeNumber(2), FIT.batch)
    .option('--learning-rate <rate>', 'peak of the learning rate', positiveNumber, FIT.schedule.rate)
    .option(
      '--augment <settings>',
      `how training recordings are varied: ${Object.keys(AUGMENTATIONS).join(', ')}, or NAME=AMOUNT,…`,
      'light',
    )
    .option('--seed <n>', 'what decides split, weights, batches and masks', wholeNumber(0), FIT.seed)
    .option('--sample-rate <hz>', "the model's rate (default: the recordings', up to 16000)", wholeNumber(1))
    .option(
      '--clip-seconds <s>',
      "length of the model's clip (default: 95 % of the recordings fit, up to 5 s)",
      positiveNumber,
    )
    .option(
      '--method <name[:key=value,…]>',
      'how the test part is explained; `earmark explain --help` lists the methods',
      DEFAULT_METHOD,
    )
    .option('--label <column>', 'the column of the classes: any that the layout or the manifest has')
    .option('--no-cache', 'read all recordings anew, and keep none for other runs')
    .option('--skip-bad', 'leave out recordings that cannot be used')
    .option('--replace', 'replace the run that is in the folder')
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(async (data: string, options: TrainOptions & { json?: boolean }) =>
      give(await train(data, options, terminal), options.json),
    );
}

/** @throws FileError, CorpusError, FeatureError, TrainingError, MethodError, UsageError */
export async function train(data: string, options: TrainOptions, terminal: Terminal): Promise<Result> {
  const { out, replace = false, resume = false, cache = true, label, seed } = options;
  const folder = { path: out, replace };
  await checkRunFolder(folder);
  // What cannot work is said before anything is read.
  architecture(options.architecture, 2);
  const settings: RunSettings = {
    features: options.features,
    ...(options.sampleRate !== undefined && { sampleRate: options.sampleRate }),
    ...(options.clipSeconds !== undefined && { clipSeconds: options.clipSeconds }),
    architecture: options.architecture,
    network: (classes) => architecture(options.architecture, classes),
    fit: {
      ...FIT,
      epochs: options.epochs,
      batch: options.batch,
      patience: options.patience,
      seed,
      schedule: { ...FIT.schedule, rate: options.learningRate },
    },
    augmentation: augmentationFromText(options.augment),
    method: await readMethod(options.method),
    runtime: nodeRuntime,
    ...(cache && { cacheFolder: cacheFolder() }),
  };
  const corpus = await loadCorpus(data, label === undefined ? {} : { label });
  const [whole] = await resolveFolds(corpus, options.split, { seed, testShare: options.testShare ?? 0.2 });
  if (corpus.note) terminal.note(`${corpus.name}: ${corpus.note}`);
  const surveyed = await survey(corpus, options.skipBad ?? false, terminal, settings.cacheFolder);
  const split = surveyed.bad.length > 0 ? splitOfKept(whole!, surveyed.corpus, surveyed.kept) : whole!;
  const run = await trainingRun(surveyed, split, settings, terminal, { folder: out, resume });
  await writeRun(run, folder);
  const { accuracy, correct, clips } = run.metrics;
  const text = [
    `${corpus.name}: ${(100 * accuracy).toFixed(2)} % right (${correct} of ${clips} test recordings)`,
    `split: ${run.split.note}`,
    ...(surveyed.bad.length ? [`left out, since they cannot be used: ${surveyed.bad.length}`] : []),
    `epoch ${run.bestEpoch} of ${run.history.length} is kept`,
    run.metrics.analysis.comparison.note,
    `run: ${out}`,
  ].join('\n');
  return { text, json: { run: out, ...run.metrics } };
}
