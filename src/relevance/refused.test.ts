// What compile refuses: models that are no classifiers, ops without a rule, targets that are no class, ledgers that cannot be.
import { describe, expect, it } from 'vitest';
import { byInterpreter, byRuntime } from '../../test/support/against-twin.ts';
import { NOT_CONSERVING } from '../../test/support/methods.ts';
import { GraphError, MethodError, ModelError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import type { Graph } from '../graph/types.ts';
import { tensor } from '../graph/types.ts';
import { compile } from './compile.ts';
import { parseMethod } from './method.ts';

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
      build((g, x) => logits(g, g.emit('Exp', [flat(g, x)], {}, 'grow'))),
      GraphError,
      /no rule for Exp "grow"/,
    ],
    [
      'a product without a gate',
      build((g, x) => logits(g, g.emit('Mul', [flat(g, x), flat(g, x)], {}, 'square'))),
      GraphError,
      /no rule for Mul "square": neither operand alone is a gate/,
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
    [
      'two inputs',
      build((g, x) => logits(g, flat(g, x)), 2),
      ModelError,
      /one input of floating-point numbers.*x1/,
    ],
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

  it.each(NOT_CONSERVING.map(([text]) => text).filter((text) => text !== 'excitation-backprop'))(
    'a ledger of %s, which conserves nothing',
    (text) => {
      const graph = build((g, x) => logits(g, flat(g, x)));
      expect(() => compile(graph, { method: parseMethod(text), ledger: true })).toThrow(MethodError);
      expect(() => compile(graph, { method: parseMethod(text) })).not.toThrow();
    },
  );

  it.each(['integrated-gradients', 'smoothgrad', 'occlusion'])('%s, which is no graph', (text) => {
    const graph = build((g, x) => logits(g, flat(g, x)));
    expect(() => compile(graph, { method: parseMethod(text) })).toThrow(MethodError);
  });
});
