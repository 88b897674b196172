// `earmark demo`: the whole path on the synthetic digits that ship with the package, and a page that shows it.
import { join } from 'node:path';
import type { Command } from 'commander';
import { AUGMENTATIONS } from '../../augmentation/settings.ts';
import { loadEmbedded } from '../../corpus/embedded.ts';
import { splitCorpus } from '../../corpus/split-kinds.ts';
import { DEFAULT_METHOD, parseMethod } from '../../relevance/method.ts';
import { fontFaces } from '../../report/fonts.ts';
import { demoPage, type PageFigure, type PageTable } from '../../report/page.ts';
import { formatHertz, formatPercent } from '../../report/ticks.ts';
import { nodeRuntime } from '../../runtime/node.ts';
import { FIT } from '../../training/fit.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { jsonOption, seedNumber } from '../options.ts';
import { chooseNetwork } from '../train/network.ts';
import { type TrainingRun, trainingRun } from '../train/run.ts';
import { checkRunFolder } from '../train/run-folder.ts';
import { survey } from '../train/survey.ts';
import { figuresOf, type NamedFigure, type RunFigures, writeRun } from '../train/write.ts';

export interface DemoOptions {
  readonly out: string;
  readonly seed: number;
}

/** Enough for the synthetic voices. */
const EPOCHS = 12;
const PAGE = 'index.html';

export function addDemo(program: Command, { terminal, give }: Frame): void {
  program
    .command('demo')
    .summary('the whole path on synthetic digits: train, test, explain, show')
    .description(
      'Train on the synthetic digits that ship with the package, test on voices not heard in training, explain a ' +
        'recording of each digit and every misclassified one (up to 10), and write a page that shows it all.',
    )
    .option('--out <dir>', 'folder to write to; an earlier demo in it is replaced', 'earmark-demo')
    .option('--seed <n>', 'what decides weights, batches and masks', seedNumber, FIT.seed)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  earmark demo --out my-demo')
    .action(async (options: DemoOptions & { json?: boolean }) =>
      give(await demo(options, terminal), options.json),
    );
}

/** @throws FileError where the folder cannot be written */
export async function demo({ out, seed }: DemoOptions, terminal: Terminal): Promise<Result> {
  const folder = { path: out, replace: true, marks: [PAGE] };
  await checkRunFolder(folder);
  const corpus = await loadEmbedded();
  if (corpus.note) terminal.note(`${corpus.name}: ${corpus.note}`);
  const run = await trainingRun(
    await survey(corpus, false, terminal),
    splitCorpus(corpus, 'official'),
    {
      ...(await chooseNetwork('mel-cnn')),
      fit: { ...FIT, epochs: EPOCHS, seed },
      augmentation: AUGMENTATIONS.light,
      method: parseMethod(DEFAULT_METHOD),
      runtime: nodeRuntime,
    },
    terminal,
  );
  const figures = figuresOf(run);
  await writeRun(run, folder, { [PAGE]: pageOf(run, figures) }, figures);
  const { accuracy, correct, clips } = run.metrics;
  const page = join(out, PAGE);
  const text = [
    `${formatPercent(accuracy)} right on voices not heard in training (${correct} of ${clips} synthetic recordings)`,
    run.metrics.analysis.comparison.note,
    `page: ${page}`,
    `model: ${join(out, 'model.onnx')}`,
  ].join('\n');
  return { text, json: { page, run: out, ...run.metrics } };
}

function pageOf(run: TrainingRun, { summary, errors, clips }: RunFigures): string {
  const { metrics, split, model, history, bestEpoch, method } = run;
  const { corpus } = run.surveyed;
  const { analysis } = metrics;
  const shown = ({ svg, caption }: NamedFigure): PageFigure => ({ svg, caption, alt: caption });
  const of = (name: string) => summary.filter((figure) => figure.name === name).map(shown);
  return demoPage({
    title: 'What a digit classifier listens to',
    lead:
      `A small convolutional network was trained on ${corpus.clips.length} synthetic recordings of spoken digits and ` +
      'tested on voices that it had not heard. Each prediction was then propagated back to its spectrogram with ' +
      'Layer-wise Relevance Propagation: red is what spoke for the digit, blue what spoke against it.',
    facts: [
      ['Accuracy on unheard voices', formatPercent(metrics.accuracy)],
      ['Test recordings', `${metrics.correct} of ${metrics.clips} right`],
      ['Recordings', corpus.note ?? corpus.name],
      ['Split', split.note],
      ['Training', `${history.length} epochs, the weights of epoch ${bestEpoch} kept`],
      ['Method', method.name],
    ],
    sections: [
      {
        heading: 'One recording of each digit',
        text:
          'From left to right: the log-mel spectrogram that the network sees, the relevance of each of its cells for the ' +
          'predicted digit, and that relevance laid over the spectrogram.',
        figures: clips.map(shown),
      },
      {
        heading: 'Misclassified recordings',
        text: errors.length
          ? 'The map for the digit that was predicted beside that for the digit that was spoken.'
          : 'None: every test recording was recognised.',
        figures: errors.map(shown),
      },
      {
        heading: 'Which frequencies decide',
        text: analysis.comparison.note,
        figures: [...of('bands'), ...of('correct-wrong')],
        tables: [bandTable(run), groupTable(run)],
      },
      {
        heading: 'How well it was learnt',
        figures: [...of('confusion'), ...of('learning-curves')],
        tables: [speakerTable(run)],
      },
    ],
    footer:
      'Made by Earmark. The voices are synthetic (espeak-ng): a classifier of people needs recordings of people. ' +
      `Input: ${model.features.nMels} mel bands at ${model.features.sampleRate} Hz.`,
    fontFaces: fontFaces(),
  });
}

function bandTable({ metrics: { analysis } }: TrainingRun): PageTable {
  const bands = analysis.bands ?? [];
  return {
    caption: 'Share of positive relevance by band, mean over the test recordings taken for each digit',
    head: ['Digit', ...bands.map(({ low, high }) => `${formatHertz(low)}–${formatHertz(high)}`)],
    rows: analysis.byClass.map(({ label, positive }) => [
      label,
      ...(positive ?? []).map(({ mean }) => (mean === null ? '–' : formatPercent(mean))),
    ]),
  };
}

function groupTable({ metrics: { analysis } }: TrainingRun): PageTable {
  const share = (value: number | null) => (value === null ? '–' : formatPercent(value));
  const groups = [
    ['recognised', analysis.comparison.correct] as const,
    ...(analysis.comparison.misclassified
      ? [['misclassified', analysis.comparison.misclassified] as const]
      : []),
  ];
  return {
    caption: 'Mean share of |relevance| on what cannot be heard',
    head: ['Recordings', 'Number', 'On padding', 'On silence'],
    rows: groups.map(([name, g]) => [name, g.n, share(g.padding), share(g.silence)]),
  };
}

function speakerTable({ metrics: { bySpeaker } }: TrainingRun): PageTable {
  return {
    caption: 'By voice',
    head: ['Voice', 'Recordings', 'Right'],
    rows: Object.entries(bySpeaker).map(([name, t]) => [name, t.clips, formatPercent(t.accuracy)]),
  };
}
