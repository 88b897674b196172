// Runs graphs with onnxruntime-node, on the CPU or a GPU.
import * as ort from 'onnxruntime-node';
import type { Graph } from '../graph/types.ts';
import { encodeBlocked, findBlock, hasVaryingFilters } from './blocked.ts';
import { openSession } from './onnxruntime.ts';
import { whyNoWebgpu } from './probe.ts';
import type { Device, Runtime, SessionOptions } from './runtime.ts';
import { noGpu, webgpuProvider } from './webgpu.ts';

/** What this processor's kernels take, found out when it first matters. */
let block: ReturnType<typeof findBlock> | undefined;

export const nodeRuntime: Runtime = {
  device: 'cpu',
  open: async (graph: Graph, { threads }: SessionOptions = {}) => {
    const options = threads ? { intraOpNumThreads: threads } : {};
    if (!hasVaryingFilters(graph)) return openSession(ort, graph, options);
    block ??= findBlock((probe, bytes) => openSession(ort, probe, { intraOpNumThreads: 1 }, bytes));
    const found = await block;
    return openSession(ort, graph, options, found && encodeBlocked(graph, found));
  },
};

const webgpuRuntime: Runtime = {
  device: 'webgpu',
  open: (graph: Graph, { threads }: SessionOptions = {}) =>
    openSession(ort, graph, {
      executionProviders: [webgpuProvider(graph)],
      ...(threads && { intraOpNumThreads: threads }),
    }),
};

/**
 * The runtime of a device. `webgpu` runs what has a kernel there on the GPU and all else on the CPU; where there is no
 * GPU that can be used, it is the CPU's runtime, as its `device` says.
 * @param note is told, in a line, why there is none
 */
export async function openRuntime(
  device: Device,
  note: (line: string) => void = console.warn,
): Promise<Runtime> {
  if (device === 'cpu') return nodeRuntime;
  const reason = await whyNoWebgpu();
  if (reason === undefined) return webgpuRuntime;
  note(noGpu(reason));
  return nodeRuntime;
}
