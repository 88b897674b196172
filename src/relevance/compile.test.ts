// Oracle and property: random networks explained by the compiled graph and, in matrix form, by the slow twin; the ledger closes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchOf,
  byInterpreter,
  byRuntime,
  expectTwin,
  type Setting,
} from '../../test/support/against-twin.ts';
import { BRANCHES } from '../../test/support/blocks.ts';
import { type TwinLayer, twinOf } from '../../test/support/lrp-twin.ts';
import { CONSERVING } from '../../test/support/methods.ts';
import { graphOf, type MadeNetwork, type Numbers, networks } from '../../test/support/networks.ts';
import { GraphError, ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph } from '../graph/types.ts';
import { tensor } from '../graph/types.ts';
import { compile } from './compile.ts';
import { parseMethod } from './method.ts';

/** Every method that keeps an account, from the logit and from one, and of one class against another. */
const SETTINGS: readonly Setting[] = CONSERVING.flatMap(([text, twin]) => {
  const method = parseMethod(text);
  return [
    { method, twin, start: 'logit' },
    { method, twin, start: 'one' },
    { method, twin, start: 'logit', against: true },
  ] as const;
});
/** Of each network, some: all of them are covered many times over the networks. */
const some = fc.shuffledSubarray([...SETTINGS], { minLength: 5, maxLength: 5 });

describe.each<[string, Numbers, number, Parameters<typeof networks>[1]]>([
  ['chains', 'real', 20, undefined],
  ['chains', 'quarters', 20, undefined],
  ['branches', 'real', 40, BRANCHES],
  ['branches', 'quarters', 20, BRANCHES],
])('%s of %s numbers', (_, numbers, numRuns, blocks) => {
  it('agree with the twin, and their ledgers with its and with themselves', async () => {
    await fc.assert(
      fc.asyncProperty(networks(numbers, blocks), some, async (network, settings) => {
        const batch = batchOf(network);
        const twin = twinOf(network.nodes, network.dims);
        for (const setting of settings) await expectTwin(network, setting, batch, twin);
      }),
      { numRuns, seed: 20, endOnFailure: true },
    );
  }, 180_000);
});

describe('what is no classifier, or has no rule', () => {
  const build = (make: (g: GraphBuilder, x: string) => string, inputs: number = 1): Graph => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', ['N', 1, 4, 4]);
    for (let i = 1; i < inputs; i++) g.input(`x${i}`, 'float32', ['N', 2]);
    g.output(make(g, x));
    return g.build('model');
  };
  const flat = (g: GraphBuilder, x: string) => g.emit('Flatten', [x]);
  const logits = (g: GraphBuilder, x: string) =>
    g.emit('Gemm', [x, tensor(new Float32Array(32), [16, 2])], {}, 'fc');
  const compiled = (graph: Graph) => () => compile(graph, { method: parseMethod('epsilon') });

  it.each<[string, Graph, typeof GraphError, RegExp]>([
    [
      'an activation without a rule',
      build((g, x) => logits(g, g.emit('Sigmoid', [flat(g, x)], {}, 'squash'))),
      GraphError,
      /back through Sigmoid "squash".*no rule for Sigmoid; supported are Conv/,
    ],
    [
      'a product of computed matrices',
      build((g, x) => {
        const square = g.reshape(x, [-1, 4, 4]);
        return logits(g, flat(g, g.emit('MatMul', [square, square], {}, 'attend')));
      }),
      GraphError,
      /MatMul "attend"/,
    ],
    ['two inputs', build((g, x) => logits(g, flat(g, x)), 2), ModelError, /one float32 input.*x1/],
    [
      'logits for every position',
      build((_, x) => x),
      ModelError,
      /no classifier.*\[N, classes\].*\[N, 1, 4, 4\]/,
    ],
    [
      'logits that do not depend on the input',
      build((g) => logits(g, g.constant(tensor(new Float32Array(16), [1, 16])))),
      GraphError,
      /do not depend on its input/,
    ],
  ])('%s', (_, graph, kind, message) => {
    expect(compiled(graph)).toThrow(kind);
    expect(compiled(graph)).toThrow(message);
  });

  it.each([2, -2, -3])('class %i of two is refused by the compiled graph itself', async (target) => {
    const explanation = compile(
      build((g, x) => logits(g, flat(g, x))),
      { method: parseMethod('epsilon'), ledger: true },
    );
    const batch = { dims: [1, 1, 4, 4], data: new Float32Array(16), targets: [target], others: [0] };
    await expect(byRuntime(explanation, batch)).rejects.toThrow(GraphError);
    expect(() => byInterpreter(explanation, batch)).toThrow(GraphError);
  });
});
