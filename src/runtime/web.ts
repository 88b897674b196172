// Runs graphs with onnxruntime-web's WebAssembly, or on a GPU: in browsers and their workers, and wherever JavaScript runs.
import * as wasm from 'onnxruntime-web/wasm';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph/types.ts';
import { type OnnxRuntime, openSession } from './onnxruntime.ts';
import {
  type Device,
  float32,
  type Runtime,
  type RuntimeTensor,
  type Session,
  type SessionOptions,
  type Tensors,
} from './runtime.ts';
import { doubling, noGpu, webgpuProvider } from './webgpu.ts';

type WebBuild = OnnxRuntime & Pick<typeof wasm, 'env'>;
type Providers = wasm.InferenceSession.SessionOptions['executionProviders'];

/** Half of the cores, at most 4. */
const AUTOMATIC = 0;

/** Where {@link wasmAt} says that the runtime's own files are. */
let folder: string | undefined;

/**
 * ONNX Runtime in WebAssembly. It runs in the thread that calls it: in a page, call it from a worker. Memory comes back
 * with `release` only, never by garbage collection.
 *
 * It has one thread, or more where the page is cross-origin isolated and says {@link wasmAt}: as many as `threads` when
 * the first graph is opened, which is when WebAssembly gets its threads, or by its own choice.
 */
export const webRuntime: Runtime = {
  device: 'cpu',
  open: (graph: Graph, options?: SessionOptions) => openIn(wasm, graph, ['wasm'], options),
};

/**
 * The runtime of a device. `webgpu` runs what has a kernel there on the GPU and all else in WebAssembly, by a build of
 * ONNX Runtime of its own that is loaded when first asked for; where there is no GPU that can be used, it is
 * {@link webRuntime}, as its `device` says.
 * @param note is told, in a line, why there is none
 */
export async function openRuntime(
  device: Device,
  note: (line: string) => void = console.warn,
): Promise<Runtime> {
  if (device === 'cpu') return webRuntime;
  try {
    return await openWebgpu();
  } catch (error) {
    note(noGpu(error instanceof Error ? error.message : String(error)));
    return webRuntime;
  }
}

/**
 * Says from which folder `ort-wasm-simd-threaded.mjs` and `ort-wasm-simd-threaded.wasm` of onnxruntime-web are served (for
 * a GPU: those of `ort-wasm-simd-threaded.asyncify`), for threads, and for bundlers that do not take the `.wasm` file along
 * by themselves; before the first graph is opened.
 * @param at of the page's own server, with a slash at its end
 */
export function wasmAt(at: string | URL): void {
  folder = new URL(at, globalThis.location?.href).href;
}

/** @throws Error that says why there is no GPU to compute on */
async function openWebgpu(): Promise<Runtime> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: { requestAdapter(): Promise<unknown> } };
  if (!gpu) throw new Error('there is no WebGPU here');
  if (!(await gpu.requestAdapter())) throw new Error('No supported adapters');
  const build: WebBuild = await import('onnxruntime-web/webgpu');
  const runtime: Runtime = {
    device: 'webgpu',
    open: (graph, options) => openIn(build, graph, [webgpuProvider(graph)], options),
  };
  const probe = await runtime.open(doubling());
  const { y } = await probe.run({ x: float32(Float32Array.of(21), [1]) });
  await probe.release();
  if (y.data[0] !== 42) throw new Error(`21 + 21 = ${y.data[0]}`);
  return runtime;
}

async function openIn(
  build: WebBuild,
  graph: Graph,
  executionProviders: Providers,
  { threads = AUTOMATIC }: SessionOptions = {},
): Promise<Session> {
  const { wasm: settings } = build.env;
  if (folder !== undefined) settings.wasmPaths = folder;
  // A thread loads the script that the runtime came in; a bundle is not that script, and would never answer.
  settings.numThreads ??= settings.wasmPaths && globalThis.crossOriginIsolated ? threads : 1;
  const session = await openSession(build, graph, { executionProviders });
  return {
    async run(feeds: Tensors, fetches?: Tensors, also: readonly string[] = []) {
      if (!fetches) return session.run(feeds);
      // These builds leave tensors for outputs as they are: results are copied into them.
      const got = await session.run(feeds, {}, [...Object.keys(fetches), ...also]);
      for (const [name, tensor] of Object.entries(fetches)) got[name] = written(name, got[name], tensor);
      return got;
    },
    release: () => session.release(),
  };
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
