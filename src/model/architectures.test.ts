// Architectures: sizes as published, inputs as they say, and relevance that is all accounted for.
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { ModelError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import { inputDims } from '../features/layout.ts';
import { sizeOf } from '../graph/types.ts';
import { Explainer } from '../relevance/explainer.ts';
import { parseMethod } from '../relevance/method.ts';
import { nodeRuntime } from '../runtime/node.ts';
import {
  ARCHITECTURES,
  type ArchitectureName,
  architecture,
  architectureOf,
  architectures,
} from './architectures.ts';
import { multiplyAdds, parameterCount } from './count.ts';
import { classifier, initialWeights, parametersOf } from './network.ts';

const CLASSES = 10;

/** What the network takes where nothing is wished for, of recordings of 0.63 s at 8 kHz. */
function usual(name: string) {
  const { kinds, sampleRate = 8000, clipSeconds = 0.63, settings } = architectureOf(name).features;
  const made = settings(kinds[0], sampleRate, clipSeconds);
  return { settings: made, input: inputDims(made.layout, inputShape(made)).slice(1).map(Number) };
}

/** Shape of a clip, parameters with running statistics, and multiply-adds of a clip. */
const SIZES: Record<ArchitectureName, [input: number[], parameters: number, multiplyAdds: number]> = {
  'mel-cnn': [[1, 48, 64], 305_938, 39_150_848],
  // The notebook's own summary counts 3,653,642.
  'mfcc-cnn': [[1, 40, 130], 3_653_642, 289_684_992],
  // 16,000 values after six halvings of 8,000 samples.
  audionet: [[1, 8000], 17_107_162, 231_281_408],
  // 96 × 55 × 55, 256 × 27 × 27, 384 and 256 × 13 × 13, 256 × 6 × 6, as on 227 × 227.
  alexnet: [[1, 228, 227], 12_808_906, 606_004_064],
  resnet: [[1, 48, 64], 694_042, 75_941_120],
};

describe.each(architectures)('%s', (name) => {
  const { input } = usual(name);
  const network = architecture(name, CLASSES);
  const weights = initialWeights(parametersOf(network, input), 0);

  it('has its size, at the input it asks for', () => {
    const graph = classifier(network, input, weights);
    expect(graph.outputs[0].shape).toEqual(['N', CLASSES]);
    expect([input, parameterCount(network, input), multiplyAdds(graph)]).toEqual(SIZES[name]);
  });

  it('takes every kind of input that it lists', () => {
    const { kinds, sampleRate = 16_000, clipSeconds = 1, settings } = architectureOf(name).features;
    for (const kind of kinds) {
      const made = settings(kind, sampleRate, clipSeconds);
      const dims = inputDims(made.layout, inputShape(made)).slice(1).map(Number);
      expect(made.kind).toBe(kind);
      expect(() => parametersOf(network, dims)).not.toThrow();
    }
  });

  it('is explained, and all relevance is in the input or in the books', async () => {
    const small = { alexnet: [1, 67, 70], audionet: [1, 640] }[name as string] ?? [1, 24, 32];
    const next = random(3);
    const drawn = Object.entries(initialWeights(parametersOf(network, small), 1)).map(([key, values]) => [
      key,
      key.endsWith('weight') && !key.includes('bn') ? values : values.map((v) => v + next() / 2),
    ]);
    const graph = classifier(network, small, Object.fromEntries(drawn));
    const method = parseMethod('epsilon-plus-flat');
    const explainer = await Explainer.open(nodeRuntime, graph, { method, ledger: true });
    const x = Float32Array.from({ length: 2 * sizeOf(small) }, () => next());
    const { relevance, ledger } = await explainer.explain(x, [2, ...small]);
    for (let n = 0; n < 2; n++) {
      const inside = relevance
        .subarray(n * sizeOf(small), (n + 1) * sizeOf(small))
        .reduce((a, b) => a + b, 0);
      const booked = ledger?.layers.reduce(
        (sum, l) => sum + l.bias[n] + l.stabilizer[n] + l.dropped[n] + l.padding[n],
        inside,
      );
      const start = ledger?.start[n] ?? Number.NaN;
      expect(Math.abs((booked ?? Number.NaN) - start) / Math.abs(start)).toBeLessThan(1e-4);
      expect(Math.abs(inside)).toBeGreaterThan(0);
    }
    await explainer.release();
  });
});

describe('what the papers ask for', () => {
  it('AlexNet hears 227 frames of a recording in the middle of silence', () => {
    const { settings } = usual('alexnet');
    expect([settings.clipSamples, settings.nFft, settings.hopLength]).toEqual([8365, 455, 35]);
    expect(inputShape(settings)).toEqual([228, 227]);
  });

  it("AlexNet's first convolution does not read the last of 228 bins", async () => {
    const [first] = architecture('alexnet', 3).layers;
    const network = { name: 'first', layers: [first, { kind: 'globalpool', of: 'average' } as const] };
    const input = [1, 228, 227];
    const graph = classifier(network, input, initialWeights(parametersOf(network, input), 1));
    const session = await nodeRuntime.open(graph);
    const next = random(1);
    const x = Float32Array.from({ length: sizeOf(input) }, () => next());
    const run = async (data: Float32Array) =>
      Array.from(
        (await session.run({ input: { dtype: 'float32', dims: [1, ...input], data } })).logits.data,
        Number,
      );
    const before = await run(x);
    expect(await run(x.slice().fill(9, 227 * 227))).toEqual(before);
    expect(await run(x.slice().fill(9, 226 * 227))).not.toEqual(before);
    await session.release();
  });

  it("the notebook's 130 frames are three seconds at 22,050 Hz", () => {
    const { settings } = usual('mfcc-cnn');
    expect([settings.sampleRate, settings.clipSamples]).toEqual([22_050, 66_150]);
    expect(inputShape(settings)).toEqual([40, 130]);
  });
});

it('an unknown name is refused', () => {
  expect(() => architecture('toString', 10)).toThrow(ModelError);
  expect(() => architecture('resnet-18', 10)).toThrow(
    /unknown architecture "resnet-18": expected mel-cnn, mfcc-cnn/,
  );
  for (const { says } of Object.values(ARCHITECTURES)) expect(says.length).toBeGreaterThan(40);
});
