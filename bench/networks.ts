// The networks and clocks that the benchmarks share.
import { sizeOf } from '../src/graph/types.ts';
import { architecture } from '../src/model/architectures.ts';
import type { Layer, Network } from '../src/model/layers.ts';
import { float32, type RuntimeTensor } from '../src/runtime/runtime.ts';

export const BATCH = 32;

const block = (channels: number): Layer[] => [
  { kind: 'conv', channels, kernel: [3, 3] },
  { kind: 'batchnorm' },
  { kind: 'relu' },
  { kind: 'maxpool', size: [2, 2] },
];

/** The research notebook's CNN: MFCC 40 × 130, channels 64-128-256-512, dense 256. */
const notebook: Network = {
  name: 'notebook',
  layers: [
    ...[64, 128, 256, 512].flatMap(block),
    { kind: 'flatten' },
    { kind: 'dense', units: 256 },
    { kind: 'relu' },
    { kind: 'dense', units: 10 },
  ],
};

/** Network and shape of one input. */
export const NETWORKS: readonly (readonly [Network, readonly number[]])[] = [
  [architecture('mel-cnn', 10), [1, 48, 64]],
  [notebook, [1, 40, 130]],
];

/** Numbers in [0, 1) without meaning. */
export function noise(dims: readonly number[]): RuntimeTensor {
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => (i * 0.6180339887498949) % 1),
    dims,
  );
}

export interface Timing {
  readonly name: string;
  /** Milliseconds, median. */
  readonly median: number;
  readonly least: number;
}

/**
 * Times several actions in turn, so that they share what else the machine does: medians over `rounds`. Each timed run
 * comes after an untimed one, by when the threads of the session before have stopped spinning.
 */
export async function timeInTurn(
  actions: readonly { name: string; run: () => Promise<unknown> }[],
  rounds: number,
): Promise<Timing[]> {
  const times = actions.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of actions.entries()) {
      await run();
      const start = performance.now();
      await run();
      times[i].push(performance.now() - start);
    }
  }
  return actions.map(({ name }, i) => {
    const sorted = times[i].toSorted((a, b) => a - b);
    return { name, median: sorted[sorted.length >> 1], least: sorted[0] };
  });
}

/** Prints times as multiples of the first. */
export function printTable(title: string, timings: readonly Timing[]): void {
  console.log(`\n${title}\n${'-'.repeat(title.length)}`);
  for (const { name, median, least } of timings) {
    const ratio = median / timings[0].median;
    console.log(
      `${name.padEnd(28)}${median.toFixed(1).padStart(9)} ms  (least ${least.toFixed(1)})${ratio.toFixed(2).padStart(8)} ×`,
    );
  }
}
