// Model files on the command line: read with what they listen to, from their metadata or from files beside them.
import { Option } from 'commander';
import { FileError, ModelError, UsageError } from '../errors.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { readBytes } from '../files/atomic.ts';
import { readOnnx } from '../graph/read.ts';
import { type AudioModel, type Description, describedModel } from '../model/model-file.ts';
import { PREDICTED } from '../relevance/explainer.ts';

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

/** Reads what `--features` and `--labels` name. @throws FileError, ModelError, FeatureError */
export async function readDescription({ features, labels }: DescriptionFiles): Promise<Description> {
  return {
    ...(features !== undefined && { features: await readFeatures(features) }),
    ...(labels !== undefined && { labels: await readLabels(labels) }),
  };
}

async function readFeatures(path: string): Promise<FeatureSettings> {
  const text = new TextDecoder().decode(await readBytes(path, 'feature settings'));
  return parseFeatureSettings(parseJson(text, path), path);
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

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError({ what: `${path}: not JSON`, got: (cause as Error).message, cause });
  }
}

/**
 * The class that `--target` names: a label goes before a number, since labels may be numbers themselves.
 * @throws UsageError
 */
export function classOf(text: string, labels: readonly string[]): number {
  if (text === 'predicted') return PREDICTED;
  const named = labels.indexOf(text);
  if (named >= 0) return named;
  if (/^\d+$/.test(text) && Number(text) < labels.length) return Number(text);
  const expected = `predicted, a number from 0 to ${labels.length - 1}, or one of ${shownLabels(labels)}`;
  throw new UsageError({ what: '--target', expected, got: text });
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
