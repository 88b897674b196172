// The .onnx file format: bytes to graph and back.
export { type DecodeOptions, decodeOnnx } from './onnx/decode.ts';
export { encodeOnnx, modelOf } from './onnx/encode.ts';
export type { External } from './onnx/tensors.ts';
