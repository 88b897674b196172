// npm run bench:profile -- NETWORK [BATCH] [METHOD|forward] [ROWS]: which nodes of a graph take the time.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { encodeOnnx } from '../src/graph/onnx.ts';
import { compile } from '../src/relevance/compile.ts';
import { parseMethod } from '../src/relevance/method.ts';
import { built, noise, SUBJECTS } from './networks.ts';

const RUNS = 8;

/** What ONNX Runtime's profile says of one run of one node. */
interface NodeEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args: {
    readonly op_name: string;
    readonly input_type_shape: readonly object[];
    readonly output_type_shape: readonly object[];
  };
}

/** A node with the least milliseconds of all runs, the one that other work on the machine disturbed least. */
interface Cost {
  readonly op: string;
  readonly name: string;
  readonly shapes: string;
  readonly least: number;
}

async function profile(name: string, batch: number, method: string): Promise<Cost[]> {
  const subject = SUBJECTS.find((s) => s.name === name);
  if (!subject) throw new Error(`no network "${name}"; there are ${SUBJECTS.map((s) => s.name).join(', ')}`);
  const { graph } = built(subject);
  const explanation = method === 'forward' ? undefined : compile(graph, { method: parseMethod(method) });
  const folder = await mkdtemp(join(tmpdir(), 'earmark-profile-'));
  const session = await ort.InferenceSession.create(encodeOnnx(explanation?.graph ?? graph), {
    enableProfiling: true,
    profileFilePrefix: join(folder, 'run'),
    logSeverityLevel: 4,
  });
  const x = noise([batch, ...subject.input]);
  const feeds = {
    input: new ort.Tensor('float32', x.data as Float32Array, x.dims),
    ...(explanation && {
      [explanation.target]: new ort.Tensor('int64', new BigInt64Array(batch).fill(-1n), [batch]),
    }),
  };
  for (let i = 0; i < RUNS; i++) await session.run(feeds);
  session.endProfiling();
  const [file] = await readdir(folder);
  const events: NodeEvent[] = JSON.parse(await readFile(join(folder, file), 'utf8'));
  await rm(folder, { recursive: true });
  return costs(events);
}

function costs(events: readonly NodeEvent[]): Cost[] {
  const shapes = (list: readonly object[]) => list.map((typed) => `[${Object.values(typed)[0]}]`).join(' ');
  const nodes = new Map<string, Cost>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    const least = Math.min(dur / 1000, nodes.get(name)?.least ?? Number.POSITIVE_INFINITY);
    nodes.set(name, {
      op: args.op_name,
      name: name.replace(/_kernel_time$/, ''),
      shapes: `${shapes(args.input_type_shape)} → ${shapes(args.output_type_shape)}`,
      least,
    });
  }
  return [...nodes.values()].sort((a, b) => b.least - a.least);
}

const [name = 'notebook', batch = '32', method = 'epsilon-plus-flat', rows = '25'] = process.argv.slice(2);
const nodes = await profile(name, Number(batch), method);
const sum = (of: readonly Cost[]) => of.reduce((n, { least }) => n + least, 0);
const row = (ms: number, ...rest: string[]) =>
  console.log(`${ms.toFixed(2).padStart(9)} ms  ${rest.join('  ')}`);
console.log(`${name}, batch ${batch}, ${method}: ${nodes.length} nodes, the least of ${RUNS} runs of each`);
row(sum(nodes), 'all');
const ops = [...new Set(nodes.map(({ op }) => op))].map((op) => {
  const of = nodes.filter((node) => node.op === op);
  return { op, ms: sum(of), count: of.length };
});
for (const { op, ms, count } of ops.sort((a, b) => b.ms - a.ms).slice(0, 12)) row(ms, `${count} × ${op}`);
console.log();
for (const { op, name, shapes, least } of nodes.slice(0, Number(rows))) {
  row(least, op.padEnd(16), name.padEnd(28), shapes);
}
