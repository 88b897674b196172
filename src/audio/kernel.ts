// Small functions in WebAssembly, over one memory: two numbers in float64 at a time. All transforms run on them.
// Format: WebAssembly core specification 2.0, chapter 5 (binary format; SIMD in 5.4.8).

/** Instructions that leave one value: an address or a count (i32), or two numbers (v128). */
export type Value = readonly number[];

const [I32, V128] = [0x7f, 0x7b];
const [LOOP, END, IF, VOID, BRANCH_IF, SET, TEE] = [0x03, 0x0b, 0x04, 0x40, 0x0d, 0x21, 0x22];

/** LEB128 of a whole number ≥ 0; signed ones end in a byte below 64. */
const leb = (n: number, end = 128): number[] =>
  n < end ? [n] : [(n & 127) | 128, ...leb(Math.floor(n / 128), end)];
const local = (index: number): Value => [0x20, ...leb(index)];
const simd = (code: number) => [0xfd, ...leb(code)];
const binary =
  (code: number[]) =>
  (a: Value, b: Value): Value => [...a, ...b, ...code];
/** Reads what lies at an address, `by` bytes further on. */
const read =
  (code: number[], align: number) =>
  (at: Value, by = 0): Value => [...at, ...code, align, ...leb(by)];

export const int = (n: number): Value => [0x41, ...leb(n, 64)];
export const plus = binary([0x6a]);
export const minus = binary([0x6b]);
export const times = binary([0x6c]);
/** The i32 at an address. */
export const loadInt = read([0x28], 2);

export const add = binary(simd(0xf0));
export const sub = binary(simd(0xf1));
export const mul = binary(simd(0xf2));
/** The two float64 at an address; one of them twice. */
export const load = read(simd(0x00), 4);
export const loadTwice = read(simd(0x0a), 3);
/** One float64 from each of two addresses. */
export const gather = (a: Value, b: Value): Value => [...b, ...loadTwice(a), ...simd(0x57), 3, 0, 1];
/** One float32 from each of two addresses. */
export const gatherSingle = (a: Value, b: Value): Value => [
  ...b,
  ...read(simd(0x5c), 2)(a),
  ...simd(0x56),
  ...[2, 0, 1],
  ...simd(0x5f),
];
/** Four int16 at an address as float32, the largest as 1: divided by 2¹⁵. */
export const loadSamples = (at: Value): Value => [
  ...read(simd(0x03), 3)(at),
  ...simd(0xfa),
  ...[0x43, ...new Uint8Array(Float32Array.of(2 ** -15).buffer), ...simd(0x13)],
  ...simd(0xe6),
];
/** The two float64 at an address as float32, and two zeros. */
export const loadAsSingles = (at: Value, by = 0): Value => [...load(at, by), ...simd(0x5e)];
/** A number, twice. */
export const constant = (value: number): Value => {
  const eight = new Uint8Array(Float64Array.of(value).buffer);
  return [...simd(0x0c), ...eight, ...eight];
};

/** A function of i32s that gives nothing back, as it is being written. */
export class Kernel {
  readonly parameters: number;
  readonly #locals: number[] = [];
  readonly #code: number[] = [];

  /** @param write takes the parameters */
  constructor(write: (kernel: Kernel, ...parameters: Value[]) => void) {
    this.parameters = write.length - 1;
    write(this, ...Array.from({ length: this.parameters }, (_, i) => local(i)));
  }

  /** Keeps a pair of numbers. */
  pair(value: Value): Value {
    return this.#keep(V128, value);
  }

  /** Keeps an address or a count. */
  int(value: Value): Value {
    return this.#keep(I32, value);
  }

  /** Changes what is kept. */
  set(kept: Value, value: Value): void {
    this.#code.push(...value, SET, ...kept.slice(1));
  }

  /** Writes a pair of numbers to an address, `by` bytes further on. */
  store(at: Value, value: Value, by = 0): void {
    this.#code.push(...at, ...value, ...simd(0x0b), 4, ...leb(by));
  }

  /** Writes one of a vector's four float32 to an address. */
  storeSingle(at: Value, value: Value, lane: 0 | 1 | 2 | 3): void {
    this.#code.push(...at, ...value, ...simd(0x5a), 2, 0, lane);
  }

  /** Does something as often as a count says. */
  repeat(count: Value, body: () => void): void {
    const left = this.int(count);
    this.#code.push(...left, IF, VOID, LOOP, VOID);
    body();
    this.#code.push(...minus(left, int(1)), TEE, ...left.slice(1), BRANCH_IF, 0, END, END);
  }

  #keep(type: number, value: Value): Value {
    const kept = local(this.parameters + this.#locals.length);
    this.#locals.push(type);
    this.set(kept, value);
    return kept;
  }

  /** The function's body as WebAssembly has it. */
  get body(): number[] {
    return sized([
      ...leb(this.#locals.length),
      ...this.#locals.flatMap((type) => [1, type]),
      ...this.#code,
      END,
    ]);
  }
}

const sized = (content: readonly number[]) => [...leb(content.length), ...content];
const list = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
const section = (id: number, items: readonly (readonly number[])[]) => [id, ...sized(list(items))];
const text = (s: string) => sized([...new TextEncoder().encode(s)]);

const PAGE = 2 ** 16;
const memory = new WebAssembly.Memory({ initial: 16 });
let used = 0;

/** The memory's float64s. It is another array after {@link allocate}. */
export let heap: Float64Array = new Float64Array(memory.buffer);

/** Takes memory for so many float64s, for good. @returns the index of the first in {@link heap}, a multiple of 8 */
export function allocate(count: number): number {
  const first = used;
  used += 8 * Math.ceil(count / 8);
  const missing = 8 * used - memory.buffer.byteLength;
  if (missing > 0) {
    memory.grow(Math.ceil(missing / PAGE));
    heap = new Float64Array(memory.buffer);
  }
  return first;
}

let room = { first: 0, size: 0 };

/** Memory for a while, until the next call. @returns for each count of float64s the index of the first */
export function scratch(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + 8 * Math.ceil(count / 8), 0);
  if (total > room.size) {
    const size = 2 ** Math.ceil(Math.log2(total));
    room = { first: allocate(size), size };
  }
  let next = room.first;
  return counts.map((count) => {
    const first = next;
    next += 8 * Math.ceil(count / 8);
    return first;
  });
}

/** Takes memory for numbers, and puts them there. @returns the index of the first in {@link heap} */
export function allocated(values: ArrayLike<number>): number {
  const first = allocate(values.length);
  heap.set(values, first);
  return first;
}

/** Makes a kernel run. Addresses are in bytes: 8 times an index of {@link heap}. */
export function compiled(kernel: Kernel): (...parameters: number[]) => void {
  const type = [0x60, ...list(Array(kernel.parameters).fill([I32])), 0];
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // '\0asm', version 1
      ...section(1, [type]),
      ...section(2, [[...text('e'), ...text('m'), 0x02, 0, 1]]), // a memory of at least one page
      ...section(3, [[0]]),
      ...section(7, [[...text('f'), 0, 0]]),
      ...section(10, [kernel.body]),
    ]),
  );
  return new WebAssembly.Instance(module, { e: { m: memory } }).exports.f as (
    ...parameters: number[]
  ) => void;
}
