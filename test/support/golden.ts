// Reference arrays in .npz files, what a compiled explanation gives for them, and how far apart the two are.
import { readFileSync } from 'node:fs';
import { decodeNpz } from '../../src/files/npz.ts';
import type { Graph } from '../../src/graph/types.ts';
import { compile } from '../../src/relevance/compile.ts';
import { parseMethod } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32, int64 } from '../../src/runtime/runtime.ts';

export interface Golden {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** All arrays of an .npz, in double precision. */
export function arraysOf(file: URL): Record<string, Golden> {
  const arrays = decodeNpz(new Uint8Array(readFileSync(file)), file.pathname);
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape }]) => [
      name,
      { data: Float64Array.from(data as Float32Array), shape },
    ]),
  );
}

/** max |got − expected| / max |expected|; infinite where their sizes differ. */
export function largestDifference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const all = Array.from(expected);
  const scale = all.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return all.reduce((m, v, i) => Math.max(m, Math.abs(got[i] - v)), 0) / scale;
}

/** What is asked of relevances: 1e-5, or thrice what float32 does to the reference itself, where that is more. */
export function boundOf(deviation: number): number {
  return Math.max(1e-5, 3 * deviation);
}

/** The inputs as the model takes them: at once, or one after the other where its batch is fixed to one. */
export function batches(input: Golden, model: Graph): Golden[] {
  if (typeof model.inputs[0].shape[0] === 'string') return [input];
  const size = input.data.length / input.shape[0];
  return Array.from({ length: input.shape[0] }, (_, i) => ({
    data: input.data.slice(i * size, (i + 1) * size),
    shape: [1, ...input.shape.slice(1)],
  }));
}

/** Logits and relevances of the predicted classes, by ONNX Runtime. */
export async function explained(
  model: Graph,
  method: string,
  input: Golden,
): Promise<{ logits: number[]; relevance: number[] }> {
  const explanation = compile(model, { method: parseMethod(method) });
  const session = await nodeRuntime.open(explanation.graph);
  const all = { logits: [] as number[], relevance: [] as number[] };
  for (const { data, shape } of batches(input, model)) {
    const got = await session.run({
      [explanation.input.name]: float32(Float32Array.from(data), shape),
      [explanation.target]: int64(new Array(shape[0]).fill(-1)),
    });
    all.logits.push(...(got[explanation.logits].data as Float32Array));
    all.relevance.push(...(got[explanation.relevance].data as Float32Array));
  }
  await session.release();
  return all;
}
