// Holds a compiled explanation, run in float64 and by ONNX Runtime, against the slow twin; and its ledger against itself.
import { expect } from 'vitest';
import { array64, interpret } from '../../src/graph/interpret.ts';
import { type CompileOptions, compile, type Explanation } from '../../src/relevance/compile.ts';
import { type Ledger, readLedger } from '../../src/relevance/ledger.ts';
import type { Method } from '../../src/relevance/method.ts';
import { nodeRuntime } from '../../src/runtime/node.ts';
import { float32, int64 } from '../../src/runtime/runtime.ts';
import { sloppyFloat32, type Twin, type TwinMethod, type TwinResult, twinOf } from './lrp-twin.ts';
import { graphOf, type MadeNetwork } from './networks.ts';

/** A method and what the twin takes it for. */
export interface Setting {
  readonly method: Method;
  readonly twin: TwinMethod;
  readonly start: 'logit' | 'one';
  /** Whether relevance is asked of the target less another class. */
  readonly against?: boolean;
}

export interface Batch {
  readonly dims: readonly number[];
  readonly data: Float32Array;
  readonly targets: readonly number[];
  readonly others: readonly number[];
}

/** What one compiled graph gave for a batch of clips. */
export interface Answer {
  readonly logits: Float64Array;
  readonly relevance: Float64Array;
  readonly ledger?: Ledger;
}

export function batchOf(network: MadeNetwork): Batch {
  const clips = [network.clip(1), network.clip(2)];
  return {
    dims: [clips.length, ...network.dims],
    data: Float32Array.from(clips.flat()),
    targets: [-1, network.classes - 1],
    others: [0, 0],
  };
}

export function byInterpreter(explanation: Explanation, batch: Batch): Answer {
  const got = interpret(explanation.graph, {
    [explanation.input.name]: array64(batch.data, batch.dims),
    [explanation.target]: array64(batch.targets, undefined, 'int64'),
    ...(explanation.against && { [explanation.against]: array64(batch.others, undefined, 'int64') }),
  });
  return answer(explanation, (name) => got[name].data, batch.dims[0]);
}

export async function byRuntime(explanation: Explanation, batch: Batch): Promise<Answer> {
  const session = await nodeRuntime.open(explanation.graph, { threads: 1 });
  const got = await session.run({
    [explanation.input.name]: float32(batch.data, batch.dims),
    [explanation.target]: int64(batch.targets),
    ...(explanation.against && { [explanation.against]: int64(batch.others) }),
  });
  await session.release();
  return answer(explanation, (name) => Float64Array.from(got[name].data as Float32Array), batch.dims[0]);
}

function answer(
  { logits, relevance, ledger }: Explanation,
  read: (name: string) => Float64Array,
  count: number,
): Answer {
  return {
    logits: read(logits),
    relevance: read(relevance),
    ...(ledger && { ledger: readLedger(ledger.rows, read(ledger.name), count) }),
  };
}

const largest = (v: readonly number[]) => v.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
/** Largest difference over the largest value. */
const difference = (got: readonly number[], expected: readonly number[]) =>
  largest(expected.map((v, i) => got[i] - v)) / (largest(expected) || 1);
const magnitude = (v: readonly number[]) => v.reduce((sum, x) => sum + Math.abs(x), 0);
export const clipOf = (v: ArrayLike<number>, n: number, count: number) =>
  Array.from(v).slice((n * v.length) / count, ((n + 1) * v.length) / count);

const ENTRIES = ['out', 'in', 'bias', 'stabilizer', 'dropped', 'padding'] as const;

/** The ledger's entries are the twin's, each from its own formula; a row of the twin's may only lack where nothing came. */
function expectEntries(ledger: Ledger, n: number, twin: TwinResult, linear: ReadonlySet<string>): void {
  const rows = new Map(ledger.layers.map((row) => [row.node, row]));
  for (const [name, entry] of twin.ledger) {
    const row = rows.get(name);
    if (!linear.has(name) || entry.magnitude === 0) continue;
    expect(row, `a row of ${name}`).toBeDefined();
    if (!row) continue;
    const scale = Math.max(
      entry.magnitude,
      entry.passed,
      Math.abs(ledger.start[n]),
      magnitude(twin.relevance),
    );
    for (const key of ENTRIES) {
      expect(Math.abs(row[key][n] - entry[key]), `${name}: ${key}`).toBeLessThanOrEqual(1e-9 * scale);
    }
  }
}

/**
 * What came in went on or was absorbed, at each node and over the graph. Σ|R| at a node counts what it passes on too:
 * where z is a small difference of large terms, R/s(z) makes that far larger than what came, and its sum no exacter.
 */
function expectClosed(
  ledger: Ledger,
  relevance: readonly number[],
  n: number,
  twin: TwinResult,
  bound: number,
): void {
  const start = Math.abs(ledger.start[n]);
  let absorbed = 0;
  for (const row of ledger.layers) {
    const taken = row.bias[n] + row.stabilizer[n] + row.dropped[n] + row.padding[n];
    const scale = Math.max(start, row.magnitude[n], twin.ledger.get(row.node)?.passed ?? 0);
    expect(Math.abs(row.out[n] - row.in[n] - taken), `${row.node} closes`).toBeLessThanOrEqual(bound * scale);
    absorbed += taken;
  }
  const total = relevance.reduce((a, b) => a + b, 0);
  const scale = Math.max(start, magnitude(relevance), ...ledger.layers.map((row) => row.magnitude[n]));
  expect(Math.abs(ledger.start[n] - total - absorbed), 'the graph closes').toBeLessThanOrEqual(bound * scale);
}

/** Compiles, runs twice, and holds both against the twin. */
export async function expectTwin(
  network: MadeNetwork,
  setting: Setting,
  batch = batchOf(network),
  prepared: Twin = twinOf(network.nodes, network.dims),
): Promise<void> {
  const { method, start, against = false } = setting;
  const keeps = setting.twin.rule !== undefined && setting.twin.activation === 'pass';
  const options: CompileOptions = { method, start, against, ledger: keeps };
  const explanation = compile(graphOf(network), options);
  const slow = byInterpreter(explanation, batch);
  const fast = await byRuntime(explanation, batch);
  const [count] = batch.dims;
  const linear = new Set(prepared.linear);
  batch.targets.forEach((target, n) => {
    const clip = clipOf(batch.data, n, count);
    const other = against ? { against: batch.others[n] } : {};
    const asked = { method: setting.twin, start, target, ...other };
    const twin = prepared(clip, asked);
    const name = `${method.name}, start ${start}, clip ${n}`;
    const received = clipOf(slow.relevance, n, count);
    expect(difference(clipOf(slow.logits, n, count), twin.logits), name).toBeLessThanOrEqual(1e-12);
    expect(difference(received, twin.relevance), name).toBeLessThanOrEqual(1e-9);
    if (slow.ledger) {
      expectEntries(slow.ledger, n, twin, linear);
      expectClosed(slow.ledger, received, n, twin, 1e-9);
    }
    const single = clipOf(fast.relevance, n, count);
    const deviation = difference(single, twin.relevance);
    // Where z is a small difference of large terms, float32 itself is further away: how far, the twin says.
    const float32s =
      deviation <= 1e-5 ? [] : [1, 2, 3, 4].map((seed) => prepared(clip, asked, sloppyFloat32(seed)));
    const own = Math.max(0, ...float32s.map((t) => difference(t.relevance, twin.relevance)));
    expect(deviation, `${name}, in float32`).toBeLessThanOrEqual(Math.max(1e-5, 3 * own));
    if (fast.ledger) expectClosed(fast.ledger, single, n, twin, 1e-5);
  });
}
