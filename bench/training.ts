// npm run bench:training [-- NAME…] [options]: what a training step of each architecture costs, beside PyTorch's.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { random } from '../src/corpus/random.ts';
import { inputShape } from '../src/features/input.ts';
import { inputDims } from '../src/features/layout.ts';
import { makeFolder } from '../src/files/atomic.ts';
import { encodeNpy } from '../src/files/npy.ts';
import { sizeOf } from '../src/graph/types.ts';
import {
  type ArchitectureName,
  architecture,
  architectureOf,
  architectures,
} from '../src/model/architectures.ts';
import type { Layer, Network } from '../src/model/layers.ts';
import { initialWeights, parametersOf, type Weights } from '../src/model/network.ts';
import { nodeRuntime } from '../src/runtime/node.ts';
import type { Session } from '../src/runtime/runtime.ts';
import { type Batch, TrainingLoop } from '../src/training/loop.ts';
import { targets } from '../src/training/loss.ts';
import { RECIPES } from '../src/training/recipes.ts';
import { compileStep } from '../src/training/step.ts';
import { median } from './timing.ts';

const HELP = `npm run bench:training -- [NAME…] [options]

Times a training step of each architecture (${architectures.join(', ')}), with its own
optimizer, in turn with PyTorch's: same weights, batch, threads, all in float32. Masks of dropout and all else that a step
does outside ONNX Runtime is in our time. Before, the losses of three steps without dropout are compared.

  --batch N        (32)
  --threads N      (all cores)
  --rounds N       steps of each (12)
  --python PATH    with PyTorch; again for more (python3)
  --no-peers       Earmark alone

cpu: milliseconds of all threads together, which other work on the machine disturbs less than the time on the clock.`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    batch: { type: 'string', default: '32' },
    threads: { type: 'string', default: `${availableParallelism()}` },
    rounds: { type: 'string', default: '12' },
    python: { type: 'string', multiple: true, default: ['python3'] },
    peers: { type: 'boolean', default: true },
    help: { type: 'boolean' },
  },
});
const [batch, threads, rounds] = [options.batch, options.threads, options.rounds].map(Number);
const CLASSES = 10;
const RATE = 1e-3;
/** Milliseconds by when another library's threads have stopped spinning for more work. */
const SPINNING = 40;

/** What a step took. */
interface Took {
  readonly ms: number;
  /** Of all threads. */
  readonly cpu: number;
  /** Outside ONNX Runtime. */
  readonly outside?: number;
  readonly loss: number;
}

/** Something that trains, step by step. */
interface Trainer {
  readonly name: string;
  readonly open: (subject: Subject) => Promise<void>;
  readonly step: () => Promise<Took>;
  readonly close: () => Promise<void>;
}

interface Subject {
  readonly name: ArchitectureName;
  readonly network: Network;
  readonly input: readonly number[];
  readonly weights: Weights;
  readonly batch: Batch;
}

function subjectOf(name: ArchitectureName): Subject {
  const { kinds, sampleRate = 8000, clipSeconds = 0.63, settings } = architectureOf(name).features;
  const made = settings(kinds[0], sampleRate, clipSeconds);
  const input = inputDims(made.layout, inputShape(made)).slice(1).map(Number);
  const network = architecture(name, CLASSES);
  const next = random(1);
  const data = Float32Array.from({ length: batch * sizeOf(input) }, () => next());
  const labels = Array.from({ length: batch }, (_, i) => i % CLASSES);
  const weights = initialWeights(parametersOf(network, input), 1);
  return { name, network, input, weights, batch: { data, target: targets(labels, CLASSES), count: batch } };
}

/** The same layers without dropout, whose masks are not PyTorch's. */
function undropped(subject: Subject): Subject {
  const without = (layers: readonly Layer[]): Layer[] =>
    layers
      .filter(({ kind }) => kind !== 'dropout')
      .map((layer) => (layer.kind === 'residual' ? { ...layer, layers: without(layer.layers) } : layer));
  return { ...subject, network: { ...subject.network, layers: without(subject.network.layers) } };
}

function ours(): Trainer {
  let loop: TrainingLoop | undefined;
  let own: Batch;
  let inside = 0;
  return {
    name: 'earmark',
    open: async ({ name, network, input, weights, batch }) => {
      await loop?.session.release();
      const { optimizer, clipNorm } = RECIPES[name].fit;
      const step = compileStep(network, input, { optimizer, clipNorm: clipNorm ?? undefined });
      const session = await nodeRuntime.open(step.graph, { threads });
      const clocked: Session = {
        ...session,
        run: async (...given) => {
          const start = performance.now();
          const got = await session.run(...given);
          inside = performance.now() - start;
          return got;
        },
      };
      loop = new TrainingLoop(step, clocked, { state: weights, seed: 1 });
      own = batch;
    },
    step: async () => {
      if (!loop) throw new Error('nothing is open');
      const cpu = process.cpuUsage();
      const start = performance.now();
      const { loss } = await loop.step(own, RATE);
      const ms = performance.now() - start;
      const { user, system } = process.cpuUsage(cpu);
      return { ms, cpu: (user + system) / 1000, outside: ms - inside, loss };
    },
    close: async () => loop?.session.release(),
  };
}

/** PyTorch in a process of its own. */
async function peer(python: string, folder: string): Promise<Trainer | undefined> {
  const script = fileURLToPath(new URL('training.py', import.meta.url));
  const child: ChildProcess = spawn(python, [script, `${threads}`], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.on('error', () => {});
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    const told = done ? { error: 'the process has ended' } : JSON.parse(value);
    if (told.error) throw new Error(`${python}: ${told.error}`);
    return told;
  };
  const ask = (question: object) => {
    child.stdin?.write(`${JSON.stringify(question)}\n`);
    return answer();
  };
  const version = await answer().catch(() => undefined);
  if (!version) {
    console.log(`no PyTorch in ${python}`);
    return undefined;
  }
  return {
    name: `torch ${version.torch}`,
    open: async ({ name, network, input, weights, batch }) => {
      await rm(folder, { recursive: true, force: true });
      await makeFolder(join(folder, 'weights'));
      const save = (path: string, shape: readonly number[], data: Float32Array) =>
        writeFile(join(folder, `${path}.npy`), encodeNpy({ shape: [...shape], dtype: 'float32', data }));
      for (const { name, dims } of parametersOf(network, input)) {
        await save(join('weights', name), dims, weights[name] as Float32Array);
      }
      await save('input', [batch.count, ...input], batch.data);
      await save('target', [batch.count, CLASSES], batch.target);
      const { optimizer, clipNorm } = RECIPES[name].fit;
      await writeFile(
        join(folder, 'network.json'),
        JSON.stringify({ layers: network.layers, optimizer, clipNorm }),
      );
      await ask({ open: folder });
    },
    step: () => ask({ run: true }),
    close: async () => {
      child.stdin?.end();
    },
  };
}

/** Largest relative difference of the losses of three steps. */
async function difference(trainers: readonly Trainer[], subject: Subject): Promise<number> {
  const losses: number[][] = [];
  for (const trainer of trainers) {
    await trainer.open(undropped(subject));
    const own: number[] = [];
    for (let i = 0; i < 3; i++) own.push((await trainer.step()).loss);
    losses.push(own);
  }
  const [first, ...others] = losses;
  return Math.max(0, ...others.flatMap((other) => other.map((l, i) => Math.abs(l / (first?.[i] ?? 0) - 1))));
}

async function measure(trainers: readonly Trainer[], name: ArchitectureName): Promise<void> {
  const subject = subjectOf(name);
  const off = await difference(trainers, subject);
  const took = trainers.map(() => [] as Took[]);
  for (const trainer of trainers) await trainer.open(subject);
  for (let round = 0; round < rounds; round++) {
    for (const [i, trainer] of trainers.entries()) {
      await setTimeout(SPINNING);
      await trainer.step();
      took[i]?.push(await trainer.step());
    }
  }
  const agreed = trainers.length > 1 ? `, losses agree to ${off.toExponential(0)}` : '';
  console.log(`\n${name}, ${subject.input.join(' × ')}, batch ${batch}, ${threads} threads${agreed}`);
  const of = (i: number, pick: (t: Took) => number) => (took[i] ?? []).map(pick);
  trainers.forEach((trainer, i) => {
    const ratio = (pick: (t: Took) => number) =>
      median(of(0, pick).map((own, round) => own / (of(i, pick)[round] ?? 0))).toFixed(2);
    const columns = [
      `${median(of(i, (t) => t.ms))
        .toFixed(1)
        .padStart(9)} ms`,
      `least ${Math.min(...of(i, (t) => t.ms))
        .toFixed(1)
        .padStart(7)}`,
      `cpu ${median(of(i, (t) => t.cpu))
        .toFixed(1)
        .padStart(7)}`,
      i === 0
        ? `outside ONNX Runtime ${(100 * median(of(0, (t) => (t.outside ?? 0) / t.ms))).toFixed(1)} %`
        : `earmark / it ${ratio((t) => t.ms)} (cpu ${ratio((t) => t.cpu)})`,
    ];
    console.log(`${trainer.name.padEnd(20)}${columns.join('   ')}`);
  });
}

if (options.help) {
  console.log(HELP);
} else {
  const scratch = await mkdtemp(join(tmpdir(), 'earmark-bench-'));
  console.log(`${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}, node ${process.version}`);
  const peers = options.peers
    ? await Promise.all(options.python.map((python, i) => peer(python, join(scratch, `${i}`))))
    : [];
  const trainers = [ours(), ...peers.filter((p) => p !== undefined)];
  const names = positionals.length ? (positionals as ArchitectureName[]) : architectures;
  for (const name of names) await measure(trainers, name);
  for (const trainer of trainers) await trainer.close();
  await rm(scratch, { recursive: true });
}
