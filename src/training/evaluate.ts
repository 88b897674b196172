// Classifies clips that a network is not trained on: logits, loss and accuracy.
import { inputShape } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { Network } from '../model/layers.ts';
import { classifier, type Weights } from '../model/network.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { batchTensor } from './loop.ts';

/** Logits [N, classes] of inputs that are taken as they are. */
export async function evaluate(
  runtime: Runtime,
  network: Network,
  settings: FeatureSettings,
  weights: Weights,
  inputs: readonly Matrix[],
): Promise<Float32Array[]> {
  const input = [1, ...inputShape(settings)];
  const session = await runtime.open(classifier(network, input, weights));
  const logits: Float32Array[] = [];
  for (let start = 0; start < inputs.length; start += 64) {
    const part = inputs.slice(start, start + 64);
    const result = (await session.run({ input: batchTensor(part, input) })).logits;
    const width = result.data.length / part.length;
    part.forEach((_, i) => {
      logits.push((result.data as Float32Array).slice(i * width, (i + 1) * width));
    });
  }
  await session.release();
  return logits;
}

/** Mean cross-entropy and share of right answers of logits, one row a clip. */
export function score(
  logits: readonly Float32Array[],
  labels: readonly number[],
): { loss: number; accuracy: number } {
  let [loss, hits] = [0, 0];
  logits.forEach((row, i) => {
    const top = Math.max(...row);
    const sum = row.reduce((s, v) => s + Math.exp(v - top), 0);
    loss += top + Math.log(sum) - row[labels[i]];
    if (row[labels[i]] === top) hits++;
  });
  return { loss: loss / labels.length, accuracy: hits / labels.length };
}
