// Runs graphs with onnxruntime-web's WebAssembly: in browsers and their workers, and wherever JavaScript runs.
import * as ort from 'onnxruntime-web/wasm';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph/types.ts';
import { openSession } from './onnxruntime.ts';
import type { Runtime, RuntimeTensor, Session, SessionOptions, Tensors } from './runtime.ts';

/**
 * ONNX Runtime in WebAssembly. It runs in the thread that calls it: in a page, call it from a worker. Memory comes back
 * with `release` only, never by garbage collection.
 *
 * WebAssembly gets its threads once, when the first graph is opened: as many as `threads` says there where the page is
 * cross-origin isolated, else one.
 */
export const webRuntime: Runtime = {
  async open(graph: Graph, { threads = 0 }: SessionOptions = {}): Promise<Session> {
    // 0 leaves the number to the runtime: half of the cores, at most 4.
    ort.env.wasm.numThreads ??= globalThis.crossOriginIsolated ? threads : 1;
    const session = await openSession(ort, graph, { executionProviders: ['wasm'] });
    return {
      async run(feeds: Tensors, fetches?: Tensors, also: readonly string[] = []) {
        if (!fetches) return session.run(feeds);
        // This build leaves tensors for outputs as they are: results are copied into them.
        const got = await session.run(feeds, {}, [...Object.keys(fetches), ...also]);
        for (const [name, tensor] of Object.entries(fetches)) got[name] = written(name, got[name], tensor);
        return got;
      },
      release: () => session.release(),
    };
  },
};

/**
 * Says where `ort-wasm-simd-threaded.wasm` is served from, for bundlers that do not take it along by themselves; before
 * the first graph is opened.
 * @param url as the page would fetch it
 */
export function wasmAt(url: string | URL): void {
  ort.env.wasm.wasmPaths = { wasm: url };
}

function written(name: string, result: RuntimeTensor, into: RuntimeTensor): RuntimeTensor {
  const fits = result.dtype === into.dtype && String(result.dims) === String(into.dims);
  if (!fits) {
    throw new GraphError({
      what: `tensor for output "${name}"`,
      expected: `${result.dtype} [${result.dims}]`,
      got: `${into.dtype} [${into.dims}]`,
    });
  }
  into.data.set(result.data as never);
  return into;
}
