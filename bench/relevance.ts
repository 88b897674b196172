// npm run bench:relevance [-- METHOD…] [options]: what relevance costs, beside the forward pass and beside other tools.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { NpyArray } from '../src/files/npy.ts';
import { decodeOnnx, encodeOnnx } from '../src/graph/onnx.ts';
import type { Graph } from '../src/graph/types.ts';
import { compile, type Explanation } from '../src/relevance/compile.ts';
import { parseMethod } from '../src/relevance/method.ts';
import { nodeRuntime } from '../src/runtime/node.ts';
import { int64, type RuntimeTensor, type Session, type Tensors } from '../src/runtime/runtime.ts';
import { built, noise, SUBJECTS } from './networks.ts';
import { type Library, Peer } from './peers.ts';
import { type Action, median, type Timing, timed, timeInTurn } from './timing.ts';

const METHODS = [
  ...['epsilon', 'epsilon-plus', 'epsilon-plus-flat', 'epsilon-gamma-box:low=0,high=1'],
  ...['alpha2-beta1', 'gamma', 'gradient', 'guided-backprop'],
];
/** Methods whose ledger is measured too. */
const WITH_LEDGER = ['epsilon', 'epsilon-plus-flat'];

const HELP = `npm run bench:relevance -- [METHOD…] [options]

Times the forward graph and each method's in turn, as multiples of the forward pass, and other tools with the same weights.

  --network NAME   one of ${SUBJECTS.map(({ name }) => name).join(', ')}; again for more (all)
  --batch N        again for more (1 and 32)
  --threads N      (all cores)
  --seconds S      for each method, of each network and batch (1.5)
  --rounds N       at most so many runs of each (15)
  --python PATH    with PyTorch and zennit or Captum; again for more (python3)
  --no-peers       Earmark alone
  --no-memory      without the peak memory of a process that only runs the graph`;

const many = { type: 'string', multiple: true } as const;
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    network: many,
    batch: many,
    python: many,
    threads: { type: 'string', default: `${availableParallelism()}` },
    seconds: { type: 'string', default: '1.5' },
    rounds: { type: 'string', default: '15' },
    peers: { type: 'boolean', default: true },
    memory: { type: 'boolean', default: true },
    help: { type: 'boolean' },
  },
});
const threads = Number(options.threads);
const methods = positionals.length ? positionals : METHODS;
const effort = { seconds: Number(options.seconds), rounds: [3, Number(options.rounds)] as const };

/** One network at one batch size. */
interface Case {
  readonly model: Graph;
  readonly x: RuntimeTensor;
  readonly batch: number;
  readonly forward: Action;
  readonly peers: readonly Peer[];
  readonly scratch: string;
}

/** A compiled method, ready to run. */
interface Opened extends Action {
  readonly explanation: Explanation;
  readonly session: Session;
  readonly feeds: Tensors;
  readonly costs: string;
}

async function openMethod({ model, x, batch }: Case, method: string, ledger: boolean): Promise<Opened> {
  const [compiling, explanation] = await timed(() => compile(model, { method: parseMethod(method), ledger }));
  const [opening, session] = await timed(() => nodeRuntime.open(explanation.graph, { threads }));
  const feeds = { input: x, [explanation.target]: int64(new Array(batch).fill(-1)) };
  const name = ledger ? '  + ledger' : method;
  const costs = `compiled in ${compiling.toFixed(0)} ms, opened in ${opening.toFixed(0)} ms`;
  return { name, run: () => session.run(feeds), explanation, session, feeds, costs };
}

/** Megabytes that a process needs at most which only runs a graph. */
async function peakOf(graph: Graph, feeds: Tensors, scratch: string): Promise<string> {
  if (!options.memory) return '';
  const [model, inputs] = [join(scratch, 'peak.onnx'), join(scratch, 'peak.json')];
  const described = Object.entries(feeds).map(([name, { dtype, dims }]) => [name, { dtype, dims }]);
  await writeFile(model, encodeOnnx(graph));
  await writeFile(inputs, JSON.stringify(Object.fromEntries(described)));
  const script = fileURLToPath(new URL('peak.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, model, inputs, `${threads}`]);
  return `${stdout.trim().padStart(5)} MB`;
}

function print({ name, median, least }: Timing, batch: number, ...rest: readonly string[]): void {
  const clips = (batch * 1000) / median;
  const time = `${median.toFixed(1).padStart(8)} ms (least ${least.toFixed(1).padStart(6)})`;
  const cells = [time, `${clips.toFixed(0).padStart(6)} clips/s`, ...rest];
  console.log(`${name.padEnd(38)}${cells.join('  ')}`);
}

/** Prints a method's rows: it, it with its ledger, and what other tools take, each in turns with it. */
async function measure(run: Case, method: string): Promise<void> {
  const kinds = WITH_LEDGER.includes(method) ? [false, true] : [false];
  const opened: Opened[] = [];
  for (const ledger of kinds) opened.push(await openMethod(run, method, ledger));
  const timings = await timeInTurn([run.forward, ...opened], effort);
  for (const [i, { explanation, feeds, costs }] of opened.entries()) {
    const timing = timings[i + 1];
    const times = `${timing.ratio.toFixed(2).padStart(6)} × forward`;
    print(timing, run.batch, times, await peakOf(explanation.graph, feeds, run.scratch), costs);
  }
  for (const peer of run.peers) {
    for (const library of peer.librariesFor(method)) await compare(run, opened[0], peer, library);
  }
  for (const { session } of opened) await session.release();
}

async function compare({ batch }: Case, ours: Opened, peer: Peer, library: Library): Promise<void> {
  const name = `  ${peer.title(library)}`;
  try {
    const theirs = await peer.open(library, ours.name);
    const got = await ours.session.run(ours.feeds);
    const { logits, relevance } = ours.explanation;
    const apart = [difference(got[logits], theirs.logits), difference(got[relevance], theirs.relevance)];
    const action: Action = { name, clock: 'own', run: () => peer.run() };
    const [, timing] = await timeInTurn([ours, action], effort);
    const [logit, map] = apart.map((value) => value.toExponential(0));
    const times = `${timing.ratio.toFixed(2).padStart(6)} × ours`;
    print(timing, batch, times, `   logits differ by ${logit}, relevance by ${map}`);
  } catch (error) {
    console.log(`${name}: ${(error as Error).message}`);
  }
}

/**
 * The largest difference over the largest value of the reference, of the clip in the middle: in float32 now and then a
 * winner of a maximum or the sign of a pre-activation falls otherwise, which is much for the gradient of that clip.
 */
function difference(ours: RuntimeTensor, theirs: NpyArray): number {
  const [count] = theirs.shape;
  const clip = theirs.data.length / count;
  const apart = Array.from({ length: count }, (_, n) => {
    let [far, largest] = [0, 0];
    for (let i = n * clip; i < (n + 1) * clip; i++) {
      const reference = Number(theirs.data[i]);
      far = Math.max(far, Math.abs(Number(ours.data[i]) - reference));
      largest = Math.max(largest, Math.abs(reference));
    }
    return far / largest;
  });
  return median(apart);
}

/** Pythons with something to compare with: those asked for, or the first that has any. */
async function startPeers(scratch: string): Promise<Peer[]> {
  if (!options.peers) return [];
  const started: Peer[] = [];
  for (const [i, python] of (options.python ?? ['python3', '/usr/bin/python3']).entries()) {
    const peer = await Peer.start(python, threads, join(scratch, `peer${i}`));
    console.log(
      peer ? `${python}: ${peer.versions}` : `${python}: no PyTorch there, so nothing to compare with`,
    );
    if (peer) started.push(peer);
    if (peer && !options.python) break;
  }
  return started;
}

async function main(): Promise<void> {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
  console.log(`${cpus()[0].model}, ${threads} threads, Node ${process.version}, ONNX Runtime ${version}`);
  const [load] = loadavg();
  if (load > 0.5)
    console.log(`other work is going on (load ${load.toFixed(1)}): times are not to be relied on`);
  const scratch = await mkdtemp(join(tmpdir(), 'earmark-bench-'));
  const peers = await startPeers(scratch);
  try {
    for (const subject of SUBJECTS.filter(({ name }) => options.network?.includes(name) ?? true)) {
      const { graph, weights } = built(subject);
      const bytes = encodeOnnx(graph);
      const [decoding, model] = await timed(() => decodeOnnx(bytes, subject.name));
      for (const batch of (options.batch ?? ['1', '32']).map(Number)) {
        const x = noise([batch, ...subject.input]);
        console.log(
          `\n${subject.name}, ${subject.input.join(' × ')}, batch ${batch}; decoded in ${decoding.toFixed(0)} ms`,
        );
        for (const peer of peers) await peer.take(subject, weights, x);
        const session = await nodeRuntime.open(model, { threads });
        const forward = { name: 'forward', run: () => session.run({ input: x }) };
        const [timing] = await timeInTurn([forward], effort);
        print(timing, batch, '1.00 × forward', await peakOf(model, { input: x }, scratch));
        const run = { model, x, batch, forward, peers, scratch };
        for (const method of methods) await measure(run, method);
        await session.release();
      }
    }
  } finally {
    for (const peer of peers) peer.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

if (options.help) console.log(HELP);
else await main();
