// Reads and writes NumPy's .npy format, versions 1 to 3.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { FileError } from '../errors.ts';

/** The element types that are read and written; float16 is read, and widened to float32. */
export interface NpyTypes {
  float32: Float32Array;
  float64: Float64Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
}
export type NpyDtype = keyof NpyTypes;

/** An n-dimensional array in C order (the last axis varies fastest); a shape of `[]` is a scalar. */
export type NpyArray = {
  [D in NpyDtype]: { shape: number[]; dtype: D; data: NpyTypes[D] };
}[NpyDtype];

/** NumPy's type code without its byte order (`f4` in `<f4`), and the array that holds such numbers. */
const types = {
  float32: { code: 'f4', array: Float32Array },
  float64: { code: 'f8', array: Float64Array },
  int8: { code: 'i1', array: Int8Array },
  int16: { code: 'i2', array: Int16Array },
  int32: { code: 'i4', array: Int32Array },
  int64: { code: 'i8', array: BigInt64Array },
  uint8: { code: 'u1', array: Uint8Array },
  uint16: { code: 'u2', array: Uint16Array },
  uint32: { code: 'u4', array: Uint32Array },
  uint64: { code: 'u8', array: BigUint64Array },
  bool: { code: 'b1', array: Uint8Array },
} satisfies Record<NpyDtype, { code: string; array: unknown }>;
const dtypes = new Map(Object.entries(types).map(([dtype, { code }]) => [code, dtype as NpyDtype]));

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY

/**
 * Reads a .npy file; Fortran order and big-endian numbers are turned into C order and the machine's own.
 *
 * @param name how errors call the file
 * @throws FileError where the bytes are not a whole .npy file of a numeric or boolean type
 */
export function decodeNpy(bytes: Uint8Array, name = 'array'): NpyArray {
  const { descr, fortran, shape, start } = readHeader(bytes, name);
  const [order, code] = [descr[0], descr.slice(1)];
  const dtype = code === 'f2' ? 'float32' : dtypes.get(code);
  if (!dtype) {
    const expected = `one of float16, ${[...dtypes.values()].join(', ')}`;
    throw new FileError({ what: `${name}: unsupported element type`, expected, got: `'${descr}'` });
  }
  const size = Number(code.slice(1));
  const count = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - start !== count * size) {
    throw new FileError({
      what: `${name}: the .npy file is ${bytes.length - start < count * size ? 'truncated' : 'longer than its shape'}`,
      expected: `${count * size} bytes of data for shape (${shape.join(', ')})`,
      got: `${bytes.length - start}`,
    });
  }
  const raw = new Uint8Array(bytes.subarray(start));
  if (order === '>') swapBytes(raw, size);
  const data = code === 'f2' ? widen(new Uint16Array(raw.buffer)) : new types[dtype].array(raw.buffer);
  return { shape, dtype, data: fortran ? toCOrder(data, shape) : data } as NpyArray;
}

/** Writes a .npy file: version 1, C order, little-endian, data aligned to 64 bytes as NumPy does. */
export function encodeNpy(array: NpyArray): Uint8Array {
  const { shape, dtype, data } = array;
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== data.length) {
    throw new FileError({ what: 'array to write', expected: `${count} elements`, got: `${data.length}` });
  }
  const byteOrder = data.BYTES_PER_ELEMENT === 1 ? '|' : '<';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${byteOrder}${types[dtype].code}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const total = Math.ceil((10 + dict.length + 1) / 64) * 64;
  const header = `${dict.padEnd(total - 11)}\n`;
  const bytes = new Uint8Array(total + data.byteLength);
  bytes.set([...magic, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), total);
  return bytes;
}

interface Header {
  /** Byte order and type code, e.g. `<f4`. */
  descr: string;
  fortran: boolean;
  shape: number[];
  /** Offset of the data in bytes. */
  start: number;
}

function readHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    const got = bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes that do not start so`;
    throw new FileError({
      what: `${name}: not a .npy file`,
      expected: 'a file that starts with \\x93NUMPY',
      got,
    });
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new FileError({ what: `${name}: unknown .npy version`, expected: '1, 2 or 3', got: `${version}` });
  }
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = version > 1;
  if (long && bytes.length < 12) throw truncatedHeader(name);
  const start = (long ? 12 : 10) + (long ? head.getUint32(8, true) : head.getUint16(8, true));
  if (start > bytes.length) throw truncatedHeader(name);
  const dict = new TextDecoder().decode(bytes.subarray(long ? 12 : 10, start)).trim();
  const descr = /'descr'\s*:\s*('[^']*'|\[.*\])/.exec(dict)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(dict)?.[1];
  const tuple = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(dict)?.[1];
  if (!descr || !order || tuple === undefined) {
    throw new FileError({
      what: `${name}: the .npy header cannot be read`,
      expected: "a dictionary with 'descr', 'fortran_order' and 'shape'",
      got: dict.slice(0, 80),
    });
  }
  const shape = tuple.split(',').flatMap((n) => (n.trim() ? [Number(n)] : []));
  return { descr: descr.replaceAll("'", ''), fortran: order === 'True', shape, start };
}

function truncatedHeader(name: string): FileError {
  return new FileError(`${name}: the .npy file is truncated within its header`);
}

function swapBytes(bytes: Uint8Array, size: number): void {
  for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
}

/** IEEE 754 binary16 to float32, exactly: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function widen(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (h) => {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

/** Reorders data whose first axis varies fastest. */
function toCOrder<T extends NpyTypes[NpyDtype]>(data: T, shape: number[]): T {
  const out = data.slice() as T;
  const index = shape.map(() => 0);
  for (let from = 0; from < data.length; from++) {
    out[index.reduce((at, i, axis) => at * shape[axis] + i, 0)] = data[from];
    for (let axis = 0; axis < shape.length && ++index[axis] === shape[axis]; axis++) index[axis] = 0;
  }
  return out;
}
