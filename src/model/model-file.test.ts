// Model files: there and back with everything a classifier needs; what is missing or contradicts the graph is refused.
import { describe, expect, it } from 'vitest';
import { untrainedModel } from '../../test/support/earmark.ts';
import { type EarmarkError, FeatureError, ModelError } from '../errors.ts';
import { defaultFeatures } from '../features/settings.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { type AudioModel, decodeModel, encodeModel } from './model-file.ts';

const model = untrainedModel(defaultFeatures('logmel', 8000, 0.25), ['ja', 'nein', 'weiß nicht']);

it('comes back as it was written, training facts and foreign metadata included', () => {
  const facts = { accuracy: 0.98, corpus: { name: 'made', clips: 3 }, seeds: [1, 2] };
  const graph = { ...model.graph, metadata: { author: 'someone' } };
  const back = decodeModel(encodeModel({ ...model, graph, facts }), 'model.onnx');
  expect(back.labels).toEqual(model.labels);
  expect(back.features).toEqual(model.features);
  expect(back.facts).toEqual(facts);
  expect(back.graph.metadata.author).toBe('someone');
  const wiring = ({ graph: g }: AudioModel) => g.nodes.map((n) => [n.op, n.name, n.inputs, n.outputs]);
  expect(wiring(back)).toEqual(wiring(model));
  expect(back.graph.constants).toEqual(model.graph.constants);
});

it('without training facts there are none', () => {
  const { metadata, ...graph } = decodeModel(encodeModel(model), 'model').graph;
  const { 'earmark.training': _, ...rest } = metadata;
  expect(decodeModel(encodeOnnx({ ...graph, metadata: rest }), 'model').facts).toEqual({});
});

describe('refusals', () => {
  const own = decodeModel(encodeModel(model), 'model').graph;
  const withMetadata = (change: Record<string, string | undefined>) => {
    const entries = Object.entries({ ...own.metadata, ...change }).filter(([, v]) => v !== undefined);
    return encodeOnnx({ ...own, metadata: Object.fromEntries(entries) as Record<string, string> });
  };
  const withFeatures = (change: object) =>
    withMetadata({ 'earmark.features': JSON.stringify({ ...model.features, ...change }) });

  it.each<[string, Uint8Array, typeof EarmarkError, RegExp]>([
    [
      'no labels',
      withMetadata({ 'earmark.labels': undefined }),
      ModelError,
      /does not say what it listens to.*earmark.labels/,
    ],
    ['no feature settings', withMetadata({ 'earmark.features': undefined }), ModelError, /earmark.features/],
    ['another maker', encodeOnnx({ ...own, metadata: {} }), ModelError, /^m.onnx: .*`earmark attribute`/],
    [
      'broken JSON',
      withMetadata({ 'earmark.labels': '["ja",' }),
      ModelError,
      /"earmark.labels" cannot be read: got \["ja",/,
    ],
    [
      'labels that are numbers',
      withMetadata({ 'earmark.labels': '[1, 2, 3]' }),
      ModelError,
      /cannot be read/,
    ],
    ['one label', withMetadata({ 'earmark.labels': '["ja"]' }), ModelError, /cannot be read/],
    [
      'a label too few',
      withMetadata({ 'earmark.labels': '["ja","nein"]' }),
      ModelError,
      /expected 3 labels, got 2/,
    ],
    ['facts that are a list', withMetadata({ 'earmark.training': '[]' }), ModelError, /earmark.training/],
    ['an unknown feature setting', withFeatures({ colour: 'red' }), FeatureError, /colour/],
    ['settings that contradict each other', withFeatures({ fmin: 5000 }), FeatureError, /fmin below fmax/],
    [
      'settings of another input',
      withFeatures({ clipSamples: 4000 }),
      ModelError,
      /feature settings do not fit the model: expected one input \[N, 1, \d+, 51\], got \[N, 1, \d+, 26\]/,
    ],
    ['settings of other rows', withFeatures({ nMels: 5 }), ModelError, /expected one input \[N, 1, 5, 26\]/],
    ['no model at all', new Uint8Array(9), ModelError, /not an ONNX model/],
  ])('%s', (_, bytes, kind, message) => {
    expect(() => decodeModel(bytes, 'm.onnx')).toThrow(kind);
    expect(() => decodeModel(bytes, 'm.onnx')).toThrow(message);
  });
});
