// npm run bench:training: what a training step costs, as a multiple of the forward pass in the same run.
import { sizeOf } from '../src/graph/types.ts';
import { classifier, initialWeights, parametersOf } from '../src/model/network.ts';
import { nodeRuntime } from '../src/runtime/node.ts';
import { float32, int64 } from '../src/runtime/runtime.ts';
import { compileStep } from '../src/training/step.ts';
import { noise, SEQUENTIAL } from './networks.ts';
import { timeInTurn } from './timing.ts';

const BATCH = 32;

for (const [network, input] of SEQUENTIAL) {
  const weights = initialWeights(parametersOf(network, input), 1);
  const plain = await nodeRuntime.open(classifier(network, input, weights));
  const step = compileStep(network, input);
  const session = await nodeRuntime.open(step.graph);
  const x = noise([BATCH, ...input]);
  const zeros = (dims: readonly number[]) => new Float32Array(sizeOf(dims));
  const scalar = (value: number) => float32(Float32Array.of(value), []);
  const feeds = {
    input: x,
    label: int64(Array.from({ length: BATCH }, (_, i) => i % 10)),
    learning_rate: scalar(1e-3),
    correction1: scalar(0.1),
    correction2: scalar(0.001),
    ...Object.fromEntries(
      step.state.map(({ name, dims }) => [name, float32(weights[name] ?? zeros(dims), dims)]),
    ),
    ...Object.fromEntries(
      step.masks.map(({ name, shape }) => {
        const dims = shape.map((d) => (typeof d === 'string' ? BATCH : d));
        return [name, float32(zeros(dims).fill(1), dims)];
      }),
    ),
  };
  const next = Object.fromEntries(
    step.state.map(({ name, dims }) => [`next.${name}`, float32(zeros(dims), dims)]),
  );
  const actions = [
    { name: 'forward', run: () => plain.run({ input: x }) },
    { name: 'training step', run: () => session.run(feeds, next, ['loss']) },
  ];
  console.log(`\n${network.name}, ${input.join(' × ')}, batch ${BATCH}`);
  for (const { name, median, least, ratio } of await timeInTurn(actions, { seconds: 30, rounds: [5, 11] })) {
    const [time, best, times] = [median.toFixed(1), least.toFixed(1), ratio.toFixed(2)];
    console.log(`${name.padEnd(24)}${time.padStart(9)} ms  (least ${best})${times.padStart(8)} × forward`);
  }
}
