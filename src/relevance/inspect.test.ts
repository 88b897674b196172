// What is told of real models, layer by layer: snapshots, and what becomes of nodes that relevance cannot pass.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { MethodError } from '../errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { decodeOnnx } from '../graph/onnx.ts';
import { type Graph, tensor } from '../graph/types.ts';
import { compile } from './compile.ts';
import { parseComposite } from './composite.ts';
import { inspect } from './inspect.ts';
import { type Method, parseMethod } from './method.ts';

const linesOf = (model: Graph, method: Method) =>
  inspect(model, method).nodes.map(({ node, op, shape, rule, note, refused }) =>
    [node, op, `[${shape.join(', ')}]`, refused ? 'REFUSED' : (rule ?? '-'), note].join(' | '),
  );

describe.each(['cnn_mel', 'cnn_bn', 'audionet'])('%s', (name) => {
  describeShared(`fixtures/lrp/${name}`, 'as PyTorch writes it', () => {
    const model = decodeOnnx(readFileSync(sharedPath(`fixtures/lrp/${name}/model.onnx`)), name);
    it.each(['epsilon-plus-flat', 'gamma:gamma=0.1,bias=ignore', 'guided-backprop'])('%s', (method) => {
      expect(linesOf(model, parseMethod(method))).toMatchSnapshot();
    });
  });
});

const folder = new URL('../../test/golden/exports/', import.meta.url);
const index: { files: Record<string, { network: string }> } = JSON.parse(
  readFileSync(new URL('exports.json', folder), 'utf8'),
);
/** One file of each network. */
const exported = Object.entries(index.files).filter(
  ([, { network }], i, all) => all.findIndex(([, other]) => other.network === network) === i,
);

describe.each(exported)('%s', (file) => {
  const model = decodeOnnx(readFileSync(new URL(file, folder)), file);

  it('by the default method', () => {
    expect(linesOf(model, parseMethod('epsilon-plus-flat'))).toMatchSnapshot();
  });

  it('tells the rules that the ledger of the compiled graph names', () => {
    const method = parseMethod('epsilon-plus-flat');
    const told = new Map(inspect(model, method).nodes.map((n) => [n.node, n]));
    const rows = compile(model, { method, ledger: true }).ledger?.rows ?? [];
    const known = rows.filter(({ node }) => told.has(node));
    expect(known.length).toBeGreaterThan(rows.length / 2);
    for (const { node, rule } of known) {
      expect([node, told.get(node)?.rule?.split(':')[0]]).toEqual([node, rule]);
    }
  });
});

describe('a product of two computed values', () => {
  const weights = (...dims: number[]) =>
    tensor(new Float32Array(dims.reduce((a, b) => a * b)).fill(0.5), dims);
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 4]);
  const hidden = g.emit('Gemm', [x, weights(4, 4)], {}, 'hidden');
  const square = g.emit('Mul', [hidden, hidden], {}, 'square');
  const squashed = g.emit('Mul', [square, g.emit('Sigmoid', [hidden], {}, 'gate')], {}, 'gated');
  g.output(g.emit('Gemm', [squashed, weights(4, 2)], {}, 'out'));
  const model = g.build('product');

  it('is refused, and says what to do; what steers a gate takes nothing', () => {
    const told = Object.fromEntries(inspect(model, parseMethod('epsilon')).nodes.map((n) => [n.node, n]));
    expect(told.square).toMatchObject({
      refused: true,
      rule: null,
      note: 'no rule: name one in a composite',
    });
    expect(told.gated).toMatchObject({ refused: false, rule: 'gate (second operand)' });
    expect(told.gate).toMatchObject({
      refused: false,
      rule: null,
      note: 'steers a gate: no relevance comes here',
    });
    expect(() => compile(model, { method: parseMethod('epsilon') })).toThrow(/no rule for Mul "square"/);
  });

  it('takes what a composite gives it', () => {
    const method = parseComposite({ base: 'epsilon', rules: [{ name: 'square', rule: 'halves' }] });
    expect(inspect(model, method).nodes.filter((n) => n.refused)).toEqual([]);
    expect(inspect(model, method).nodes.find((n) => n.node === 'square')?.rule).toBe('halves');
    expect(() => compile(model, { method })).not.toThrow();
  });

  it('a method that does not fit is an error', () => {
    const method = parseComposite({ rules: [{ name: 'square', rule: 'epsilon' }] });
    expect(() => inspect(model, method)).toThrow(MethodError);
    expect(() => inspect(model, parseMethod('zbox'))).toThrow(/box rule at Gemm "hidden" needs the range/);
    const range = { low: -1, high: 2 };
    expect(inspect(model, parseMethod('zbox'), range).nodes[0].rule).toBe(
      'zbox:low=-1,high=2,stabilizer=1e-6',
    );
  });
});
