// Model files on the command line: read with what they listen to, from their metadata or from files beside them.
import { Option } from 'commander';
import { FileError, ModelError } from '../errors.ts';
import { inputRange } from '../features/range.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { readBytes } from '../files/atomic.ts';
import type { Graph } from '../graph/types.ts';
import {
  type AudioModel,
  checkLabels,
  type Description,
  describedModel,
  descriptionOf,
  withFeatures,
} from '../model/model-file.ts';
import { readOnnx } from '../model/read.ts';

/** Paths of files that say what a model listens to, where it does not say so itself. */
export interface DescriptionFiles {
  readonly features?: string;
  readonly labels?: string;
}

/** `--features` and `--labels`. */
export function descriptionOptions(): [features: Option, labels: Option] {
  return [
    new Option('--features <file>', 'JSON of what the model listens to (see `earmark describe --help`)'),
    new Option('--labels <file>', 'labels in the order of the logits: a JSON array, or one a line'),
  ];
}

/** Reads a model that knows its labels and features, or is told. @throws FileError, ModelError, GraphError, FeatureError */
export async function readModel(path: string, files: DescriptionFiles = {}): Promise<AudioModel> {
  const given = await readDescription(files);
  return describedModel(await readOnnx(path), path, given);
}

/**
 * Reads any classifier, with what it says, or is said, of its labels and of the range of its input.
 * @throws FileError, ModelError, GraphError, FeatureError
 */
export async function readClassifier(path: string, files: DescriptionFiles) {
  const given = await readDescription(files);
  const graph = await readOnnx(path);
  const { labels, features } = { ...descriptionOf(graph, path), ...given };
  if (labels) checkLabels(graph, labels, path);
  const fitted: Graph = features ? withFeatures(graph, features, path) : graph;
  return { graph: fitted, labels, range: features && inputRange(features) };
}

/** Reads what `--features` and `--labels` name. @throws FileError, ModelError, FeatureError */
export async function readDescription({ features, labels }: DescriptionFiles): Promise<Description> {
  return {
    ...(features !== undefined && { features: await readFeatures(features) }),
    ...(labels !== undefined && { labels: await readLabels(labels) }),
  };
}

async function readFeatures(path: string): Promise<FeatureSettings> {
  return parseFeatureSettings(await readJson(path, 'feature settings'), path);
}

/** A JSON array of labels (or numbers), or a label on each line. */
async function readLabels(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(path, 'labels'));
  const listed: unknown = /^\s*\[/.test(text) ? parseJson(text, path) : text.trimEnd().split(/\r?\n/);
  const labels = (listed as unknown[]).map((label) => (typeof label === 'number' ? `${label}` : label));
  const bad = labels.findIndex((label) => typeof label !== 'string' || label.trim() === '');
  if (bad >= 0) {
    throw new ModelError({
      what: `${path}: label ${bad}`,
      expected: 'a text on each line, or a JSON array of texts',
      got: JSON.stringify(labels[bad]) || 'nothing',
    });
  }
  return labels as string[];
}

/** Reads a JSON file. @param what how errors call it @throws FileError */
export async function readJson(path: string, what: string): Promise<unknown> {
  return parseJson(new TextDecoder().decode(await readBytes(path, what)), path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError({ what: `${path}: not JSON`, got: (cause as Error).message, cause });
  }
}

/** Up to twenty labels, and how many there are besides. */
export function shownLabels(labels: readonly string[]): string {
  const more = labels.length > 20 ? [`${labels.length - 20} more`] : [];
  return [...labels.slice(0, 20), ...more].join(', ');
}

/** Classes from the most to the least probable; the first of equals first, as ArgMax has it. */
export function ranking(probabilities: readonly number[]): number[] {
  return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
}
