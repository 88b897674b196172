// Vorbis's floor 1: a block's spectral envelope as straight lines in decibels (Vorbis I, section 7.2).
import { ilog, type PacketReader } from './bits.ts';
import { type Codebook, readEntry } from './codebook.ts';

interface FloorClass {
  dimensions: number;
  /** Bits of the class's number that choose a book for each dimension. */
  bits: number;
  master: Codebook | null;
  books: (Codebook | null)[];
}

/** The points between which the lines go. */
export interface Floor {
  partitions: FloorClass[];
  multiplier: number;
  /** Positions of the points in the spectrum, in the order in which they are coded. */
  x: number[];
  /** Order of the points by position. */
  order: number[];
  /** For each point but the first two: its neighbours among those coded before it. */
  neighbours: { low: number; high: number }[];
}

/** Amplitude by level: steps of 140/256 dB up to 1 (10.1, a table there). */
const LEVELS = Float32Array.from({ length: 256 }, (_, i) => 10 ** (((i - 255) * 140) / 256 / 20));
const RANGES = [256, 128, 86, 64];

/** Reads a floor; null where it is not valid. @throws EndOfPacket */
export function readFloorSetup(reader: PacketReader, books: readonly Codebook[]): Floor | null {
  if (reader.unsigned(16) !== 1) return null;
  const numbers = Array.from({ length: reader.unsigned(5) }, () => reader.unsigned(4));
  const classes: FloorClass[] = [];
  for (let c = 0; c <= Math.max(-1, ...numbers); c++) {
    const dimensions = reader.unsigned(3) + 1;
    const bits = reader.unsigned(2);
    const master = bits > 0 ? books[reader.unsigned(8)] : null;
    const numbersOfBooks = Array.from({ length: 2 ** bits }, () => reader.unsigned(8) - 1);
    if (master === undefined || numbersOfBooks.some((b) => b >= books.length)) return null;
    classes.push({ dimensions, bits, master, books: numbersOfBooks.map((b) => books[b] ?? null) });
  }
  const multiplier = reader.unsigned(2) + 1;
  const width = reader.unsigned(4);
  const partitions = numbers.map((c) => classes[c]);
  const x = [0, 2 ** width];
  for (const { dimensions } of partitions)
    for (let d = 0; d < dimensions; d++) x.push(reader.unsigned(width));
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b]);
  if (x.length > 65 || new Set(x).size < x.length) return null;
  const neighbours = x.slice(2).map((position, i) => {
    const before = x.slice(0, i + 2).map((_, j) => j);
    const low = before.filter((j) => x[j] < position).reduce((a, b) => (x[b] > x[a] ? b : a));
    const high = before.filter((j) => x[j] > position).reduce((a, b) => (x[b] < x[a] ? b : a));
    return { low, high };
  });
  return { partitions, multiplier, x, order, neighbours };
}

/** Reads the points' levels in a packet; null where the channel is silent. @throws EndOfPacket */
export function readFloor(reader: PacketReader, floor: Floor): number[] | null {
  if (!reader.flag()) return null;
  const width = ilog(RANGES[floor.multiplier - 1] - 1);
  const y = [reader.unsigned(width), reader.unsigned(width)];
  for (const { dimensions, bits, master, books } of floor.partitions) {
    let choice = master ? readEntry(reader, master) : 0;
    for (let d = 0; d < dimensions; d++) {
      const book = books[choice % 2 ** bits];
      choice = Math.floor(choice / 2 ** bits);
      y.push(book ? readEntry(reader, book) : 0);
    }
  }
  return y;
}

/** Multiplies half a block's spectrum by the envelope. */
export function applyFloor(floor: Floor, y: readonly number[], spectrum: Float32Array): void {
  const { x, order, multiplier } = floor;
  const { levels, used } = unwrap(floor, y);
  let [x0, y0] = [0, levels[0] * multiplier];
  for (const i of order) {
    if (!used[i] || i === 0) continue;
    const [x1, y1] = [x[i], levels[i] * multiplier];
    line(spectrum, x0, y0, x1, y1);
    [x0, y0] = [x1, y1];
  }
  line(spectrum, x0, y0, spectrum.length, y0);
}

/** Levels are coded as differences to the line between the neighbours (7.2.4, step 1). */
function unwrap({ x, neighbours, multiplier }: Floor, y: readonly number[]) {
  const range = RANGES[multiplier - 1];
  const levels = [y[0], y[1]];
  const used = y.map((_, i) => i < 2);
  for (const [n, { low, high }] of neighbours.entries()) {
    const i = n + 2;
    const value = y[i];
    const dy = levels[high] - levels[low];
    const step = Math.trunc((Math.abs(dy) * (x[i] - x[low])) / (x[high] - x[low]));
    const predicted = levels[low] + (dy < 0 ? -step : step);
    const [above, below] = [range - predicted, predicted];
    if (value === 0) levels.push(predicted);
    else {
      used[low] = used[high] = used[i] = true;
      if (value >= 2 * Math.min(above, below)) {
        levels.push(above > below ? value - below + predicted : predicted - value + above - 1);
      } else levels.push(value % 2 === 1 ? predicted - (value + 1) / 2 : predicted + value / 2);
    }
  }
  return { levels, used };
}

/** The line of whole levels from (x0, y0) to before x1 (9.2.7). */
function line(spectrum: Float32Array, x0: number, y0: number, x1: number, y1: number): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const base = Math.trunc(dy / dx);
  const rest = Math.abs(dy) - Math.abs(base) * dx;
  const towards = dy < 0 ? -1 : 1;
  const end = Math.min(x1, spectrum.length);
  for (let x = x0, y = y0, error = 0; x < end; x++) {
    spectrum[x] *= LEVELS[Math.max(0, Math.min(255, y))];
    y += base;
    error += rest;
    if (error >= dx) {
      error -= dx;
      y += towards;
    }
  }
}
