// The portable explanation: one ONNX file from a model's input to its logits and relevance, for any ONNX runtime.
import packageFile from '../../package.json' with { type: 'json' };
import { decodeOnnx, encodeOnnx } from '../graph/onnx.ts';
import { type CompileOptions, compile, type Explanation } from './compile.ts';

/** What a portable explanation says of itself, as JSON under this key of its metadata. */
export const EXPLANATION_KEY = 'earmark.explanation';

/** The facts under {@link EXPLANATION_KEY}. */
export interface ExplanationFacts {
  /** Of Earmark. */
  readonly version: string;
  /** SHA-256 of the model's file. */
  readonly model: { readonly name: string; readonly sha256: string };
  /** With its parameters. */
  readonly method: string;
  readonly start: 'logit' | 'one';
  /** What the graph's inputs and outputs are called; other than by default only where the model has that name itself. */
  readonly names: Readonly<Record<'input' | 'target' | 'logits' | 'relevance', string>> & {
    readonly against?: string;
    readonly ledger?: string;
  };
  readonly classes: number;
}

/** A compiled explanation as a file. */
export interface PortableExplanation {
  readonly bytes: Uint8Array;
  readonly facts: ExplanationFacts;
  readonly explanation: Explanation;
}

/**
 * Compiles a model's file into the file of its explanation: inputs are the model's own and `target` (int64 [N]; −1 is the
 * predicted class), outputs `logits` [N, classes] and `relevance`, of the shape of the input. Standard ONNX ops only.
 * @param model the bytes of an ONNX file
 * @param name what to call it
 * @throws ModelError, GraphError, MethodError as {@link compile}
 */
export async function compileFile(
  model: Uint8Array,
  name: string,
  options: CompileOptions,
): Promise<PortableExplanation> {
  const graph = decodeOnnx(model, name);
  const explanation = compile(graph, options);
  const { input, target, against, logits, relevance, ledger, method, start, classes } = explanation;
  const facts: ExplanationFacts = {
    version: packageFile.version,
    model: { name, sha256: await sha256(model) },
    method: method.name,
    start,
    names: {
      input: input.name,
      target,
      ...(against && { against }),
      logits,
      relevance,
      ...(ledger && { ledger: ledger.name }),
    },
    classes,
  };
  const metadata = { ...explanation.graph.metadata, [EXPLANATION_KEY]: JSON.stringify(facts) };
  return { bytes: encodeOnnx({ ...explanation.graph, metadata }), facts, explanation };
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
