// `earmark predict`: what a model takes recordings for.
import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { openRuntime } from '../../runtime/node.ts';
import type { Device } from '../../runtime/runtime.ts';
import { FILES_HELP, splitFiles } from '../boxed.ts';
import { openClassifier } from '../classifier.ts';
import { fitFacts, forEachClip, type HeardClip } from '../clips.ts';
import { deviceOption } from '../device.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { type DescriptionFiles, descriptionOptions, ranking, readModel } from '../model.ts';
import { jsonOption, positiveNumber, wholeNumber } from '../options.ts';
import { predictLong } from '../predict-long.ts';

export interface PredictOptions extends DescriptionFiles {
  /** How many classes to tell of each clip. */
  readonly top: number;
  /** Length of windows that slide over each recording, and from one to the next (a quarter of that), in s. */
  readonly window?: number;
  readonly hop?: number;
  /** A line for each window. */
  readonly csv?: boolean;
  readonly device?: Device;
}

const HELP = `
With --window a window slides over each recording, however long, and a table tells from
when to when which label is the most probable, as the mean of the windows that hear a
moment. JSON has the windows, too. Windows 60 dB below the loudest count as silence.

Examples:
  earmark predict my-seven.wav
  earmark predict runs/fsdd/model.onnx three.wav --top 3
  earmark predict runs/fsdd/model.onnx talk.flac --window 1 --hop 0.25`;

export function addPredict(program: Command, { terminal, give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  program
    .command('predict')
    .summary('what a model takes recordings for')
    .description('Say what a model takes recordings for: on each line a file, its label and the probability.')
    .argument('<files...>', FILES_HELP)
    .addOption(featuresOption)
    .addOption(labelsOption)
    .option('--top <n>', 'how many labels to tell, the most probable first', wholeNumber(1), 1)
    .option(
      '--window <s>',
      'classify long recordings over time, through a window of that length',
      positiveNumber,
    )
    .option('--hop <s>', 'from one window to the next (default: a quarter of the window)', positiveNumber)
    .addOption(
      new Option(
        '--csv',
        'with --window, a line for each window: file,start,end,label,probability',
      ).conflicts('json'),
    )
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (files: string[], options: PredictOptions & { json?: boolean }) => {
      const { model, audio } = splitFiles(files, terminal);
      give(await predict(model, audio, options, terminal), options.json);
    });
}

/** @throws FileError, ModelError where the model cannot be used; recordings that cannot are reported and left out */
export async function predict(
  modelPath: string,
  audio: readonly string[],
  { top, window, hop, csv, device = 'cpu', ...files }: PredictOptions,
  terminal: Terminal,
): Promise<Result> {
  if (window === undefined && (hop !== undefined || csv)) {
    const what = hop === undefined ? '--csv' : '--hop';
    throw new UsageError({ what, expected: '--window with it', got: 'none' });
  }
  const model = await readModel(modelPath, files);
  const { labels, features } = model;
  const classifier = await openClassifier(model, await openRuntime(device, terminal.note));
  if (window !== undefined) {
    const options = { window, hop: hop ?? window / 4 };
    const result = await predictLong(classifier, model, audio, options, csv === true, terminal);
    await classifier.release();
    return result;
  }
  const classify = async (clip: HeardClip) => {
    const [{ logits, probabilities }] = await classifier.classify([clip.features]);
    const ranked = ranking(probabilities).map((k) => ({ label: labels[k], probability: probabilities[k] }));
    return {
      file: clip.file,
      ...ranked[0],
      top: ranked.slice(0, top),
      logits,
      clip: fitFacts(clip, features),
    };
  };
  const { results, failed } = await forEachClip(audio, features, terminal, classify);
  await classifier.release();
  const lines = results.map(({ file, top }) =>
    [file, ...top.flatMap((t) => [t.label, t.probability.toFixed(4)])].join('\t'),
  );
  return { text: lines.join('\n'), json: results, incomplete: failed > 0 };
}
