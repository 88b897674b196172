// Reads and writes the safetensors format: named arrays of one file, which PyTorch, NumPy and others read, too.
import { FileError } from '../errors.ts';

/** An array of single precision, row-major. */
export interface StoredTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface Safetensors {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  /** Texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The length of a JSON header as 8 bytes, the header, then the values of all arrays, little-endian.
 * @see https://github.com/huggingface/safetensors (the format's description)
 */
export function encodeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dims, data }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape: dims, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded);
  bytes.set(json, 8);
  let at = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** @param name how errors call the file @throws FileError where the bytes are not a whole file of F32 arrays */
export function decodeSafetensors(bytes: Uint8Array, name = 'tensors'): Safetensors {
  const broken = (got: string) =>
    new FileError({
      what: `${name}: not a whole safetensors file`,
      expected: 'a header and its arrays',
      got,
    });
  if (bytes.length < 8) throw broken(`${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw broken(`a header of ${length} in ${bytes.length} bytes`);
  let header: Record<string, { dtype?: unknown; shape?: number[]; data_offsets?: number[] }>;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw broken('a header that is not JSON');
  }
  const { __metadata__: metadata = {}, ...arrays } = header as typeof header & {
    __metadata__?: Record<string, string>;
  };
  // A copy with a buffer of its own; a Buffer's `slice` would share one, at another offset.
  const body = new Uint8Array(bytes.subarray(8 + length));
  const tensors = Object.entries(arrays).map(([key, { dtype, shape, data_offsets: offsets }]) => {
    const size = (shape ?? []).reduce((n, d) => n * d, 1);
    const [begin = -1, end = -1] = offsets ?? [];
    if (dtype !== 'F32') throw broken(`an array ${key} of ${dtype}`);
    if (begin < 0 || begin % 4 !== 0 || end - begin !== 4 * size || end > body.length) {
      throw broken(`an array ${key} at ${begin} to ${end} of ${body.length} bytes`);
    }
    return [key, { dims: shape ?? [], data: new Float32Array(body.buffer, begin, size) }] as const;
  });
  return { tensors: Object.fromEntries(tensors), metadata: metadata as Record<string, string> };
}
