// `earmark predict`: what a model takes recordings for.
import type { Command } from 'commander';
import { inputShape } from '../../features/input.ts';
import { inputDims, toLayout } from '../../features/layout.ts';
import { sizeOf, type ValueInfo } from '../../graph/types.ts';
import { logitsOf, probabilitiesOf } from '../../model/logits.ts';
import { nodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../runtime/runtime.ts';
import { fitFacts, forEachClip, type HeardClip } from '../clips.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { type DescriptionFiles, descriptionOptions, ranking, readModel } from '../model.ts';
import { jsonOption, wholeNumber } from '../options.ts';

export interface PredictOptions extends DescriptionFiles {
  /** How many classes to tell of each clip. */
  readonly top: number;
}

export function addPredict(program: Command, { terminal, give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  program
    .command('predict')
    .summary('what a model takes recordings for')
    .description('Say what a model takes recordings for: on each line a file, its label and the probability.')
    .argument(
      '<model>',
      'model.onnx of `earmark train` or `describe`, or any ONNX classifier with the two files',
    )
    .argument('<audio...>', 'WAV files, or folders of them')
    .addOption(featuresOption)
    .addOption(labelsOption)
    .option('--top <n>', 'how many labels to tell, the most probable first', wholeNumber(1), 1)
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  earmark predict runs/fsdd/model.onnx three.wav --top 3')
    .action(async (model: string, audio: string[], options: PredictOptions & { json?: boolean }) =>
      give(await predict(model, audio, options, terminal), options.json),
    );
}

/** @throws FileError, ModelError where the model cannot be used; recordings that cannot are reported and left out */
export async function predict(
  modelPath: string,
  audio: readonly string[],
  { top, ...files }: PredictOptions,
  terminal: Terminal,
): Promise<Result> {
  const { graph, labels, features } = await readModel(modelPath, files);
  const { name, activation, graph: withLogits } = logitsOf(graph);
  const [{ name: inputName, shape }] = graph.inputs;
  const output: ValueInfo = { name, dtype: 'float32', shape: [shape[0], labels.length] };
  const session = await nodeRuntime.open({ ...withLogits, outputs: [output] });
  // A batch that is fixed is filled up with zeros.
  const dims = inputDims(features.layout, inputShape(features), typeof shape[0] === 'number' ? shape[0] : 1);
  const classify = async (clip: HeardClip) => {
    const batch = new Float32Array(sizeOf(dims));
    batch.set(toLayout(clip.features, features.layout));
    const { data } = (await session.run({ [inputName]: float32(batch, dims) }))[name];
    const logits = Array.from(data.subarray(0, labels.length) as Float32Array);
    const probabilities = probabilitiesOf(logits, activation);
    const ranked = ranking(probabilities).map((k) => ({ label: labels[k], probability: probabilities[k] }));
    return {
      file: clip.file,
      ...ranked[0],
      top: ranked.slice(0, top),
      logits,
      clip: fitFacts(clip, features),
    };
  };
  const { results, failed } = await forEachClip(audio, features, terminal, classify);
  await session.release();
  const lines = results.map(({ file, top }) =>
    [file, ...top.flatMap((t) => [t.label, t.probability.toFixed(4)])].join('\t'),
  );
  return { text: lines.join('\n'), json: results, incomplete: failed > 0 };
}
