// `earmark attribute`: relevance for raw tensors, so that anyone can compare it with another library's.
import type { Command } from 'commander';
import { FileError } from '../../errors.ts';
import { readBytes, writeFileAtomic } from '../../files/atomic.ts';
import { decodeNpy, encodeNpy, type NpyArray } from '../../files/npy.ts';
import { encodeNpz } from '../../files/npz.ts';
import type { CompileOptions } from '../../relevance/compile.ts';
import { type Explained, Explainer } from '../../relevance/explainer.ts';
import { openRuntime } from '../../runtime/node.ts';
import type { Device } from '../../runtime/runtime.ts';
import { checkContrast, classesOf } from '../classes.ts';
import { deviceOption } from '../device.ts';
import type { Frame, Result, Terminal } from '../frame.ts';
import { methodHelp, methodOption, readMethod, startOption } from '../method.ts';
import { type DescriptionFiles, descriptionOptions, readClassifier } from '../model.ts';
import { jsonOption, wholeNumber } from '../options.ts';
import { checkOutputs } from '../output.ts';

export interface AttributeOptions extends DescriptionFiles {
  /** .npy of the model's input, float32 or float64. */
  readonly input: string;
  /** `predicted`, a label, a class, or a .npy of classes [N]. */
  readonly target: string;
  /** `runner-up`, or a class as for the target: what the target is explained against. */
  readonly against?: string;
  readonly start?: CompileOptions['start'];
  readonly method: string;
  /** .npy to write: the relevance. */
  readonly out: string;
  /** .npy to write: the logits. */
  readonly logits?: string;
  /** .json to write: where the relevance went. */
  readonly ledger?: string;
  /** .npz to write: the relevance of what each layer computes. */
  readonly layers?: string;
  /** Clips in one run. */
  readonly batch: number;
  readonly device?: Device;
}

const EXAMPLE = `
Examples:
  earmark attribute model.onnx --input x.npy --method epsilon:epsilon=0.01 --out r.npy --logits l.npy
  earmark attribute model.onnx --input x.npy --against runner-up --layers layers.npz --out r.npy`;

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
    .option(
      '--against <what>',
      'why the target and not this: runner-up, a label, a class from 0, or a .npy of them',
    )
    .addOption(featuresOption)
    .addOption(labelsOption)
    .addOption(methodOption())
    .addOption(startOption())
    .requiredOption('--out <r.npy>', 'where to write the relevance: float32, of the shape of the input')
    .option('--logits <l.npy>', 'where to write the logits [N, classes]')
    .option('--ledger <l.json>', 'where to write what each layer received, passed on and absorbed')
    .option('--layers <l.npz>', "where to write the relevance of each layer's output, by the node's name")
    .option('--batch <n>', 'clips in one run', wholeNumber(1), 32)
    .addOption(deviceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${methodHelp()}\n${EXAMPLE}`)
    .action(async (model: string, options: AttributeOptions & { json?: boolean }) =>
      give(await attribute(model, options, terminal), options.json),
    );
}

/** @throws FileError, ModelError, GraphError, MethodError, UsageError */
export async function attribute(
  modelPath: string,
  { input, target, against, start, method: methodText, batch, device = 'cpu', ...paths }: AttributeOptions,
  { note, progress }: Terminal,
): Promise<Result> {
  const method = await readMethod(methodText);
  const { out, logits, ledger, layers, ...files } = paths;
  await checkOutputs(out, logits, ledger, layers);
  const { graph: model, labels, range } = await readClassifier(modelPath, files);
  const { data, shape } = await readInput(input);
  const count = shape[0] ?? 0;
  const targets = await classesOf('--target', target, count, labels);
  const others = against === undefined ? undefined : await classesOf('--against', against, count, labels);
  if (others) checkContrast(targets, others);
  const explainer = await Explainer.open(await openRuntime(device, note), model, {
    method,
    batch,
    ledger: ledger !== undefined,
    layers: layers !== undefined,
    against: others !== undefined,
    ...(start && { start }),
    ...(range && { range }),
  });
  progress.start(count, 'clips');
  const got = await explainer
    .explain(data, shape, targets, { against: others, progress: (done) => progress.update(done) })
    .finally(() => explainer.release());
  progress.stop();
  if (others) noteSame(got, targets, others, note);
  if (logits) await writeFileAtomic(logits, encodeNpy(float32(got.logits, [count, explainer.classes])));
  if (ledger) await writeFileAtomic(ledger, `${JSON.stringify(got.ledger)}\n`);
  if (layers) await writeFileAtomic(layers, layerArrays(got));
  await writeFileAtomic(out, encodeNpy(float32(got.relevance, shape)));
  const from = explainer.explanation.start;
  const json = {
    relevance: out,
    logits,
    ledger,
    layers: layers && {
      file: layers,
      shapes: got.layers?.map(({ node, op, rule, dims }) => ({ node, op, rule, dims })),
    },
    shape,
    classes: explainer.classes,
    method: method.name,
    start: from,
    against,
  };
  const contrast = against === undefined ? '' : ` against ${against}`;
  return { text: `${out}: relevance [${shape.join(', ')}] by ${method.name} from ${from}${contrast}`, json };
}

const float32 = (data: Float32Array, shape: readonly number[]): NpyArray => ({
  dtype: 'float32',
  shape: [...shape],
  data,
});

/** The relevance of what each layer computes, by the name of its node. */
function layerArrays({ layers = [] }: Explained): Uint8Array {
  return encodeNpz(Object.fromEntries(layers.map(({ node, dims, data }) => [node, float32(data, dims)])));
}

/** Says which clips are predicted as what they were to be explained against. */
function noteSame(
  { logits }: Explained,
  targets: readonly number[],
  against: readonly number[],
  note: Terminal['note'],
): void {
  const classes = logits.length / targets.length;
  const same = targets.flatMap((target, n) => {
    const row = logits.subarray(n * classes, (n + 1) * classes);
    return target < 0 && against[n] >= 0 && row.indexOf(Math.max(...row)) === against[n] ? [n] : [];
  });
  if (same.length > 0)
    note(
      `predicted as the class to explain against, so that nothing is left to explain: clips ${same.join(', ')}`,
    );
}

/** Float32 data of a .npy of floats. */
async function readInput(path: string): Promise<{ data: Float32Array; shape: number[] }> {
  const { data, shape, dtype } = decodeNpy(await readBytes(path, 'input'), path);
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new FileError({ what: `${path}: element type`, expected: 'float32 or float64', got: dtype });
  }
  return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape };
}
