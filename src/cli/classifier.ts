// A model in a session that classifies: inputs in, logits and probabilities out.
import { inputShape } from '../features/input.ts';
import { inputDims, toLayout } from '../features/layout.ts';
import type { Matrix } from '../features/matrix.ts';
import { sizeOf, type ValueInfo } from '../graph/types.ts';
import { logitsOf, probabilitiesOf } from '../model/logits.ts';
import type { AudioModel } from '../model/model-file.ts';
import { float32, type Runtime } from '../runtime/runtime.ts';

/** What a model says of an input [classes]. */
export interface Classified {
  readonly logits: number[];
  readonly probabilities: number[];
}

export interface Classifier {
  /** Classifies inputs [bins, frames] together, or as many at a time as the model's batch holds. */
  classify(inputs: readonly Matrix[]): Promise<Classified[]>;
  release(): Promise<void>;
}

/** @throws ModelError where the graph has no logits; GraphError where the runtime refuses it */
export async function openClassifier(
  { graph, labels, features }: AudioModel,
  runtime: Runtime,
): Promise<Classifier> {
  const { name, activation, graph: withLogits } = logitsOf(graph);
  const [{ name: inputName, shape }] = graph.inputs;
  const output: ValueInfo = { name, dtype: 'float32', shape: [shape[0], labels.length] };
  const session = await runtime.open({ ...withLogits, outputs: [output] });
  const fixed = typeof shape[0] === 'number' ? shape[0] : undefined;
  const classify = async (inputs: readonly Matrix[]): Promise<Classified[]> => {
    // A batch that is fixed is filled up with zeros.
    const dims = inputDims(features.layout, inputShape(features), fixed ?? inputs.length);
    const part = inputs.slice(0, fixed);
    const batch = new Float32Array(sizeOf(dims));
    const size = batch.length / (fixed ?? inputs.length);
    for (const [i, input] of part.entries()) batch.set(toLayout(input, features.layout), i * size);
    const { data } = (await session.run({ [inputName]: float32(batch, dims) }))[name];
    const classified = part.map((_, i) => {
      const logits = Array.from((data as Float32Array).subarray(i * labels.length, (i + 1) * labels.length));
      return { logits, probabilities: probabilitiesOf(logits, activation) };
    });
    const rest = inputs.slice(part.length);
    return rest.length === 0 ? classified : [...classified, ...(await classify(rest))];
  };
  return { classify, release: () => session.release() };
}
