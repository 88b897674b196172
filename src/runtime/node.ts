// Runs graphs with onnxruntime-node.
import * as ort from 'onnxruntime-node';
import type { Graph } from '../graph/types.ts';
import { openSession } from './onnxruntime.ts';
import type { Runtime, SessionOptions } from './runtime.ts';

export const nodeRuntime: Runtime = {
  open: (graph: Graph, { threads }: SessionOptions = {}) =>
    openSession(ort, graph, threads ? { intraOpNumThreads: threads } : {}),
};
