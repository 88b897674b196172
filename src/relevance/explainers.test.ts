// One session for a model and a method: the same explainer comes back, the oldest goes, failures are tried again.
import { afterEach, expect, it } from 'vitest';
import { GraphBuilder } from '../graph/builder.ts';
import { type Graph, tensor } from '../graph/types.ts';
import { nodeRuntime } from '../runtime/node.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { Explainers } from './explainers.ts';
import { parseMethod } from './method.ts';

function model(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', ['N', 3]);
  g.output(g.emit('Gemm', [x, tensor([1, 2, 3, -1, -2, -3], [3, 2])], {}, 'logits'));
  return g.build('model');
}

let opened = 0;
let released = 0;
/** The runtime itself, with its sessions counted. */
const counting: Runtime = {
  device: 'cpu',
  async open(graph, options) {
    opened++;
    const session = await nodeRuntime.open(graph, options);
    return {
      run: (...given) => session.run(...given),
      release: () => {
        released++;
        return session.release();
      },
    };
  },
};
const epsilon = { method: parseMethod('epsilon') };

afterEach(() => {
  opened = 0;
  released = 0;
});

it('opens one session for a model and its options', async () => {
  const explainers = new Explainers(counting);
  const graph = model();
  const [a, b] = await Promise.all([explainers.get(graph, epsilon), explainers.get(graph, epsilon)]);
  expect(a).toBe(b);
  expect(await explainers.get(graph, { method: parseMethod('epsilon') })).toBe(a);
  expect(await explainers.get(graph, { method: parseMethod('zplus') })).not.toBe(a);
  expect(await explainers.get(model(), epsilon)).not.toBe(a);
  expect(opened).toBe(3);
  await explainers.release();
  expect(released).toBe(3);
});

it('closes the one that was not asked for longest', async () => {
  const explainers = new Explainers(counting, 2);
  const graph = model();
  const first = await explainers.get(graph, epsilon);
  await explainers.get(graph, { method: parseMethod('zplus') });
  await explainers.get(graph, epsilon);
  await explainers.get(graph, { method: parseMethod('flat') });
  expect(released).toBe(1);
  expect(await explainers.get(graph, epsilon)).toBe(first);
  expect(opened).toBe(3);
  await explainers.release();
});

it('tries again what could not be opened', async () => {
  const explainers = new Explainers(nodeRuntime);
  const graph = model();
  const wrong = { ...epsilon, batch: 0 };
  await expect(explainers.get(graph, wrong)).rejects.toThrow(/batch/);
  await expect(explainers.get(graph, wrong)).rejects.toThrow(/batch/);
  await explainers.release();
});
