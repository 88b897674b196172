// End to end: `earmark compile` writes a file that a bare runtime executes, and `inspect` tells what the rules are.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { inputShape } from '../../src/features/input.ts';
import { decodeOnnx, encodeOnnx } from '../../src/graph/onnx.ts';
import { EXPLANATION_KEY } from '../../src/relevance/portable.ts';
import { earmark, earmarkHere, modelFile, temporary, untrainedModel } from '../support/earmark.ts';
import { everythingIn } from './digits.ts';

const model = untrainedModel();
const dims = [1, ...inputShape(model.features)];

it('writes a file that runs without Earmark, and says what goes in and out', async () => {
  const folder = temporary();
  modelFile(folder, model);
  const args = ['compile', 'model.onnx', '--method', 'epsilon-gamma-box', '--ledger', '--out', 'e.onnx'];
  const { code, stdout, stderr } = await earmark(args, folder);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^e.onnx: \d+\.\d+ MB, model.onnx by epsilon-gamma-box from logit\n/);
  expect(stdout).toMatch(/ input {3}target int64\[N\]\n/);
  expect(stdout).toMatch(/ output {2}relevance float32\[N, 1, \d+, \d+\]/);
  const bytes = readFileSync(join(folder, 'e.onnx'));
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const size = dims.reduce((a, b) => a * b);
  const feeds = {
    [session.inputNames[0]]: new Tensor('float32', new Float32Array(2 * size).fill(0.5), [2, ...dims]),
    target: new Tensor('int64', BigInt64Array.from([-1n, 4n]), [2]),
  };
  const { relevance, ledger } = await session.run(feeds);
  await session.release();
  expect(relevance.dims).toEqual([2, ...dims]);
  expect(ledger.dims[2]).toBe(2);
});

it('tells as JSON what the metadata hold', async () => {
  const folder = temporary();
  modelFile(folder, model);
  const { code, stdout } = await earmarkHere(
    [
      'compile',
      'model.onnx',
      '--method',
      'gamma:gamma=1',
      '--start',
      'one',
      '--against',
      '--out',
      'e.onnx',
      '--json',
    ],
    folder,
  );
  expect(code).toBe(0);
  const { file, bytes, inputs, outputs, ...facts } = JSON.parse(stdout);
  const written = readFileSync(join(folder, 'e.onnx'));
  expect([file, bytes]).toEqual(['e.onnx', written.length]);
  const graph = decodeOnnx(written, 'e.onnx');
  expect(JSON.parse(graph.metadata[EXPLANATION_KEY])).toEqual(facts);
  expect(facts).toMatchObject({ method: 'gamma:gamma=1', start: 'one', model: { name: 'model.onnx' } });
  expect([inputs, outputs]).toEqual([graph.inputs, graph.outputs]);
  expect(inputs.slice(1).map((i: { name: string }) => i.name)).toEqual(['target', 'against']);
});

describe('compile refuses', () => {
  it.each<[string[], RegExp]>([
    [['--method', 'occlusion'], /"occlusion" runs a compiled graph many times.*earmark attribute/],
    [['--method', 'smoothgrad'], /"smoothgrad" runs a compiled graph many times/],
    [['--method', 'integrated-gradients'], /many times/],
    [['--method', 'deconvnet', '--ledger'], /"deconvnet" does not conserve relevance.*no ledger/],
    [['--method', 'zplus:stabilizer=-1'], /expected a number ≥ 0/],
    [['--out', 'e.bin'], /--out e.bin: expected a name ending in .onnx/],
    [['--out', 'none/e.onnx'], /cannot write none\/e.onnx/],
    [['--against', 'six'], /too many arguments/],
  ])('%j', async (options, message) => {
    const folder = temporary();
    modelFile(folder, model);
    const out = options.includes('--out') ? [] : ['--out', 'e.onnx'];
    const { code, stdout, stderr } = await earmarkHere(['compile', 'model.onnx', ...out, ...options], folder);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([1, '']);
    expect(everythingIn(folder)).toEqual(['model.onnx']);
  });

  it('a box without bounds where the model does not say what it listens to, unless it is told', async () => {
    const folder = temporary();
    writeFileSync(join(folder, 'model.onnx'), encodeOnnx({ ...model.graph, metadata: {} }));
    writeFileSync(join(folder, 'features.json'), JSON.stringify(model.features));
    const box = ['model.onnx', '--method', 'epsilon-gamma-box'];
    const { code, stderr } = await earmarkHere(['compile', ...box, '--out', 'e.onnx'], folder);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/needs the range.*expected low and high/)]);
    expect((await earmarkHere(['inspect', ...box], folder)).code).toBe(1);
    const told = ['--features', 'features.json'];
    expect(await earmarkHere(['compile', ...box, ...told, '--out', 'e.onnx'], folder)).toMatchObject({
      code: 0,
    });
    expect((await earmarkHere(['inspect', ...box, ...told], folder)).stdout).toMatch(/zbox:low=0,high=1/);
  });
});

describe('inspect', () => {
  it('is a line for each node, and one for all', async () => {
    const folder = temporary();
    modelFile(folder, model);
    const { code, stdout, stderr } = await earmark(
      ['inspect', 'model.onnx', '--method', 'epsilon-plus'],
      folder,
    );
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    const { nodes } = decodeOnnx(readFileSync(join(folder, 'model.onnx')), 'model.onnx');
    expect(lines).toHaveLength(nodes.length + 3);
    expect(lines[0]).toMatch(/^node +op +shape +rule +note$/);
    nodes.forEach(({ name, op }, i) => {
      expect(lines[i + 1].split(/ +/).slice(0, 2)).toEqual([name, op]);
    });
    expect(stdout).toMatch(/BatchNormalization .* - +merged into/);
    expect(lines.at(-1)).toMatch(/^\d+ nodes, \d+ that relevance takes by epsilon-plus, none refused\.$/);
  });

  it('marks what is refused, and says what to do', async () => {
    const folder = temporary();
    const [input] = model.graph.inputs;
    const squared = {
      ...model.graph,
      metadata: {},
      nodes: model.graph.nodes.map((node) =>
        node.op === 'Relu'
          ? ({ ...node, op: 'Mul', inputs: [node.inputs[0], node.inputs[0]], attributes: {} } as const)
          : node,
      ),
    };
    writeFileSync(join(folder, 'model.onnx'), encodeOnnx(squared));
    const { code, stdout } = await earmarkHere(['inspect', 'model.onnx'], folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Mul +\[.*\] +REFUSED +no rule: name one in a composite/);
    expect(stdout).toMatch(/, \d+ REFUSED: Mul ".*"\. Name rules for them in a composite \(--help\)\.\n$/);
    const json = JSON.parse((await earmarkHere(['inspect', 'model.onnx', '--json'], folder)).stdout);
    expect(json).toMatchObject({ model: 'model.onnx', method: 'epsilon-plus-flat', start: 'logit' });
    expect(json.nodes.some((n: { refused: boolean }) => n.refused)).toBe(true);
    expect(json.nodes[0].shape[0]).toBe(input.shape[0]);
  });
});
