// The model file: an ONNX graph that carries its labels, feature settings and training facts in its own metadata.
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { decodeOnnx, encodeOnnx } from '../graph/onnx.ts';
import type { Graph } from '../graph/types.ts';

/** A classifier that knows what it listens to: [N, 1, bins, frames] → logits [N, classes]. */
export interface AudioModel {
  readonly graph: Graph;
  /** One label a class, in the order of the logits. */
  readonly labels: readonly string[];
  readonly features: FeatureSettings;
  /** What is worth knowing about its training: corpus, split, epochs, accuracy, seed. */
  readonly facts: Readonly<Record<string, unknown>>;
}

const KEYS = { labels: 'earmark.labels', features: 'earmark.features', facts: 'earmark.training' } as const;
const Labels = z.array(z.string()).min(2);
const Facts = z.record(z.string(), z.unknown());

/** The bytes of a model file. */
export function encodeModel(model: AudioModel): Uint8Array {
  const metadata = {
    ...model.graph.metadata,
    [KEYS.labels]: JSON.stringify(model.labels),
    [KEYS.features]: JSON.stringify(model.features),
    [KEYS.facts]: JSON.stringify(model.facts),
  };
  return encodeOnnx({ ...model.graph, metadata });
}

/**
 * Reads a model file that Earmark wrote.
 * @throws ModelError where labels or feature settings are missing or do not fit the graph
 */
export function decodeModel(bytes: Uint8Array, name: string): AudioModel {
  const graph = decodeOnnx(bytes, name);
  const labels = metadata(graph, KEYS.labels, Labels, name);
  const features = parseFeatureSettings(metadata(graph, KEYS.features, z.unknown(), name), name);
  const facts = graph.metadata[KEYS.facts] === undefined ? {} : metadata(graph, KEYS.facts, Facts, name);
  const expected = ['N', 1, ...inputShape(features)];
  const shapes = graph.inputs.map((input) => input.shape);
  const fits = shapes[0]?.length === 4 && expected.every((d, i) => i === 0 || d === shapes[0][i]);
  if (shapes.length !== 1 || !fits) {
    throw new ModelError({
      what: `${name}: feature settings do not fit the model`,
      expected: `one input [${expected.join(', ')}]`,
      got: shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ') || 'none',
    });
  }
  const classes = graph.outputs[0]?.shape.at(-1);
  if (classes !== labels.length) {
    throw new ModelError({
      what: `${name}: labels do not fit the model`,
      expected: `${classes} labels`,
      got: `${labels.length}`,
    });
  }
  return { graph, labels, features, facts };
}

function metadata<T>(graph: Graph, key: string, schema: z.ZodType<T>, name: string): T {
  const text = graph.metadata[key];
  if (text === undefined) {
    throw new ModelError({
      what: `${name}: the model does not say what it listens to`,
      expected: `labels and feature settings in its metadata (${key})`,
      todo: 'Use a model.onnx that `earmark train` wrote; for a raw tensor use `earmark attribute`.',
    });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError({
      what: `${name}: metadata "${key}" cannot be read`,
      got: text.slice(0, 80),
      cause,
    });
  }
}
