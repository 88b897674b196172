// The public API in browsers: what runs anywhere, and ONNX Runtime in WebAssembly and WebGPU.

export { decodeInBrowser } from './audio/browser-decoder.ts';
export { decodeWorkerAt } from './audio/worker.ts';
export * from './everywhere.ts';
export { openRuntime, wasmAt, webRuntime } from './runtime/web.ts';
