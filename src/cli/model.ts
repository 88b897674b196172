// Model files on the command line, and what their logits say.
import { readBytes } from '../files/atomic.ts';
import { type AudioModel, decodeModel } from '../model/model-file.ts';

/** Reads a model that knows its labels and features. @throws FileError, ModelError, GraphError */
export async function readModel(path: string): Promise<AudioModel> {
  return decodeModel(await readBytes(path, 'model'), path);
}

/** exp(zᵢ) / Σ exp(z), without overflow. */
export function softmax(logits: ArrayLike<number>): number[] {
  const all = Array.from(logits);
  const largest = Math.max(...all);
  const powers = all.map((z) => Math.exp(z - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

/** Classes from the most to the least probable; the first of equals first, as ArgMax has it. */
export function ranking(probabilities: readonly number[]): number[] {
  return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
}
