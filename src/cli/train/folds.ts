// Several runs on the folds of one corpus, a folder each, and what they come to together.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { labelsOf } from '../../corpus/clip.ts';
import type { Split } from '../../corpus/split.ts';
import { makeFolder, readBytes, writeFileAtomic } from '../../files/atomic.ts';
import { describeSpread, foldsFigure } from '../../report/folds.ts';
import { svgToPng } from '../../report/png.ts';
import { speakersFigure } from '../../report/speakers.ts';
import { checkPlan } from '../../training/checkpoint.ts';
import type { Classified } from '../../training/metrics.ts';
import { type FoldsSummary, summariseFolds } from '../../training/metrics-folds.ts';
import type { Terminal } from '../frame.ts';
import { nameOf } from '../names.ts';
import { readJson } from './finished.ts';
import { type RunMetrics, type RunSettings, trainingRun } from './run.ts';
import { FOLDS, isComplete } from './run-folder.ts';
import type { Surveyed } from './survey.ts';
import { PREDICTIONS, writeRun } from './write.ts';

/**
 * Trains and tests on each split in turn; folds that are there already are not trained again.
 *
 * @param out folder of all; each fold is a run in a folder of its own in it
 * @returns `failed`: the folds whose training ended before its time, with the best weights until then
 * @throws CorpusError, AudioError, FeatureError, TrainingError, MethodError, FileError
 */
export async function trainFolds(
  surveyed: Surveyed,
  splits: readonly Split[],
  settings: RunSettings,
  terminal: Terminal,
  out: string,
): Promise<{ summary: FoldsSummary; failed: readonly string[] }> {
  const { note } = terminal;
  const { corpus } = surveyed;
  const labels = labelsOf(corpus.clips);
  const names = splits.map(({ fold }, i) => fold?.name ?? `fold ${i + 1}`);
  const { name: architecture, features, sampleRate, clipSeconds, fit, augmentation, method } = settings;
  const plan = JSON.parse(
    JSON.stringify({
      corpus: { name: corpus.name, clips: corpus.clips.length, labels },
      ...{ architecture, features, sampleRate, clipSeconds, fit, augmentation, method: method?.name },
      device: settings.runtime.device,
      folds: splits.map(({ note: what }, i) => ({ name: names[i], note: what })),
    }),
  );
  const planFile = join(out, FOLDS);
  if (existsSync(planFile)) checkPlan((await readJson(planFile)) as typeof plan, plan, `the run in ${out}`);
  await makeFolder(out);
  await writeFileAtomic(planFile, json(plan));

  const tested: { name: string; clips: Classified[] }[] = [];
  const failed: string[] = [];
  for (const [i, split] of splits.entries()) {
    const name = names[i]!;
    const folder = join(out, `${i + 1}-${nameOf(name)}`);
    const isThere = await isComplete(folder);
    if (!isThere) {
      const run = await trainingRun(surveyed, split, settings, terminal, { folder, resume: true });
      await writeRun(run, { path: folder, replace: true });
    }
    const clips = await readPredictions(folder);
    tested.push({ name, clips });
    const { training } = (await readJson(join(folder, 'metrics.json'))) as RunMetrics;
    if (training.failure !== null) failed.push(name);
    const correct = clips.filter((clip) => clip.label === clip.predicted).length;
    const percent = ((100 * correct) / clips.length).toFixed(2);
    const before = isThere ? ', trained before' : '';
    note(`${name} (${i + 1} of ${splits.length}): ${percent} % right of ${clips.length}${before}`);
  }
  const summary = summariseFolds(tested, labels);
  await writeSummary(out, summary);
  return { summary, failed };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

async function readPredictions(folder: string): Promise<Classified[]> {
  const text = new TextDecoder().decode(await readBytes(join(folder, PREDICTIONS), 'predictions'));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

async function writeSummary(out: string, summary: FoldsSummary): Promise<void> {
  const { accuracy, folds, pooled } = summary;
  const figures = {
    folds: foldsFigure({
      folds: folds.map(({ name, metrics }) => ({ ...metrics, name })),
      mean: accuracy.mean,
      sd: accuracy.sd,
      pooled,
    }),
    ...(Object.keys(pooled.bySpeaker).length > 0 && {
      speakers: speakersFigure(pooled.bySpeaker, pooled),
    }),
  };
  for (const [name, { svg, data }] of Object.entries(figures)) {
    await writeFileAtomic(join(out, `${name}.svg`), svg);
    await writeFileAtomic(join(out, `${name}.png`), svgToPng(svg));
    await writeFileAtomic(join(out, `${name}.json`), json(data));
  }
  await writeFileAtomic(join(out, 'metrics.json'), json(summary));
}

/** "93.1 ± 2.4 % right (mean and standard deviation of 6 folds)" and a line for each fold. */
export function describeFolds({ accuracy, folds, pooled }: FoldsSummary): string[] {
  return [
    `${describeSpread(accuracy.mean, accuracy.sd)} right (mean and standard deviation of ${folds.length} folds; pooled ${pooled.correct} of ${pooled.clips})`,
    ...folds.map(
      ({ name, metrics: m }) => `  ${name}: ${(100 * m.accuracy).toFixed(2)} % (${m.correct} of ${m.clips})`,
    ),
  ];
}
