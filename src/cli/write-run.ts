// A training run as the files of its folder: model, history, metrics, split, configuration and figures.
import { basename } from 'node:path';
import { bandEdges } from '../analysis/bands.ts';
import type { Shares } from '../analysis/shares.ts';
import { describeSplit } from '../corpus/split.ts';
import { binFrequencies, frameTimes } from '../features/input.ts';
import { encodeModel } from '../model/model-file.ts';
import { bandsFigure, correctWrongFigure } from '../report/bands.ts';
import { sum } from '../report/clip.ts';
import { confusionFigure } from '../report/confusion.ts';
import { learningCurvesFigure } from '../report/curves.ts';
import { comparisonFigure, describePrediction, explanationFigure } from '../report/explanation.ts';
import { svgToPng } from '../report/png.ts';
import { shownFeatures } from './explained-clip.ts';
import { distinctNames, nameOf } from './names.ts';
import { type RunFolder, writeRunFolder } from './run-folder.ts';
import type { TestedClip, TrainingRun } from './training-run.ts';

/** A figure by the name of its files. */
export interface NamedFigure {
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
  readonly data: unknown;
}

/** The most misclassified clips that are drawn. */
const MOST_ERRORS_DRAWN = 10;

/** A row of shares, where all of it is known. */
const known = (row: readonly (number | null)[]) => (row.every((v) => v !== null) ? row : null);

/** The figures of a run: how it learnt, what it confuses, where it looks, and each error (up to 10). */
export function figuresOf(run: TrainingRun): { summary: NamedFigure[]; errors: NamedFigure[] } {
  const { metrics, model, history, bestEpoch } = run;
  const { analysis, confusion } = metrics;
  const voices = run.corpus.synthetic ? ' (synthetic voices)' : '';
  const summary: NamedFigure[] = [
    {
      name: 'learning-curves',
      caption: `Loss and accuracy by epoch; the weights of epoch ${bestEpoch} are kept.`,
      ...learningCurvesFigure(history, { bestEpoch }),
    },
    {
      name: 'confusion',
      caption: `What the ${metrics.clips} test recordings${voices} were taken for.`,
      ...confusionFigure(confusion.labels, confusion.counts, metrics.accuracy),
    },
  ];
  if (analysis.bands) {
    const edges = bandEdges(analysis.bands);
    summary.push({
      name: 'bands',
      caption:
        'Where in frequency the relevance that speaks for each class lies: mean over the recordings taken for it.',
      ...bandsFigure(
        model.labels,
        edges,
        analysis.byClass.map(({ positive }) => positive && known(positive.map((s) => s.mean))),
      ),
    });
    const { correct, misclassified, note } = analysis.comparison;
    summary.push({
      name: 'correct-wrong',
      caption: note,
      ...correctWrongFigure(edges, correct, misclassified),
    });
  }
  const wrong = run.tested.filter((t) => t.label !== t.predicted).slice(0, MOST_ERRORS_DRAWN);
  const distinct = distinctNames();
  const errors = wrong.map((clip) => ({ ...errorFigure(run, clip), name: distinct(nameOf(clip.path)) }));
  return { summary, errors };
}

/** The map of one tested clip for the class it was taken for. */
export function clipFigure(run: TrainingRun, clip: TestedClip): NamedFigure {
  const { features, svgWords } = picture(run, clip);
  return {
    name: nameOf(clip.path),
    caption: caption(clip),
    ...explanationFigure({ ...svgWords, ...features, relevance: clip.relevance }),
  };
}

/** The map for the predicted class beside that for the true one. */
function errorFigure(run: TrainingRun, clip: TestedClip): Omit<NamedFigure, 'name'> {
  const { features, svgWords } = picture(run, clip);
  const measured = run.metrics.analysis.misclassified.find((e) => e.path === clip.path);
  const quiet = (shares: Shares | undefined) => ({
    silence: shares?.silence ?? null,
    padding: shares?.padding ?? null,
  });
  return {
    caption: caption(clip),
    ...comparisonFigure({
      ...svgWords,
      ...features,
      relevances: [
        {
          title: `For “${clip.predicted}” (predicted)`,
          relevance: clip.relevance,
          ...quiet(measured?.shares),
        },
        {
          title: `For “${clip.label}” (true)`,
          relevance: clip.relevanceOfTrue ?? clip.relevance,
          ...quiet(measured?.ofTrue?.shares),
        },
      ],
    }),
  };
}

function picture({ model, method }: TrainingRun, clip: TestedClip) {
  const settings = model.features;
  return {
    svgWords: describePrediction({
      file: basename(clip.path),
      trueLabel: clip.label,
      predictedLabel: clip.predicted,
      probability: clip.probability,
      method,
      targetLabel: clip.predicted,
      logit: Math.max(...clip.logits),
      relevanceSum: sum(clip.relevance),
    }),
    features: {
      ...shownFeatures(clip.features, settings),
      times: frameTimes(settings),
      frequencies: binFrequencies(settings),
    },
  };
}

function caption({ path, label, predicted, example }: TestedClip): string {
  const speaker = example.clip.speaker === null ? '' : `, spoken by ${example.clip.speaker}`;
  const verdict = label === predicted ? 'recognised' : `taken for “${predicted}”`;
  return `“${label}”${speaker}: ${verdict} (${basename(path)}).`;
}

/** Writes a run, all or nothing. @param extra further files: path inside → contents */
export async function writeRun(
  run: TrainingRun,
  folder: RunFolder,
  extra: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<void> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const { summary, errors } = figuresOf(run);
  const files: Record<string, Uint8Array | string> = {
    'model.onnx': encodeModel(run.model),
    'history.jsonl': run.history.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''),
    'metrics.json': json(run.metrics),
    'split.json': json(describeSplit(run.split, run.corpus)),
    'config.json': json(run.config),
    ...extra,
  };
  const drawn = [...summary, ...errors.map((figure) => ({ ...figure, name: `errors/${figure.name}` }))];
  for (const { name, svg, data } of drawn) {
    files[`${name}.png`] = svgToPng(svg);
    files[`${name}.svg`] = svg;
    files[`${name}.json`] = json(data);
  }
  await writeRunFolder(folder, files);
}
