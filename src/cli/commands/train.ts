// `earmark train`: from a folder of recordings to a tested model.
import { type Command, Option } from 'commander';
import { loadCorpus } from '../../corpus/load.ts';
import { cacheFolder } from '../../hearing/cache.ts';
import { architectures } from '../../model/architectures.ts';
import { DEFAULT_METHOD } from '../../relevance/method.ts';
import { FIT } from '../../training/fit.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { jsonOption, positiveNumber, wholeNumber } from '../options.ts';
import { checkRunFolder } from '../run-folder.ts';
import { type RunWishes, trainingRun } from '../training-run.ts';
import { writeRun } from '../write-run.ts';

export interface TrainOptions extends RunWishes {
  /** The run's folder. */
  readonly out: string;
  /** Whether a run that is there is replaced. */
  readonly replace?: boolean;
  /** Whether features are kept for other runs. */
  readonly cache?: boolean;
  /** Of a manifest, the column of the classes. */
  readonly label?: string;
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
      'speaker, official, random, or a JSON file (default: speaker where known, else random)',
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
    .option('--learning-rate <rate>', 'peak of the learning rate', positiveNumber, FIT.learningRate)
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
    .option('--label <column>', "of a manifest, the column of the classes (default: 'label')")
    .option('--no-cache', 'compute all features, and keep none for other runs')
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
  const folder = { path: options.out, replace: options.replace ?? false };
  await checkRunFolder(folder);
  const { label, cache = true } = options;
  const wishes = cache ? { ...options, cacheFolder: cacheFolder() } : options;
  const run = await trainingRun(
    await loadCorpus(data, label === undefined ? {} : { label }),
    wishes,
    terminal,
  );
  await writeRun(run, folder);
  const { accuracy, correct, clips } = run.metrics;
  const text = [
    `${run.corpus.name}: ${(100 * accuracy).toFixed(2)} % right (${correct} of ${clips} test recordings)`,
    `split: ${run.split.note}`,
    ...(run.bad.length ? [`left out, since they cannot be used: ${run.bad.length}`] : []),
    `epoch ${run.bestEpoch} of ${run.history.length} is kept`,
    run.metrics.analysis.comparison.note,
    `run: ${options.out}`,
  ].join('\n');
  return { text, json: { run: options.out, ...run.metrics } };
}
