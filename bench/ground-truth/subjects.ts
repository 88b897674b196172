// The networks that listen to planted events, and how they are trained: on clips that are never heard twice.
import { modelInput } from '../../src/features/input.ts';
import type { Matrix } from '../../src/features/matrix.ts';
import { type FeatureSettings, parseFeatureSettings } from '../../src/features/settings.ts';
import type { Graph } from '../../src/graph/types.ts';
import type { Layer, Network } from '../../src/model/layers.ts';
import { classifier, initialWeights, type Weights } from '../../src/model/network.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { batchTensor, TrainingLoop } from '../../src/training/loop.ts';
import { targets } from '../../src/training/loss.ts';
import { compileStep } from '../../src/training/step.ts';
import { CLASSES, CLIP_SAMPLES, plantedClip, SAMPLE_RATE, WINDOW } from './task.ts';

/** What listens, and to what. */
export interface Subject {
  readonly name: string;
  readonly settings: FeatureSettings;
  /** Shape of one input. */
  readonly input: readonly number[];
  readonly network: Network;
  readonly steps: number;
  /** Peak of the learning rate. */
  readonly learningRate: number;
}

/** Streams of clips that have nothing in common. */
export const STREAMS = { training: 1, test: 2 } as const;
const BATCH = 24;

/**
 * Decibels above the noise, in tens: a reference of its own for each clip, its maximum, would let the level of the noise
 * everywhere tell what is planted somewhere.
 */
const decibels = { scaling: 'power_to_db', ref: 0.03, topDb: null, std: 10 };
const common = {
  sampleRate: SAMPLE_RATE,
  clipSamples: CLIP_SAMPLES,
  nFft: WINDOW,
  hopLength: WINDOW / 2,
  nMels: 40,
};
const conv = (channels: number, kernel: readonly number[], stride = 1): Layer[] => [
  { kind: 'conv', channels, kernel, stride, bias: false },
  { kind: 'batchnorm' },
  { kind: 'relu' },
];
/** A map of evidence for each class; the logit is its largest value, as in the detection of events by weak labels. */
const evidence = (kernel: readonly number[]): Layer[] => [
  { kind: 'conv', channels: CLASSES.length, kernel },
  { kind: 'globalpool', of: 'max' },
];

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'log-mel',
    settings: parseFeatureSettings({ ...common, ...decibels, kind: 'logmel' }),
    input: [1, 40, 63],
    network: {
      name: 'log-mel',
      layers: [...conv(8, [3, 3]), ...conv(12, [3, 3]), ...evidence([3, 3])],
    },
    steps: 400,
    learningRate: 1e-2,
  },
  {
    name: 'MFCC',
    settings: parseFeatureSettings({ ...common, ...decibels, kind: 'mfcc', nMfcc: 20 }),
    input: [1, 20, 63],
    network: {
      name: 'MFCC',
      layers: [...conv(16, [39, 3]), ...evidence([1, 3])],
    },
    steps: 900,
    learningRate: 1e-2,
  },
  {
    name: 'waveform',
    settings: parseFeatureSettings({ ...common, kind: 'waveform', std: 0.1 }),
    input: [1, CLIP_SAMPLES],
    network: {
      name: 'waveform',
      layers: [...conv(16, [128], 8), { kind: 'averagepool', size: [8] }, ...conv(16, [5]), ...evidence([5])],
    },
    steps: 400,
    learningRate: 1e-2,
  },
];

/** A trained network and its accuracy on clips that it has not heard. */
export interface Trained {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly accuracy: number;
}

/** Trains on `steps` batches of fresh clips and counts right answers among `test` others. */
export async function trained(
  { settings, input, network, steps, learningRate }: Subject,
  { test, progress }: { readonly test: number; readonly progress?: (step: number, loss: number) => void },
): Promise<Trained> {
  const step = compileStep(network, input);
  const session = await nodeRuntime.open(step.graph);
  const seed = 1;
  const loop = new TrainingLoop(step, session, { state: initialWeights(step.parameters, seed), seed });
  const batch = (stream: number, first: number, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const { samples, label } = plantedClip(stream, first + i);
      return { x: modelInput(samples, settings), label };
    });
  for (let done = 0; done < steps; done++) {
    const clips = batch(STREAMS.training, done * BATCH, BATCH);
    const rate = learningRate * Math.min(1, (10 * (done + 1)) / steps, 1.2 - done / steps);
    const inputs = batchTensor(
      clips.map(({ x }) => x),
      input,
    );
    const target = targets(
      clips.map(({ label }) => label),
      step.classes,
    );
    const { loss } = await loop.step(
      { data: inputs.data as Float32Array, target, count: clips.length },
      rate,
    );
    progress?.(done + 1, loss);
  }
  const weights = loop.weights();
  await session.release();
  const graph = classifier(network, input, weights);
  const inference = await nodeRuntime.open(graph);
  let hits = 0;
  for (let first = 0; first < test; first += BATCH) {
    const clips = batch(STREAMS.test, first, Math.min(BATCH, test - first));
    const inputs: Matrix[] = clips.map(({ x }) => x);
    const logits = (await inference.run({ input: batchTensor(inputs, input) })).logits.data as Float32Array;
    clips.forEach(({ label }, i) => {
      const row = logits.subarray(i * CLASSES.length, (i + 1) * CLASSES.length);
      if (row.indexOf(Math.max(...row)) === label) hits++;
    });
  }
  await inference.release();
  return { graph, weights, accuracy: hits / test };
}
