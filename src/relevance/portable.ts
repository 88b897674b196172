// The portable explanation: one ONNX file from a model's input to its logits and relevance, for any ONNX runtime.
import packageFile from '../../package.json' with { type: 'json' };
import { inputRange } from '../features/range.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { decodeOnnx, type External, encodeOnnx } from '../graph/onnx.ts';
import { descriptionOf, withFeatures } from '../model/model-file.ts';
import { type CompileOptions, compile, type Explanation } from './compile.ts';
import { ENTRIES, type LedgerRow } from './ledger.ts';

/** What a portable explanation says of itself, as JSON under this key of its metadata. */
export const EXPLANATION_KEY = 'earmark.explanation';

/** The facts under {@link EXPLANATION_KEY}. */
export interface ExplanationFacts {
  /** Of Earmark. */
  readonly version: string;
  /** SHA-256 of the model's file, and of its external data files by the names that it calls them. */
  readonly model: {
    readonly name: string;
    readonly sha256: string;
    readonly external?: Readonly<Record<string, string>>;
  };
  /** With its parameters. */
  readonly method: string;
  readonly start: 'logit' | 'one';
  /** What the graph's inputs and outputs are called; other than by default only where the model has that name itself. */
  readonly names: Readonly<Record<'input' | 'target' | 'logits' | 'relevance', string>> & {
    readonly against?: string;
    readonly ledger?: string;
  };
  readonly classes: number;
  /** What the first two axes of the ledger [layers, entries, N] stand for, where there is one. */
  readonly ledger?: { readonly layers: readonly LedgerRow[]; readonly entries: readonly string[] };
}

export interface CompileFileOptions extends CompileOptions {
  /** Gives the external data files that the model names, by path. */
  readonly external?: External;
  /** What the model listens to, where it does not say so itself: extents and range of its input. */
  readonly features?: FeatureSettings;
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
 * @param name its name or path, for errors; the metadata keep its last part
 * @throws ModelError, GraphError, MethodError as {@link compile}; FeatureError, ModelError where features do not fit
 */
export async function compileFile(
  model: Uint8Array,
  name: string,
  { external, features: given, ...options }: CompileFileOptions,
): Promise<PortableExplanation> {
  const read = new Map<string, Uint8Array>();
  const graph = decodeOnnx(model, name, external && { external: (path) => kept(read, path, external(path)) });
  const features = given ?? descriptionOf(graph, name).features;
  const range = options.range ?? (features && inputRange(features));
  const explanation = compile(features ? withFeatures(graph, features, name) : graph, {
    ...options,
    ...(range && { range }),
  });
  const { input, target, against, logits, relevance, ledger, method, start, classes } = explanation;
  const facts: ExplanationFacts = {
    version: packageFile.version,
    model: {
      name: name.replace(/^.*[\\/]/, ''),
      sha256: await sha256(model),
      ...(read.size > 0 && { external: Object.fromEntries(await Promise.all([...read].map(hashed))) }),
    },
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
    ...(ledger && { ledger: { layers: ledger.rows, entries: ENTRIES } }),
  };
  const metadata = { ...explanation.graph.metadata, [EXPLANATION_KEY]: JSON.stringify(facts) };
  return { bytes: encodeOnnx({ ...explanation.graph, metadata }), facts, explanation };
}

function kept<T>(into: Map<string, T>, key: string, value: T): T {
  into.set(key, value);
  return value;
}

const hashed = async ([path, bytes]: [string, Uint8Array]) => [path, await sha256(bytes)] as const;

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
