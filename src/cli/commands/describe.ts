// `earmark describe`: what a model says of itself; and to tell a model from elsewhere what it listens to.
import { type Command, Option } from 'commander';
import { FileError, UsageError } from '../../errors.ts';
import { inputShape } from '../../features/input.ts';
import { type InputRange, inputRange } from '../../features/range.ts';
import {
  FEATURE_KINDS,
  type FeatureKind,
  type FeatureSettings,
  parseFeatureSettings,
  relevantSettings,
} from '../../features/settings.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import { type Graph, showType } from '../../graph/types.ts';
import { logitsOf } from '../../model/logits.ts';
import {
  checkLabels,
  type Description,
  describedModel,
  descriptionOf,
  encodeModel,
  withFeatures,
} from '../../model/model-file.ts';
import { readOnnx } from '../../model/read.ts';
import type { Frame, Result } from '../frame.ts';
import { type DescriptionFiles, descriptionOptions, readDescription, shownLabels } from '../model.ts';
import { jsonOption } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface DescribeOptions extends DescriptionFiles {
  /** .onnx to write: the model that knows what it listens to. */
  readonly out?: string;
}

const HELP = `
The features file is JSON with librosa's names in camel case; what is left out
has librosa's default. With \`--template KIND\` it prints one to fill in.
  kind       logmel, mfcc, spectrogram (short-time Fourier) or waveform
  sampleRate, clipSamples, align (center or start), normalize (peak, rms or null)
  nFft, hopLength, winLength, window, center, padMode, power (2, or 1: magnitude)
  nMels, fmin, fmax, htk, norm; nMfcc, dctType, dctNorm, lifter
  scaling    power_to_db (ref: a number or "max", amin, topDb: dB or null),
             log (the natural logarithm of value / ref + offset), none, or
             level (what Earmark trains with, and what it is unless said:
             dB re the clip's maximum, -topDb to 0 made 0 to 1)
  standardize  null; bins: each row made to have mean 0 and deviation 1 over
             the clip; bin-means: each mean 0, all together deviation 1
  mean, std  subtracted, then divided by: a number, or one for each row
  layout     the axes of the model's input in order, such as
             ["batch", "channel", "bin", "time"] or ["batch", "time", "bin"]

Example:
  earmark describe model.onnx --features features.json --labels labels.txt --out heard.onnx`;

export function addDescribe(program: Command, { give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  program
    .command('describe')
    .summary('what a model says of itself; to tell it what it listens to')
    .description('Show what a model says of itself, or tell a model from elsewhere what it listens to.')
    .argument('[model]', 'ONNX file of a classifier')
    .addOption(featuresOption)
    .addOption(labelsOption)
    .option('--out <model2.onnx>', 'where to write the model with features and labels in its metadata')
    .addOption(new Option('--template <kind>', 'print a features file for this kind').choices(FEATURE_KINDS))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(
      async (
        model: string | undefined,
        { template, json, ...options }: DescribeOptions & { template?: FeatureKind; json?: boolean },
      ) => {
        if (template && !model && Object.keys(options).length === 0) give(templateOf(template), json);
        else if (model && !template) give(await describe(model, options), json);
        else throw new UsageError({ what: 'describe', expected: 'a model, or --template alone' });
      },
    );
}

/** Settings of speech models of each kind, as a start. */
const TEMPLATES: Readonly<Record<FeatureKind, object>> = {
  logmel: { nFft: 512, hopLength: 160, nMels: 64, scaling: 'power_to_db' },
  mfcc: { nFft: 512, hopLength: 160, nMels: 40, scaling: 'power_to_db' },
  spectrogram: { nFft: 512, hopLength: 160, power: 1, scaling: 'none' },
  waveform: {},
};

/** A features file to fill in: every setting that has a part in the kind. */
function templateOf(kind: FeatureKind): Result {
  const settings = parseFeatureSettings({ kind, sampleRate: 16000, clipSamples: 16000, ...TEMPLATES[kind] });
  const json = relevantSettings(settings);
  return { text: JSON.stringify(json, null, 2), json };
}

/** @throws FileError, ModelError, GraphError, FeatureError, UsageError */
export async function describe(path: string, { out, ...files }: DescribeOptions): Promise<Result> {
  await checkOutputs(out);
  const given = await readDescription(files);
  const graph = await readOnnx(path);
  if (out !== undefined) {
    if (!out.endsWith('.onnx'))
      throw new FileError({ what: `--out ${out}`, expected: 'a name ending in .onnx' });
    const model = describedModel(graph, path, given);
    await writeFileAtomic(out, encodeModel(model));
    return shown(out, model.graph, model);
  }
  const said: Description = { ...descriptionOf(graph, path), ...given };
  if (said.labels) checkLabels(graph, said.labels, path);
  return shown(path, said.features ? withFeatures(graph, said.features, path) : graph, said);
}

function shown(path: string, graph: Graph, { labels, features, facts = {} }: Description): Result {
  const { name, classes, activation } = logitsOf(graph);
  const range = features && inputRange(features);
  const json = {
    model: path,
    inputs: graph.inputs,
    outputs: graph.outputs,
    logits: { name, classes, activation },
    labels: labels ?? null,
    features: features ? relevantSettings(features) : null,
    inputRange: range ?? null,
    facts,
  };
  const after = activation ? `, before a ${activation}` : '';
  const rows: [string, string][] = [
    ...graph.inputs.map((input): [string, string] => ['input', `${input.name} ${showType(input)}`]),
    ...graph.outputs.map((output): [string, string] => ['output', `${output.name} ${showType(output)}`]),
    ['logits', `${name}, ${classes} ${classes === 1 ? 'class' : 'classes'}${after}`],
    ['labels', labels ? shownLabels(labels) : 'not said (--labels FILE)'],
    ['features', features ? describeFeatures(features, range) : 'not said (--features FILE)'],
    ...(features ? Object.entries(relevantSettings(features)) : []).map(([key, value]): [string, string] => [
      '',
      `${key} ${JSON.stringify(value)}`,
    ]),
    ...Object.entries(facts).map(([key, value]): [string, string] => [key, JSON.stringify(value)]),
  ];
  const width = Math.max(...rows.map(([key]) => key.length));
  return { text: [path, ...rows.map(([key, value]) => `  ${key.padEnd(width)}  ${value}`)].join('\n'), json };
}

function describeFeatures(features: FeatureSettings, range: InputRange | undefined): string {
  const [rows, columns] = inputShape(features);
  const within = range ? `between ${+range.low.toFixed(4)} and ${+range.high.toFixed(4)}` : 'not bounded';
  const seconds = features.clipSamples / features.sampleRate;
  return `${features.kind} [${rows}, ${columns}] of ${+seconds.toFixed(4)} s, ${within}`;
}
