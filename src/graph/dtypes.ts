// ONNX's numbers for element types.
import type { DType } from './types.ts';

/** ONNX's numbers for element types, as used by Cast. */
export const ONNX_DTYPES: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'uint8',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  11: 'float64',
};

export function onnxDType(dtype: DType): number {
  return Number(Object.keys(ONNX_DTYPES).find((code) => ONNX_DTYPES[Number(code)] === dtype));
}
