// `earmark import`: a model that Keras saved becomes an ONNX file with the same layers.
import type { Command } from 'commander';
import { FileError, UsageError } from '../../errors.ts';
import { inputShape } from '../../features/input.ts';
import { type InputLayout, inputDims } from '../../features/layout.ts';
import { type FeatureKind, type FeatureSettings, parseFeatureSettings } from '../../features/settings.ts';
import { readBytes, writeFileAtomic } from '../../files/atomic.ts';
import { encodeOnnx } from '../../graph/onnx.ts';
import { importKeras, type KerasImport, type OpenExtents } from '../../keras/import.ts';
import { KERAS_LAYERS } from '../../keras/layers.ts';
import { logitsOf } from '../../model/logits.ts';
import { describedModel, encodeModel } from '../../model/model-file.ts';
import type { Frame, Result } from '../frame.ts';
import {
  type DescriptionFiles,
  descriptionOptions,
  readDescription,
  readJson,
  shownLabels,
} from '../model.ts';
import { jsonOption } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface ImportOptions extends DescriptionFiles {
  /** .onnx to write. */
  readonly out: string;
}

/** Names in lines of at most so many characters, indented. */
function inLines(names: readonly string[], width: number): string {
  const lines = [''];
  for (const name of names) {
    const line = lines[lines.length - 1];
    const longer = line === '' ? `  ${name}` : `${line}, ${name}`;
    if (longer.length < width) lines[lines.length - 1] = longer;
    else lines.push(`  ${name}`);
  }
  return lines.join(',\n');
}

const HELP = `
Reads .keras files of Keras 3 and late Keras 2, and .h5 files of Keras 1 to 3. Nodes
bear the layers' names, and the input keeps Keras' order of axes. With --features and
--labels the file can be explained at once; features that say no layout get the one
that fits the model's input: ["batch", "bin", "time", "channel"] and so on.

Layers, in Sequential and Functional models and such models within them:
${inLines(KERAS_LAYERS, 80)}

Example:
  earmark import model.keras --features features.json --labels labels.txt --out model.onnx`;

export function addImport(program: Command, { give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  program
    .command('import')
    .summary('a model that Keras saved, as an ONNX file')
    .description(
      'Make an ONNX file of a model that Keras saved, with the same layers and the same predictions.',
    )
    .argument('<model>', '.keras or .h5 file')
    .addOption(featuresOption)
    .addOption(labelsOption)
    .requiredOption('--out <model.onnx>', 'where to write the file')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (model: string, { json, ...options }: ImportOptions & { json?: boolean }) =>
      give(await importModel(model, options), json),
    );
}

/** @throws FileError, ModelError, GraphError, FeatureError, UsageError */
export async function importModel(path: string, { out, features, labels }: ImportOptions): Promise<Result> {
  if (!out.endsWith('.onnx'))
    throw new FileError({ what: `--out ${out}`, expected: 'a name ending in .onnx' });
  if ((features === undefined) !== (labels === undefined)) {
    throw new UsageError({ what: 'import', expected: 'both --features and --labels, or neither' });
  }
  await checkOutputs(out);
  const told = features === undefined ? undefined : await readSettings(features);
  const given = await readDescription(labels === undefined ? {} : { labels });
  const bytes = await readBytes(path, 'model');
  const imported = await importKeras(bytes, { name: path, ...(told && { input: told.extents }) });
  const { graph, kerasVersion, parameters } = imported;
  const [, ...extents] = graph.inputs[0].shape as ['N', ...number[]];
  const model = told
    ? describedModel(graph, path, {
        ...given,
        features: told.settings(extents),
        facts: { importedFrom: `Keras ${kerasVersion}`, parameters },
      })
    : undefined;
  const shown = shownImport(path, out, imported, model);
  await writeFileAtomic(out, model ? encodeModel(model) : encodeOnnx(graph));
  return shown;
}

const LAYOUTS: Readonly<Record<'waveform' | 'matrix', readonly InputLayout[]>> = {
  waveform: [
    ['batch', 'time'],
    ['batch', 'time', 'channel'],
    ['batch', 'channel', 'time'],
  ],
  matrix: [
    ['batch', 'bin', 'time', 'channel'],
    ['batch', 'time', 'bin', 'channel'],
    ['batch', 'channel', 'bin', 'time'],
    ['batch', 'channel', 'time', 'bin'],
    ['batch', 'time', 'bin'],
    ['batch', 'bin', 'time'],
  ],
};

/** Feature settings whose layout, where they say none, is that which fits the model's input. */
interface Told {
  readonly settings: (extents: readonly number[]) => FeatureSettings;
  readonly extents: OpenExtents;
}

async function readSettings(path: string): Promise<Told> {
  const json = await readJson(path, 'feature settings');
  const settings = parseFeatureSettings(json, path);
  const says = typeof json === 'object' && json !== null && 'layout' in json;
  const layouts = says ? [settings.layout] : layoutsOf(settings.kind);
  const dimsOf = (layout: InputLayout) => inputDims(layout, inputShape(settings)).slice(1);
  const fitting = (extents: readonly (number | null)[]) => {
    const alike = layouts.filter((layout) => layout.length === extents.length + 1);
    const fits = (layout: InputLayout) =>
      dimsOf(layout).every((d, i) => extents[i] === null || extents[i] === d);
    return alike.find(fits) ?? alike[0] ?? settings.layout;
  };
  return {
    settings: (extents) => ({ ...settings, layout: fitting(extents) }),
    extents: (open) => dimsOf(fitting(open)),
  };
}

function layoutsOf(kind: FeatureKind): readonly InputLayout[] {
  return LAYOUTS[kind === 'waveform' ? 'waveform' : 'matrix'];
}

function shownImport(
  path: string,
  out: string,
  { graph, format, kerasVersion, layers, parameters, dropped, notes }: KerasImport,
  model: { labels: readonly string[]; features: FeatureSettings } | undefined,
): Result {
  const { name, classes, activation } = logitsOf(graph);
  const input = graph.inputs[0].shape;
  const list = layers.map((layer) => [
    layer.name,
    layer.className,
    `[${layer.shape.join(', ')}]`,
    layer.parameters > 0 ? layer.parameters.toLocaleString('en') : '',
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...list.map((row) => row[column].length)));
  const text = [
    `${path}: Keras ${kerasVersion}, ${layers.length} layers, ${parameters.toLocaleString('en')} parameters`,
    `  input   ${graph.inputs[0].name} [${input.join(', ')}]`,
    ...list.map((row) =>
      `  ${row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`.trimEnd(),
    ),
    `  logits  ${name}, ${classes} ${classes === 1 ? 'class' : 'classes'}${activation ? `, before a ${activation}` : ''}`,
    ...(model
      ? [`  labels  ${shownLabels(model.labels)}`, `  layout  ${model.features.layout.join(', ')}`]
      : []),
    ...(dropped.length > 0 ? [`  without ${dropped.join(', ')}`] : []),
    ...notes.map((note) => `  note    ${note}`),
    `Written to ${out}. Next:`,
    ...(model
      ? [`  earmark explain ${out} RECORDING.wav --out maps`]
      : [
          `  earmark describe --template mfcc    prints what it may listen to: fill it in, with the layout of the input`,
          `  earmark describe ${out} --features features.json --labels labels.txt --out ${out.replace(/\.onnx$/, '.heard.onnx')}`,
        ]),
  ].join('\n');
  const json = {
    model: out,
    source: path,
    format,
    keras: kerasVersion,
    input,
    layers,
    parameters,
    logits: { name, classes, activation },
    dropped,
    notes,
    labels: model?.labels ?? null,
    layout: model?.features.layout ?? null,
  };
  return { text, json };
}
