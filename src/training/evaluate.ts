// Classifies clips that a network is not trained on: logits, loss and accuracy.
import type { Examples } from '../augmentation/examples.ts';
import type { Network } from '../model/layers.ts';
import { classifier, type Weights } from '../model/network.ts';
import { float32, type Runtime } from '../runtime/runtime.ts';

/** Clips that are classified at once. */
const AT_ONCE = 64;

/**
 * Logits of all examples as they are, one row a clip.
 * @param input shape of a clip as the network takes it: [1, bins, frames], of a waveform [1, samples]
 */
export async function evaluate(
  runtime: Runtime,
  network: Network,
  input: readonly number[],
  weights: Weights,
  examples: Examples,
): Promise<Float32Array[]> {
  const session = await runtime.open(classifier(network, input, weights));
  const logits: Float32Array[] = [];
  const chunk = (first: number) => {
    const chosen = examples.labels.map((_, i) => i).slice(first, first + AT_ONCE);
    return chosen.length ? examples.inputs(chosen) : undefined;
  };
  try {
    let coming = chunk(0);
    for (let first = 0; coming; first += AT_ONCE) {
      const data = await coming;
      coming = chunk(first + AT_ONCE);
      const count = Math.min(AT_ONCE, examples.labels.length - first);
      const result = (await session.run({ input: float32(data, [count, ...input]) })).logits;
      const width = result.data.length / count;
      for (let i = 0; i < count; i++) {
        logits.push((result.data as Float32Array).slice(i * width, (i + 1) * width));
      }
    }
  } finally {
    await session.release();
  }
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
