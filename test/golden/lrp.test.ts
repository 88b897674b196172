// Golden: relevances against zennit 0.5.1's float64 (../shared/fixtures/lrp), in ONNX Runtime and in the interpreter.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeNpy } from '../../src/files/npy.ts';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { decodeOnnx } from '../../src/graph/onnx.ts';
import { compile } from '../../src/relevance/compile.ts';
import { readLedger } from '../../src/relevance/ledger.ts';
import { parseMethod } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32, int64 } from '../../src/runtime/runtime.ts';
import { describeShared, sharedPath } from '../support/shared.ts';

/** Our method, zennit's file, and the bound on the largest difference over the largest relevance. */
const METHODS = [
  ['epsilon', 'epsilon', 1e-5],
  ['epsilon:epsilon=0.25', 'epsilon_0.25', 1e-5],
  ['epsilon:bias=ignore', 'epsilon_bias_free', 5e-2],
  ['zplus', 'zplus', 1e-5],
  ['alpha2-beta1', 'alpha2_beta1', 1e-5],
  ['gamma', 'gamma_0.25', 1e-5],
  ['wsquare', 'wsquare', 1e-5],
  ['flat', 'flat', 1e-5],
  ['epsilon-plus', 'epsilon_plus', 1e-5],
  ['epsilon-plus-flat', 'epsilon_plus_flat', 1e-5],
  ['epsilon-alpha2-beta1', 'epsilon_alpha2_beta1', 1e-5],
  ['epsilon-alpha2-beta1-flat', 'epsilon_alpha2_beta1_flat', 1e-5],
  ['epsilon-gamma-box:low=-3,high=3', 'epsilon_gamma_box', 1e-5],
  ['excitation-backprop', 'excitation_backprop', 1e-5],
  ['gradient', 'gradient', 1e-5],
  ['guided-backprop', 'guided_backprop', 1e-5],
  ['deconvnet', 'deconvnet', 1e-5],
] as const;

/** Methods that conserve nothing. */
const WITHOUT_LEDGER: readonly string[] = ['gradient', 'guided-backprop', 'deconvnet'];

/** zennit's own float32 is 2e-5 from its float64 here. */
const LOOSER: Record<string, number> = { 'audionet epsilon': 1e-4 };

function floats(path: string): { data: Float64Array; shape: number[] } {
  const { data, shape } = decodeNpy(readFileSync(sharedPath(path)), path);
  return { data: Float64Array.from(data as Float32Array), shape: [...shape] };
}

function difference(got: ArrayLike<number>, expected: Float64Array): number {
  const scale = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return expected.reduce((m, v, i) => Math.max(m, Math.abs(got[i] - v)), 0) / scale;
}

describe.each(['cnn_mel', 'cnn_bn', 'audionet'])('%s', (name) => {
  const folder = `fixtures/lrp/${name}`;
  describeShared(folder, 'agrees with zennit', () => {
    const model = decodeOnnx(readFileSync(sharedPath(`${folder}/model.onnx`)), name);
    const input = floats(`${folder}/input.npy`);
    const batch = input.shape[0];

    it.each(METHODS)('%s', async (text, file, bound) => {
      const expected = floats(`${folder}/${file}.npy`);
      const conserving = !WITHOUT_LEDGER.includes(text);
      const explanation = compile(model, { method: parseMethod(text), ledger: conserving });
      const session = await nodeRuntime.open(explanation.graph);
      const got = await session.run({
        [explanation.input.name]: float32(Float32Array.from(input.data), input.shape),
        [explanation.target]: int64(new Array(batch).fill(-1)),
      });
      const relevance = got[explanation.relevance];
      expect(relevance.dims).toEqual(input.shape);
      const single = difference(relevance.data as Float32Array, expected.data);
      const logits = floats(`${folder}/logits.npy`);
      expect(difference(got[explanation.logits].data as Float32Array, logits.data)).toBeLessThanOrEqual(1e-5);
      expect(single).toBeLessThanOrEqual(LOOSER[`${name} ${text}`] ?? bound);

      if (!conserving) return session.release();
      const { name: sheet, rows } = explanation.ledger as NonNullable<typeof explanation.ledger>;
      const ledger = readLedger(rows, got[sheet].data as Float32Array, batch);
      for (let n = 0; n < batch; n++) {
        const start = ledger.start[n];
        let absorbed = 0;
        for (const layer of ledger.layers) {
          const taken = layer.bias[n] + layer.stabilizer[n] + layer.dropped[n] + layer.padding[n];
          const tolerance = 1e-5 * Math.max(Math.abs(start), layer.magnitude[n]);
          expect(Math.abs(layer.out[n] - layer.in[n] - taken), layer.node).toBeLessThanOrEqual(tolerance);
          absorbed += taken;
        }
        const size = relevance.data.length / batch;
        const parts = (relevance.data as Float32Array).slice(n * size, (n + 1) * size);
        const total = parts.reduce((a, b) => a + b, 0);
        const magnitude = Math.max(
          ...ledger.layers.map((l) => l.magnitude[n]),
          parts.reduce((a, b) => a + Math.abs(b), 0),
        );
        expect(Math.abs(start - total - absorbed)).toBeLessThanOrEqual(
          1e-5 * Math.max(Math.abs(start), magnitude),
        );
      }
      await session.release();
    });

    // In float64 the ill-conditioned `bias=ignore` agrees too: its bound above is float32's, not the rule's.
    it.each(METHODS.filter(([text]) => text.startsWith('epsilon')))(
      '%s in the float64 interpreter',
      (text, file) => {
        const expected = floats(`${folder}/${file}.npy`);
        const explanation = compile(model, { method: parseMethod(text) });
        const got = interpret(explanation.graph, {
          [explanation.input.name]: array64(input.data, input.shape),
          [explanation.target]: array64(new Array(batch).fill(-1), [batch], 'int64'),
        });
        expect(difference(got[explanation.relevance].data, expected.data)).toBeLessThanOrEqual(2e-6);
      },
    );
  });
});
