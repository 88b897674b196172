// Model files: there and back with everything a classifier needs; what is missing or contradicts the graph is refused.
import { describe, expect, it } from 'vitest';
import { untrainedModel } from '../../test/support/earmark.ts';
import { type EarmarkError, FeatureError, ModelError } from '../errors.ts';
import { defaultFeatures, parseFeatureSettings } from '../features/settings.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import { int64s, tensor } from '../graph/types.ts';
import { type AudioModel, decodeModel, describedModel, descriptionOf, encodeModel } from './model-file.ts';

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

it('a file of before there were layouts and scalings reads as it was meant', () => {
  const { kind, sampleRate, clipSamples, nFft, hopLength, winLength, window, center, padMode } =
    model.features;
  const { nMels, fmin, fmax, htk, norm, topDb, nMfcc, dctType, lifter } = model.features;
  const stft = { kind, sampleRate, clipSamples, nFft, hopLength, winLength, window, center, padMode };
  const old = { ...stft, nMels, fmin, fmax, htk, norm, topDb, nMfcc, dctType, lifter };
  const { graph } = decodeModel(encodeModel(model), 'model');
  const metadata = { ...graph.metadata, 'earmark.features': JSON.stringify(old) };
  expect(decodeModel(encodeOnnx({ ...graph, metadata }), 'model').features).toEqual(model.features);
});

describe('a model that is told what it listens to', () => {
  /** Mean over time of [N, time, bins], then a dense layer. */
  function meanModel(time: number | string, bins: number) {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', time, bins]);
    const mean = g.emit('ReduceMean', [x, int64s([1])], { keepdims: 0 });
    const weight = tensor(
      Float32Array.from({ length: 2 * bins }, (_, i) => i % 3),
      [bins, 2],
    );
    g.output(g.emit('MatMul', [mean, weight]));
    return g.build('mean');
  }
  const features = parseFeatureSettings({
    kind: 'logmel',
    sampleRate: 8000,
    clipSamples: 800,
    nFft: 256,
    hopLength: 80,
    nMels: 5,
    scaling: 'power_to_db',
    layout: ['batch', 'time', 'bin'],
  });
  const labels = ['yes', 'no'];

  it('knows nothing of itself', () => {
    expect(descriptionOf(meanModel(11, 5), 'm')).toEqual({});
    expect(() => describedModel(meanModel(11, 5), 'm', { labels })).toThrow(/got no feature settings/);
  });

  it('remembers it', () => {
    const told = describedModel(meanModel(11, 5), 'm', { labels, features });
    const { graph: _, ...back } = decodeModel(encodeModel(told), 'm');
    expect(back).toEqual({ labels, features, facts: {} });
  });

  it('what is given goes before what it says', () => {
    const told = describedModel(meanModel(11, 5), 'm', { labels, features });
    const { graph } = decodeModel(encodeModel(told), 'm');
    expect(describedModel(graph, 'm', { labels: ['a', 'b'] })).toMatchObject({
      labels: ['a', 'b'],
      features,
    });
  });

  it('its open extents become those of the features', () => {
    const { graph } = describedModel(meanModel('time', 5), 'm', { labels, features });
    expect(graph.inputs[0].shape).toEqual(['N', 11, 5]);
  });

  it.each([
    [
      'rows',
      meanModel(11, 6),
      { labels, features },
      /expected one input \[N, 11, 5\] of batch, time, bin, got \[N, 11, 6\]/,
    ],
    ['frames', meanModel(12, 5), { labels, features }, /expected one input \[N, 11, 5\].*got \[N, 12, 5\]/],
    [
      'axes',
      meanModel(11, 5),
      { labels, features: { ...features, layout: ['batch', 'bin', 'time'] as const } },
      /expected one input \[N, 5, 11\] of batch, bin, time, got \[N, 11, 5\]/,
    ],
    [
      'labels',
      meanModel(11, 5),
      { labels: ['one'], features },
      /labels do not fit.*expected 2 labels, got 1/,
    ],
  ])('refuses other %s', (_, graph, given, message) => {
    expect(() => describedModel(graph, 'm', given)).toThrow(message);
  });
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
    [
      'another maker',
      encodeOnnx({ ...own, metadata: {} }),
      ModelError,
      /^m.onnx: .*--features FILE and --labels FILE.*`earmark describe`/,
    ],
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
    ['no label', withMetadata({ 'earmark.labels': '[]' }), ModelError, /cannot be read/],
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
      /feature settings do not fit the model: expected one input \[N, 1, \d+, 51\] of batch, channel, bin, time, got \[N, 1, \d+, 26\]/,
    ],
    ['settings of other rows', withFeatures({ nMels: 5 }), ModelError, /expected one input \[N, 1, 5, 26\]/],
    ['no model at all', new Uint8Array(9), ModelError, /not an ONNX model/],
  ])('%s', (_, bytes, kind, message) => {
    expect(() => decodeModel(bytes, 'm.onnx')).toThrow(kind);
    expect(() => decodeModel(bytes, 'm.onnx')).toThrow(message);
  });
});
