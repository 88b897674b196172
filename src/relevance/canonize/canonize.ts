// Brings a classifier's graph into the form that rules apply to: constants folded, affine layers merged, logits last.
import { ModelError } from '../../errors.ts';
import { fold } from '../../graph/fold.ts';
import { prune } from '../../graph/simplify.ts';
import type { Graph } from '../../graph/types.ts';
import { isFloat } from '../../graph/types.ts';
import { verify } from '../../graph/verify.ts';
import { mergeAffine } from './affine.ts';
import { dropInference, mergePads } from './cleanup.ts';
import { denseAsGemm } from './dense.ts';
import { lookThrough } from './look-through.ts';
import { openBatch } from './open-batch.ts';
import { singlePrecision } from './single-precision.ts';

/** Tells what became of a node of the model, by its name. */
export type Note = (node: string, what: string) => void;

/** A pass from graph to graph that notes what it did to which node. */
export type Pass = (graph: Graph, note: Note) => Graph;

const PASSES: readonly Pass[] = [
  onlyInput,
  singlePrecision,
  fold,
  openBatch,
  lookThrough,
  dropInference,
  mergePads,
  denseAsGemm,
  mergeAffine,
];

/**
 * The form of a classifier that rules apply to: one float input, one output of logits [N, classes], constants folded,
 * dense layers as Gemm(x, Wᵀ, b) where the input is a matrix, affine layers merged where that is exact. A final
 * Softmax, LogSoftmax or Sigmoid is looked through: the logit is what is explained.
 *
 * A convolution whose shift differs by position (a batch norm merged across zero padding) is the Conv, without a bias,
 * and an Add of a constant map that alone reads it; {@link biasAdd} finds it.
 * @param note called with what became of a node
 * @throws ModelError where the graph is no such classifier
 */
export function canonize(model: Graph, note: Note = () => {}): Graph {
  return verify(prune(PASSES.reduce((graph, pass) => prune(pass(graph, note)), model)));
}

function onlyInput(graph: Graph): Graph {
  const [input] = graph.inputs;
  if (graph.inputs.length !== 1 || !isFloat(input.dtype)) {
    throw new ModelError({
      what: `model "${graph.name}"`,
      expected: 'one input of floating-point numbers',
      got: graph.inputs.map((i) => `${i.name}: ${i.dtype}`).join(', ') || 'none',
    });
  }
  if (input.shape.length < 2) {
    throw new ModelError({
      what: `input "${input.name}" of model "${graph.name}"`,
      expected: '[N, …], a batch of clips',
      got: `[${input.shape.join(', ')}]`,
    });
  }
  return graph;
}
