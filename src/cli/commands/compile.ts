// `earmark compile`: a model's explanation as one ONNX file, for any ONNX runtime.
import type { Command } from 'commander';
import { FileError } from '../../errors.ts';
import { writeFileAtomic } from '../../files/atomic.ts';
import { showType } from '../../graph/types.ts';
import { readModelFile } from '../../model/read.ts';
import type { CompileOptions } from '../../relevance/compile.ts';
import { compileFile, EXPLANATION_KEY } from '../../relevance/portable.ts';
import type { Frame, Result } from '../frame.ts';
import { methodHelp, methodOption, readMethod, startOption } from '../method.ts';
import { descriptionOptions, readDescription } from '../model.ts';
import { jsonOption } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface CompileCommandOptions {
  readonly method: string;
  readonly start?: CompileOptions['start'];
  readonly against?: boolean;
  readonly ledger?: boolean;
  /** JSON of what the model listens to. */
  readonly features?: string;
  /** .onnx to write. */
  readonly out: string;
}

const HELP = `
The file holds standard ONNX ops only: any ONNX runtime executes it. It takes the
model's own input and target (int64 [N]; -1: the predicted class), with --against
also against (int64 [N]; -1: the strongest class beside the target), and gives
logits [N, classes] and relevance, of the shape of the input. Its metadata
(${EXPLANATION_KEY}) name the model's SHA-256, the method with its parameters, the
version, and what inputs and outputs are called where the model has such a name.

Example:
  earmark compile model.onnx --method epsilon-plus --out explain.onnx`;

export function addCompile(program: Command, { give }: Frame): void {
  const [featuresOption] = descriptionOptions();
  program
    .command('compile')
    .summary("a model's explanation as one ONNX file")
    .description("Compile a model and a method into one ONNX file, from the model's input to its relevance.")
    .argument('<model>', 'ONNX file of a classifier')
    .addOption(methodOption())
    .addOption(startOption())
    .option('--against', 'explain why the target and not another class, which is one more input')
    .option('--ledger', "add the output ledger [layers, entries, N], where each layer's relevance went")
    .addOption(featuresOption)
    .requiredOption('--out <explain.onnx>', 'where to write the file')
    .addOption(jsonOption())
    .addHelpText('after', `${methodHelp()}\n${HELP}`)
    .action(async (model: string, options: CompileCommandOptions & { json?: boolean }) =>
      give(await compileToFile(model, options), options.json),
    );
}

/** @throws FileError, ModelError, GraphError, MethodError, FeatureError */
export async function compileToFile(
  model: string,
  { method: methodText, out, features: featuresPath, ...options }: CompileCommandOptions,
): Promise<Result> {
  if (!/\.onnx$/i.test(out)) {
    throw new FileError({ what: `--out ${out}`, expected: 'a name ending in .onnx' });
  }
  const method = await readMethod(methodText);
  await checkOutputs(out);
  const { features } = await readDescription(featuresPath === undefined ? {} : { features: featuresPath });
  const { bytes: file, external } = await readModelFile(model);
  const { bytes, facts, explanation } = await compileFile(file, model, {
    method,
    external,
    ...(features && { features }),
    ...options,
  });
  await writeFileAtomic(out, bytes);
  const { inputs, outputs } = explanation.graph;
  const size = `${(bytes.length / 1e6).toFixed(2)} MB`;
  const text = [
    `${out}: ${size}, ${model} by ${facts.method} from ${facts.start}`,
    ...inputs.map((input) => `  input   ${input.name} ${showType(input)}`),
    ...outputs.map((output) => `  output  ${output.name} ${showType(output)}`),
  ].join('\n');
  return { text, json: { file: out, bytes: bytes.length, inputs, outputs, ...facts } };
}
