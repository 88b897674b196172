// A network with its weights becomes the graph of a classifier; fresh weights come from a seed.
import { random } from '../corpus/random.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, type Shape, sizeOf, tensor } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { forward } from './forward.ts';
import type { Network, Parameter } from './layers.ts';

/** Weights and statistics by name, row-major. */
export type Weights = Readonly<Record<string, Float32Array>>;

/** Every parameter of a network in the order of its layers. @param input shape without the batch: [1, bins, frames] */
export function parametersOf(network: Network, input: readonly number[]): Parameter[] {
  return drawn(network, input).parameters;
}

/** Shape of what comes out, without the batch; of a classifier [classes]. */
export function outputOf(network: Network, input: readonly number[]): Shape {
  return drawn(network, input).output;
}

function drawn(network: Network, input: readonly number[]): { parameters: Parameter[]; output: Shape } {
  const parameters: Parameter[] = [];
  const g = new GraphBuilder();
  const x = g.input('input', 'float32', ['N', ...input]);
  const last = forward(g, network, x, {
    parameter: (p) => {
      parameters.push(p);
      return g.input(p.name, 'float32', p.dims);
    },
  });
  return { parameters, output: g.shape(last).slice(1) };
}

/**
 * Fresh weights: N(0, 2/fan-in) before a ReLU, biases 0, batch norms the identity.
 * @see He et al., Delving Deep into Rectifiers, 2015
 */
export function initialWeights(parameters: readonly Parameter[], seed: number): Weights {
  const next = random(seed);
  // Box and Muller
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Object.fromEntries(
    parameters.map(({ name, dims, start }) => {
      const draw = typeof start === 'number' ? () => start : () => normal() * Math.sqrt(2 / start.fanIn);
      return [name, Float32Array.from({ length: sizeOf(dims) }, draw)];
    }),
  );
}

/** The classifier as an inference graph: `input` [N, …input] → `logits` [N, classes]. */
export function classifier(network: Network, input: readonly number[], weights: Weights): Graph {
  const g = new GraphBuilder(['logits']);
  const x = g.input('input', 'float32', ['N', ...input]);
  const last = forward(g, network, x, {
    parameter: (p) => g.constant(tensor(weights[p.name], p.dims), p.name),
  });
  g.node({ op: 'Identity', name: 'logits', inputs: [last], outputs: ['logits'], attributes: {} });
  g.output('logits');
  return verify(g.build(network.name));
}
