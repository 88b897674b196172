// `earmark attribute`: relevance for raw tensors, so that anyone can compare it with another library's.
import type { Command } from 'commander';
import { FileError, UsageError } from '../../errors.ts';
import { inputRange } from '../../features/range.ts';
import { readBytes, writeFileAtomic } from '../../files/atomic.ts';
import { decodeNpy, encodeNpy } from '../../files/npy.ts';
import { readOnnx } from '../../graph/read.ts';
import type { Graph } from '../../graph/types.ts';
import { checkLabels, descriptionOf, withFeatures } from '../../model/model-file.ts';
import type { CompileOptions } from '../../relevance/compile.ts';
import { Explainer, PREDICTED } from '../../relevance/explainer.ts';
import { DEFAULT_METHOD, parseMethod } from '../../relevance/method.ts';
import { nodeRuntime } from '../../runtime/node.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import {
  classOf,
  type DescriptionFiles,
  descriptionOptions,
  readDescription,
  shownLabels,
} from '../model.ts';
import { jsonOption, methodList, startOption, wholeNumber } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface AttributeOptions extends DescriptionFiles {
  /** .npy of the model's input, float32 or float64. */
  readonly input: string;
  /** `predicted`, a label, a class, or a .npy of classes [N]. */
  readonly target: string;
  readonly start: NonNullable<CompileOptions['start']>;
  readonly method: string;
  /** .npy to write: the relevance. */
  readonly out: string;
  /** .npy to write: the logits. */
  readonly logits?: string;
  /** .json to write: where the relevance went. */
  readonly ledger?: string;
  /** Clips in one run. */
  readonly batch: number;
}

const EXAMPLE = `
Example:
  earmark attribute model.onnx --input x.npy --method epsilon:epsilon=0.01 --out r.npy --logits l.npy`;

export function addAttribute(program: Command, { terminal, give }: Frame): void {
  const [featuresOption, labelsOption] = descriptionOptions();
  program
    .command('attribute')
    .summary('relevance for raw tensors')
    .description("Compute relevance for raw tensors: any ONNX classifier's input in, its relevance out.")
    .argument('<model>', 'ONNX file of a classifier')
    .requiredOption('--input <x.npy>', "the model's input [N, …]; float32, or float64, which is cast")
    .option(
      '--target <what>',
      'predicted, a label, a class from 0, or a .npy of int32 or int64 [N]',
      'predicted',
    )
    .addOption(featuresOption)
    .addOption(labelsOption)
    .addOption(startOption())
    .option('--method <name[:key=value,…]>', 'how relevance is propagated', DEFAULT_METHOD)
    .requiredOption('--out <r.npy>', 'where to write the relevance: float32, of the shape of the input')
    .option('--logits <l.npy>', 'where to write the logits [N, classes]')
    .option('--ledger <l.json>', 'where to write what each layer received, passed on and absorbed')
    .option('--batch <n>', 'clips in one run', wholeNumber(1), 32)
    .addOption(jsonOption())
    .addHelpText('after', `\n${methodList()}\n${EXAMPLE}`)
    .action(async (model: string, options: AttributeOptions & { json?: boolean }) =>
      give(await attribute(model, options, terminal), options.json),
    );
}

/** @throws FileError, ModelError, GraphError, MethodError, UsageError */
export async function attribute(
  modelPath: string,
  { input, target, start, method: methodText, out, logits, ledger, batch, ...files }: AttributeOptions,
  { progress }: Terminal,
): Promise<Result> {
  const method = parseMethod(methodText);
  await checkOutputs(out, logits, ledger);
  const { graph: model, labels, range } = await readClassifier(modelPath, files);
  const { data, shape } = await readInput(input);
  const targets = await readTargets(target, shape[0] ?? 0, labels);
  const explainer = await Explainer.open(nodeRuntime, model, {
    method,
    start,
    batch,
    ledger: ledger !== undefined,
    ...(range && { range }),
  });
  progress.start(shape[0] ?? 0, 'clips');
  const got = await explainer
    .explain(data, shape, targets, { progress: (done) => progress.update(done) })
    .finally(() => explainer.release());
  progress.stop();
  const float32 = (values: Float32Array, dims: number[]) =>
    encodeNpy({ dtype: 'float32', shape: dims, data: values });
  if (logits) await writeFileAtomic(logits, float32(got.logits, [shape[0], explainer.classes]));
  if (ledger) await writeFileAtomic(ledger, `${JSON.stringify(got.ledger)}\n`);
  await writeFileAtomic(out, float32(got.relevance, shape));
  const json = {
    relevance: out,
    logits,
    ledger,
    shape,
    classes: explainer.classes,
    method: method.name,
    start,
  };
  return { text: `${out}: relevance [${shape.join(', ')}] by ${method.name} from ${start}`, json };
}

/** A classifier with what it or the user says of its labels and of the range of its input. */
async function readClassifier(path: string, files: DescriptionFiles) {
  const given = await readDescription(files);
  const graph = await readOnnx(path);
  const { labels, features } = { ...descriptionOf(graph, path), ...given };
  if (labels) checkLabels(graph, labels, path);
  const fitted: Graph = features ? withFeatures(graph, features, path) : graph;
  return { graph: fitted, labels, range: features && inputRange(features) };
}

/** Float32 data of a .npy of floats. */
async function readInput(path: string): Promise<{ data: Float32Array; shape: number[] }> {
  const { data, shape, dtype } = decodeNpy(await readBytes(path, 'input'), path);
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new FileError({ what: `${path}: element type`, expected: 'float32 or float64', got: dtype });
  }
  return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape };
}

/** The class to explain of each of `count` clips. */
async function readTargets(text: string, count: number, labels?: readonly string[]): Promise<number[]> {
  if (labels?.includes(text)) return new Array(count).fill(classOf(text, labels));
  if (text === 'predicted') return new Array(count).fill(PREDICTED);
  if (/^-?\d+$/.test(text)) return new Array(count).fill(Number(text));
  if (!text.endsWith('.npy')) {
    throw new UsageError({
      what: '--target',
      expected: `predicted, ${labels ? `one of ${shownLabels(labels)}, ` : ''}a class from 0, or a .npy file`,
      got: text,
      ...(!labels && { todo: 'For a label, say with --labels FILE what the labels are.' }),
    });
  }
  const { data, shape, dtype } = decodeNpy(await readBytes(text, 'targets'), text);
  if (dtype !== 'int32' && dtype !== 'int64') {
    throw new FileError({ what: `${text}: element type`, expected: 'int32 or int64', got: dtype });
  }
  if (shape.length !== 1 || shape[0] !== count) {
    const got = `[${shape.join(', ')}]`;
    throw new FileError({ what: `${text}: shape`, expected: `[${count}], a class for each clip`, got });
  }
  return Array.from(data, Number);
}
