// A training run as the files of its folder: model, history, metrics, split, configuration and figures.
import { basename } from 'node:path';
import { bandEdges } from '../../analysis/bands.ts';
import type { Shares } from '../../analysis/shares.ts';
import { describeSplit } from '../../corpus/split.ts';
import { binFrequencies, frameTimes } from '../../features/input.ts';
import { profileOf } from '../../hertz/profile.ts';
import type { Spectrum } from '../../hertz/spectrum.ts';
import { encodeModel } from '../../model/model-file.ts';
import { bandsFigure, correctWrongFigure } from '../../report/bands.ts';
import { sum } from '../../report/clip.ts';
import { confusionFigure } from '../../report/confusion.ts';
import { learningCurvesFigure } from '../../report/curves.ts';
import { comparisonFigure, describePrediction, explanationFigure } from '../../report/explanation.ts';
import { svgToPng } from '../../report/png.ts';
import { reliabilityFigure } from '../../report/reliability.ts';
import { speakersFigure } from '../../report/speakers.ts';
import { spectrumMap } from '../../report/spectrum.ts';
import { waveformFigure } from '../../report/waveform.ts';
import { shownFeatures } from '../explained-clip.ts';
import { distinctNames, nameOf } from '../names.ts';
import type { TrainingRun } from './run.ts';
import { type RunFolder, writeRunFolder } from './run-folder.ts';
import type { Maps, TestedClip } from './test-part.ts';

/** What of each test clip was predicted, a line each. */
export const PREDICTIONS = 'predictions.jsonl';

/** A figure by the name of its files. */
export interface NamedFigure {
  readonly name: string;
  readonly caption: string;
  readonly svg: string;
  readonly data: unknown;
}

export interface RunFigures {
  readonly summary: readonly NamedFigure[];
  /** Misclassified clips. */
  readonly errors: readonly NamedFigure[];
  /** One clip of each class. */
  readonly clips: readonly NamedFigure[];
}

/** A row of shares, where all of it is known. */
const known = (row: readonly (number | null)[]) => (row.every((v) => v !== null) ? row : null);

/** The figures of a run: how it learnt, what it confuses, where it looks, some errors, and a clip of each class. */
export function figuresOf(run: TrainingRun): RunFigures {
  const { metrics, model, history, bestEpoch } = run;
  const { analysis, confusion } = metrics;
  const voices = run.surveyed.corpus.synthetic ? ' (synthetic voices)' : '';
  const summary: NamedFigure[] = [
    {
      name: 'learning-curves',
      caption: `Loss and accuracy by epoch; the weights of epoch ${bestEpoch} are kept.`,
      ...learningCurvesFigure(history, { bestEpoch }),
    },
    {
      name: 'confusion',
      caption: `What the ${metrics.clips} test recordings${voices} were taken for.`,
      ...confusionFigure(confusion.labels, confusion.counts, metrics.accuracy, {
        interval: metrics.interval,
      }),
    },
  ];
  if (metrics.calibration) {
    summary.push({
      name: 'reliability',
      caption: 'Whether the model is as sure as it is right: accuracy over confidence.',
      ...reliabilityFigure(metrics.calibration),
    });
  }
  if (Object.keys(metrics.bySpeaker).length > 0) {
    summary.push({
      name: 'speakers',
      caption: 'Accuracy for each speaker of the test part, with its 95 % interval.',
      ...speakersFigure(metrics.bySpeaker, metrics),
    });
  }
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
  const named = (clips: readonly TestedClip[], draw: typeof clipFigure) => {
    const distinct = distinctNames();
    return clips.map((clip) => ({ ...draw(run, clip), name: distinct(nameOf(clip.path)) }));
  };
  return { summary, errors: named(run.errors, errorFigure), clips: named(run.ofEachClass, clipFigure) };
}

/** The map of one tested clip for the class it was taken for. */
function clipFigure(run: TrainingRun, clip: TestedClip): Omit<NamedFigure, 'name'> {
  const { features, relevance, spectrum } = run.maps.get(clip) as Maps;
  const settings = run.model.features;
  const { features: shown, featureLabel } = shownFeatures(features, settings);
  const picture = {
    ...wordsOf(run, clip, relevance),
    featureLabel,
    times: frameTimes(settings),
    ...(spectrum && { profile: profileOf(spectrum, settings) }),
  };
  const figure =
    settings.kind === 'waveform'
      ? waveformFigure({ ...picture, samples: shown.data, relevance: relevance.data })
      : explanationFigure({
          ...picture,
          features: shown,
          frequencies: binFrequencies(settings),
          relevance,
          ...(spectrum && { spectrum: spectrumMap(spectrum) }),
        });
  return { caption: caption(clip), ...figure };
}

/** The map for the predicted class beside that for the true one; in hertz where the model's rows are no frequencies. */
function errorFigure(run: TrainingRun, clip: TestedClip): Omit<NamedFigure, 'name'> {
  const { features, ofTrue, ...own } = run.maps.get(clip) as Maps;
  const settings = run.model.features;
  const other = ofTrue ?? own;
  const {
    features: shown,
    relevances,
    ...axes
  } = own.spectrum && other.spectrum
    ? inHertz(own.spectrum, other.spectrum)
    : {
        ...shownFeatures(features, settings),
        times: frameTimes(settings),
        frequencies: binFrequencies(settings),
        relevances: [own.relevance, other.relevance] as const,
      };
  const quiet = (shares: Shares | undefined) => ({
    silence: shares?.silence ?? null,
    padding: shares?.padding ?? null,
  });
  const { shares, ofTrue: contrast } = clip.measured;
  return {
    caption: caption(clip),
    ...comparisonFigure({
      ...wordsOf(run, clip, own.relevance),
      ...axes,
      features: shown,
      relevances: [
        { title: `For “${clip.predicted}” (predicted)`, relevance: relevances[0], ...quiet(shares) },
        { title: `For “${clip.label}” (true)`, relevance: relevances[1], ...quiet(contrast?.shares) },
      ],
    }),
  };
}

/** Two maps over the spectrogram of their clip. */
function inHertz(own: Spectrum, other: Spectrum) {
  const { relevance, ...map } = spectrumMap(own);
  return { ...map, inHertz: true, relevances: [relevance, spectrumMap(other).relevance] as const };
}

function wordsOf({ method }: TrainingRun, clip: TestedClip, relevance: Maps['relevance']) {
  return describePrediction({
    file: basename(clip.path),
    trueLabel: clip.label,
    predictedLabel: clip.predicted,
    probability: clip.probability,
    method: method.name,
    targetLabel: clip.predicted,
    logit: Math.max(...clip.logits),
    relevanceSum: sum(relevance),
  });
}

function caption({ path, label, predicted, speaker }: TestedClip): string {
  const spoken = speaker === null ? '' : `, spoken by ${speaker}`;
  const verdict = label === predicted ? 'recognised' : `taken for “${predicted}”`;
  return `“${label}”${spoken}: ${verdict} (${basename(path)}).`;
}

/** The files of a run: path inside its folder → contents. */
export function filesOf(run: TrainingRun, figures: RunFigures): Record<string, Uint8Array | string> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const files: Record<string, Uint8Array | string> = {
    'model.onnx': encodeModel(run.model),
    'history.jsonl': run.history.map((epoch) => `${JSON.stringify(epoch)}\n`).join(''),
    'metrics.json': json(run.metrics),
    [PREDICTIONS]: run.tested
      .map(({ clip: _, measured: __, ...facts }) => `${JSON.stringify(facts)}\n`)
      .join(''),
    'split.json': json(describeSplit(run.split, run.surveyed.corpus)),
    'config.json': json(run.config),
  };
  const inside = (folder: string, list: readonly NamedFigure[]) =>
    list.map((figure) => ({ ...figure, name: `${folder}/${figure.name}` }));
  const drawn = [...figures.summary, ...inside('errors', figures.errors), ...inside('clips', figures.clips)];
  for (const { name, svg, data } of drawn) {
    files[`${name}.png`] = svgToPng(svg);
    files[`${name}.svg`] = svg;
    files[`${name}.json`] = json(data);
  }
  return files;
}

/** Writes a run, all or nothing. @param extra further files: path inside → contents */
export async function writeRun(
  run: TrainingRun,
  folder: RunFolder,
  extra: Readonly<Record<string, Uint8Array | string>> = {},
  figures: RunFigures = figuresOf(run),
): Promise<void> {
  await writeRunFolder({ ...folder, goesOn: true }, { ...filesOf(run, figures), ...extra });
}
