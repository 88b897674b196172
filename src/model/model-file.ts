// The model file: an ONNX graph that carries its labels, feature settings and training facts in its own metadata.
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import { inputDims } from '../features/layout.ts';
import { type FeatureSettings, parseFeatureSettings } from '../features/settings.ts';
import { type DecodeOptions, decodeOnnx, encodeOnnx } from '../graph/onnx.ts';
import { inferShapes } from '../graph/shapes.ts';
import type { Graph, ValueInfo } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { logitsOf } from './logits.ts';

/** What a model says of itself, as far as it does. */
export interface Description {
  /** One label a class, in the order of the logits. */
  readonly labels?: readonly string[];
  readonly features?: FeatureSettings;
  /** What is worth knowing about its training: corpus, split, epochs, accuracy, seed. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A classifier that knows what it listens to: its input, laid out as its feature settings say, → logits [N, classes]. */
export interface AudioModel extends Required<Description> {
  readonly graph: Graph;
}

const KEYS = { labels: 'earmark.labels', features: 'earmark.features', facts: 'earmark.training' } as const;
const Labels = z.array(z.string()).min(1);
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
 * Reads a model file that says what it listens to.
 * @throws ModelError where labels or feature settings are missing or do not fit the graph
 */
export function decodeModel(bytes: Uint8Array, name: string, options: DecodeOptions = {}): AudioModel {
  return describedModel(decodeOnnx(bytes, name, options), name);
}

/**
 * A graph with what it listens to: what is given, and else what its metadata says. Extents of the input that the file
 * leaves open, the batch aside, become those of the features.
 * @throws ModelError where labels or feature settings are missing or do not fit the graph; FeatureError
 */
export function describedModel(graph: Graph, name: string, given: Description = {}): AudioModel {
  const { labels, features, facts = {} } = { ...descriptionOf(graph, name), ...given };
  if (!labels || !features) {
    const missing = [!labels && 'labels', !features && 'feature settings'].filter(Boolean).join(' and ');
    throw new ModelError({
      what: `${name}: the model does not say what it listens to`,
      expected: `labels and feature settings in its metadata (${KEYS.labels}, ${KEYS.features})`,
      got: `no ${missing}`,
      todo: 'Give --features FILE and --labels FILE, or write them into it with `earmark describe`.',
    });
  }
  checkLabels(graph, labels, name);
  return { graph: withFeatures(graph, features, name), labels, features, facts };
}

/** What a model's metadata says. @throws ModelError where it cannot be read; FeatureError */
export function descriptionOf(graph: Graph, name: string): Description {
  const labels = metadata(graph, KEYS.labels, Labels, name);
  const features = metadata(graph, KEYS.features, z.unknown(), name);
  const facts = metadata(graph, KEYS.facts, Facts, name);
  return {
    ...(labels && { labels }),
    ...(features !== undefined && { features: parseFeatureSettings(features, name) }),
    ...(facts && { facts }),
  };
}

/** @throws ModelError where there is not one label for each logit */
export function checkLabels(graph: Graph, labels: readonly string[], name: string): void {
  const { classes } = logitsOf(graph);
  if (classes === labels.length) return;
  throw new ModelError({
    what: `${name}: labels do not fit the model`,
    expected: `${classes} labels`,
    got: `${labels.length}`,
  });
}

/**
 * The graph with an input of the shape that features have.
 * @throws ModelError where they do not fit it
 */
export function withFeatures(graph: Graph, features: FeatureSettings, name: string): Graph {
  const [, ...dims] = inputDims(features.layout, inputShape(features));
  const [input] = graph.inputs;
  const fits =
    graph.inputs.length === 1 &&
    input.shape.length === dims.length + 1 &&
    dims.every((d, i) => d === input.shape[i + 1] || typeof input.shape[i + 1] === 'string');
  if (!fits) {
    throw new ModelError({
      what: `${name}: feature settings do not fit the model`,
      expected: `one input [${['N', ...dims].join(', ')}] of ${features.layout.join(', ')}`,
      got: graph.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ') || 'none',
    });
  }
  if (dims.every((d, i) => d === input.shape[i + 1])) return graph;
  const fixed = { ...graph, inputs: [{ ...input, shape: [input.shape[0], ...dims] }] };
  const types = inferShapes(fixed);
  const outputs = graph.outputs.map((o): ValueInfo => ({ ...o, ...types.get(o.name) }));
  return verify({ ...fixed, outputs: outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })) });
}

function metadata<T>(graph: Graph, key: string, schema: z.ZodType<T>, name: string): T | undefined {
  const text = graph.metadata[key];
  if (text === undefined) return undefined;
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
