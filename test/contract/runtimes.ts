// Every implementation of the runtime, by name: what the contract suites run over.
import { nodeRuntime, openRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { webRuntime } from '../../src/runtime/web.ts';
import { interpreter } from './interpreter.ts';

/** Why there is no GPU to test on. */
export let noWebgpu: string | undefined;

/** A GPU where there is one; a Vulkan driver in software, named by VK_ICD_FILENAMES, will do. */
const webgpu = await openRuntime('webgpu', (line) => {
  noWebgpu = line;
});

export const WEBGPU = 'ONNX Runtime through WebGPU';

type Named = readonly [name: string, runtime: Runtime];

/** ONNX Runtime in all forms that are here. */
export const ONNX_RUNTIMES: readonly Named[] = [
  ['ONNX Runtime in Node', nodeRuntime],
  ['ONNX Runtime in WebAssembly', webRuntime],
  ...(noWebgpu === undefined ? [[WEBGPU, webgpu] as const] : []),
];

export const RUNTIMES: readonly Named[] = [...ONNX_RUNTIMES, ['the float64 interpreter', interpreter]];
