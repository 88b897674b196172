// Runs graphs with onnxruntime-web's WebAssembly: in browsers and their workers, and wherever JavaScript runs.
import * as ort from 'onnxruntime-web/wasm';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph/types.ts';
import { openSession } from './onnxruntime.ts';
import type { Runtime, RuntimeTensor, Session, SessionOptions, Tensors } from './runtime.ts';

/** Half of the cores, at most 4. */
const AUTOMATIC = 0;

/**
 * ONNX Runtime in WebAssembly. It runs in the thread that calls it: in a page, call it from a worker. Memory comes back
 * with `release` only, never by garbage collection.
 *
 * It has one thread, or more where the page is cross-origin isolated and says {@link wasmAt}: as many as `threads` when
 * the first graph is opened, which is when WebAssembly gets its threads, or by its own choice.
 */
export const webRuntime: Runtime = {
  device: 'cpu',
  async open(graph: Graph, { threads = AUTOMATIC }: SessionOptions = {}): Promise<Session> {
    const { wasm } = ort.env;
    // A thread loads the script that the runtime came in; a bundle is not that script, and would never answer.
    wasm.numThreads ??= wasm.wasmPaths && globalThis.crossOriginIsolated ? threads : 1;
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
 * Says from which folder `ort-wasm-simd-threaded.mjs` and `ort-wasm-simd-threaded.wasm` of onnxruntime-web are served,
 * for threads, and for bundlers that do not take the second along by themselves; before the first graph is opened.
 * @param folder of the page's own server, with a slash at its end
 */
export function wasmAt(folder: string | URL): void {
  ort.env.wasm.wasmPaths = new URL(folder, globalThis.location?.href).href;
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
