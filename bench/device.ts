// npm run bench:device [-- options]: forward pass, explanation and training step on the CPU and through WebGPU.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { inputShape } from '../src/features/input.ts';
import { inputDims } from '../src/features/layout.ts';
import { architecture, architectureOf } from '../src/model/architectures.ts';
import { forward } from '../src/model/forward.ts';
import { initialWeights, parametersOf } from '../src/model/network.ts';
import { compile } from '../src/relevance/compile.ts';
import { parseMethod } from '../src/relevance/method.ts';
import { openRuntime } from '../src/runtime/node.ts';
import { DEVICES, int64, type Runtime } from '../src/runtime/runtime.ts';
import { TrainingLoop } from '../src/training/loop.ts';
import { targets } from '../src/training/loss.ts';
import { RECIPES } from '../src/training/recipes.ts';
import { compileStep } from '../src/training/step.ts';
import { built, noise } from './networks.ts';
import { timeInTurn } from './timing.ts';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '10' },
  },
});
const batch = Number(options.batch);
const effort = { seconds: Number(options.seconds), rounds: [3, 50] } as const;
const CLASSES = 10;

/** The names that tools of the system give; ONNX Runtime in Node does not tell which adapter it took. */
function gpuNames(): string {
  const asked = [
    ['nvidia-smi', ['--query-gpu=name,driver_version', '--format=csv,noheader']],
    ['vulkaninfo', ['--summary']],
  ] as const;
  for (const [tool, given] of asked) {
    try {
      const said = execFileSync(tool, given, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const named = [...said.matchAll(/deviceName\s*=\s*(.+)/g)].map(([, name]) => name);
      return (named.length > 0 ? named : said.trim().split('\n')).join('; ');
    } catch {}
  }
  return 'not told by nvidia-smi or vulkaninfo';
}

/** What is timed of an architecture on a device: each runs once. */
async function actions(name: 'mel-cnn' | 'mfcc-cnn', runtime: Runtime) {
  const { kinds, sampleRate = 8000, clipSeconds = 0.63, settings } = architectureOf(name).features;
  const made = settings(kinds[0], sampleRate, clipSeconds);
  const input = inputDims(made.layout, inputShape(made)).slice(1).map(Number);
  const network = architecture(name, CLASSES);
  const model = built({
    name,
    input,
    emit: (g, x, parameter) => forward(g, network, x, { parameter }),
  }).graph;
  const clips = noise([batch, ...input]);
  const explanation = compile(model, { method: parseMethod('epsilon') });
  const classify = await runtime.open(model);
  const explain = await runtime.open(explanation.graph);
  const { optimizer, clipNorm } = RECIPES[name].fit;
  const step = compileStep(network, input, { optimizer, clipNorm: clipNorm ?? undefined });
  const state = initialWeights(parametersOf(network, input), 1);
  const loop = new TrainingLoop(step, await runtime.open(step.graph), { state, seed: 1 });
  const labels = Array.from({ length: batch }, (_, i) => i % CLASSES);
  const data = clips.data as Float32Array;
  return [
    { name: 'forward', run: () => classify.run({ input: clips }) },
    {
      name: 'epsilon',
      run: () =>
        explain.run({
          [explanation.input.name]: clips,
          [explanation.target]: int64(new Array(batch).fill(-1)),
        }),
    },
    {
      name: 'training step',
      run: () => loop.step({ data, target: targets(labels, CLASSES), count: batch }, 1e-4),
    },
  ];
}

const runtimes: (readonly [string, Runtime])[] = [];
let missing = '';
for (const device of DEVICES) {
  const runtime = await openRuntime(device, (line) => {
    missing = line;
  });
  if (!missing) runtimes.push([device, runtime]);
}
console.log(`${cpus()[0]?.model} × ${cpus().length}; GPU: ${missing || gpuNames()}; node ${process.version}`);
console.log(`batch ${batch}; median ms; WebGPU's with all that goes to the GPU and back`);
for (const name of ['mel-cnn', 'mfcc-cnn'] as const) {
  const on = await Promise.all(runtimes.map(([, runtime]) => actions(name, runtime)));
  for (const [i, { name: what }] of (on[0] ?? []).entries()) {
    const same = on.map((list, d) => ({ ...list[i], name: runtimes[d]?.[0] ?? '' })) as {
      name: string;
      run: () => Promise<unknown>;
    }[];
    const times = await timeInTurn(same, effort);
    const cells = times.map((t) => `${t.name} ${t.median.toFixed(1).padStart(8)}`);
    const ratio = times[1] ? `   webgpu / cpu ${times[1].ratio.toFixed(2)}` : '';
    console.log(`${name.padEnd(10)}${what.padEnd(15)}${cells.join('   ')}${ratio}`);
  }
}
process.exit();
