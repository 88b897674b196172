// The networks that the benchmarks share, with weights without meaning but of the usual size.
import { random } from '../src/corpus/random.ts';
import type { NpyArray } from '../src/files/npy.ts';
import { GraphBuilder } from '../src/graph/builder.ts';
import { type Graph, sizeOf, tensor } from '../src/graph/types.ts';
import { verify } from '../src/graph/verify.ts';
import { architecture } from '../src/model/architectures.ts';
import { forward } from '../src/model/forward.ts';
import type { Layer, Network, Parameter } from '../src/model/layers.ts';
import { float32, type RuntimeTensor } from '../src/runtime/runtime.ts';
import { resnet18 } from './resnet.ts';

const CLASSES = 10;

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
    { kind: 'dense', units: CLASSES },
  ],
};

const waveBlock = (channels: number): Layer[] => [
  { kind: 'conv', channels, kernel: [3] },
  { kind: 'relu' },
  { kind: 'maxpool', size: [2] },
];

/** Becker et al., AudioMNIST, 2018: one second at 8 kHz; no activation between the dense layers. */
const audionet: Network = {
  name: 'audionet',
  layers: [
    ...[100, 64, 128, 128, 128, 128].flatMap(waveBlock),
    { kind: 'flatten' },
    ...[1024, 512, CLASSES].map((units): Layer => ({ kind: 'dense', units })),
  ],
};

/** Networks that are lists of layers, and the shape of one input. */
export const SEQUENTIAL: readonly (readonly [Network, readonly number[]])[] = [
  [notebook, [1, 40, 130]],
  [architecture('mel-cnn', CLASSES), [1, 48, 64]],
  [audionet, [1, 8000]],
];

type Emit = (g: GraphBuilder, x: string, parameter: (p: Parameter) => string) => string;

/** A network to be measured. */
export interface Subject {
  readonly name: string;
  /** Shape of one input. */
  readonly input: readonly number[];
  /** Where it is a list of layers. */
  readonly layers?: readonly Layer[];
  /** Emits the forward pass and gives its last value. */
  readonly emit: Emit;
}

export const SUBJECTS: readonly Subject[] = [
  ...SEQUENTIAL.map(
    ([network, input]): Subject => ({
      name: network.name,
      input,
      layers: network.layers,
      emit: (g, x, parameter) => forward(g, network, x, { parameter }),
    }),
  ),
  // A log-mel patch of 64 bands × 96 frames.
  {
    name: 'resnet-18',
    input: [1, 64, 96],
    emit: (g, x, parameter) => resnet18(g, x, CLASSES, parameter),
  },
];

/** The classifier as a graph, and its parameters by PyTorch's names: He's distribution, scales and variances about 1. */
export function built({ name, input, emit }: Subject): { graph: Graph; weights: Record<string, NpyArray> } {
  const g = new GraphBuilder(['logits']);
  const next = random(1);
  const weights: Record<string, NpyArray> = {};
  const drawn = ({ dims, start }: Parameter) =>
    Float32Array.from({ length: sizeOf(dims) }, () =>
      typeof start === 'number'
        ? start + (next() - 0.5) / 2
        : (next() - 0.5) * 2 * Math.sqrt(6 / start.fanIn),
    );
  const x = g.input('input', 'float32', ['N', ...input]);
  const last = emit(g, x, (p) => {
    const data = drawn(p);
    weights[p.name] = { shape: [...p.dims], dtype: 'float32', data };
    return g.constant(tensor(data, p.dims), p.name);
  });
  g.node({ op: 'Identity', name: 'logits', inputs: [last], outputs: ['logits'], attributes: {} });
  g.output('logits');
  return { graph: verify(g.build(name)), weights };
}

/** Numbers in [0, 1) without meaning. */
export function noise(dims: readonly number[]): RuntimeTensor {
  const next = random(2);
  return float32(Float32Array.from({ length: sizeOf(dims) }, next), dims);
}
