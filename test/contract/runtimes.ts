// Every implementation of the runtime, by name: what the contract suites run over.
import { nodeRuntime } from '../../src/runtime/node.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { webRuntime } from '../../src/runtime/web.ts';
import { interpreter } from './interpreter.ts';

export const RUNTIMES: readonly (readonly [name: string, runtime: Runtime])[] = [
  ['ONNX Runtime in Node', nodeRuntime],
  ['ONNX Runtime in WebAssembly', webRuntime],
  ['the float64 interpreter', interpreter],
];
