// Where axes carry numbers, and how numbers are written.
import { scaleLinear } from 'd3-scale';
import { EarmarkError } from '../errors.ts';

/** A mark on an axis; `position` runs from 0 at the start of the axis to 1 at its end. */
export interface Tick {
  position: number;
  label: string;
}

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A number with some significant digits, a true minus sign, and powers of ten outside 10⁻³ … 10⁵. */
export function formatNumber(value: number, digits = 3): string {
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (rounded === 0 || (size >= 1e-3 && size < 1e5)) return String(rounded).replace('-', '−');
  const [mantissa, exponent] = rounded.toExponential().split('e') as [string, string];
  const power = exponent
    .replace('+', '')
    .replace('-', '⁻')
    .replace(/\d/g, (d) => superscripts[Number(d)]!);
  return `${mantissa.replace('-', '−')}×10${power}`;
}

/** A share from 0 to 1 in per cent, without claiming that what was rounded is 0 or 100. */
export function formatPercent(share: number): string {
  const percent = 100 * share;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  if (percent > 99.9 && percent < 100) return '> 99.9 %';
  return `${Number(percent.toFixed(percent < 10 || percent > 90 ? 1 : 0))} %`;
}

/** Hz as on an axis: 500, 1k, 2.5k. */
export function formatHertz(hertz: number): string {
  return hertz >= 1000 ? `${formatNumber(hertz / 1000)}k` : formatNumber(hertz);
}

/** Round numbers between two ends. */
export function linearTicks(
  low: number,
  high: number,
  count: number,
  format = (v: number) => formatNumber(v, 6),
): Tick[] {
  const scale = scaleLinear([low, high], [0, 1]);
  return scale.ticks(count).map((value) => ({ position: scale(value), label: format(value) }));
}

/** The time that a row of frames covers, half a frame beyond the first and last centre (s). */
function timeExtent(times: ArrayLike<number>): [number, number] {
  const [first, last] = [times[0]!, times[times.length - 1]!];
  const half = times.length > 1 ? (last - first) / (times.length - 1) / 2 : 0.5;
  return [first - half, last + half];
}

/** Seconds along frames whose centres are `times`; a lone frame is marked at its centre. */
export function timeTicks(times: ArrayLike<number>, width: number): Tick[] {
  if (times.length === 1) return [{ position: 0.5, label: formatNumber(times[0]!) }];
  return linearTicks(...timeExtent(times), Math.max(2, width / 70));
}

/** Whole row numbers, for rows that are no frequencies. */
export function indexTicks(rows: number, height: number): Tick[] {
  const step = Math.max(
    1,
    ...scaleLinear([0, rows], [0, 1])
      .ticks(Math.max(1, height / 24))
      .slice(1, 2),
  );
  const indices = Array.from({ length: Math.ceil(rows / Math.round(step)) }, (_, i) => i * Math.round(step));
  return indices.map((i) => ({ position: (i + 0.5) / rows, label: String(i) }));
}

// In the order in which they are given a place: decades and octaves around speech first.
const roundHertz = [
  1000, 4000, 2000, 500, 16000, 8000, 200, 100, 3000, 50, 300, 1500, 6000, 12000, 20000, 40000, 0,
];

/**
 * Round frequencies at their true places among rows whose centres are `frequencies` (Hz, rising), no two labels closer
 * than 15 pixels. Equally spaced rows get equally spaced ticks.
 *
 * @throws EarmarkError where the frequencies do not rise
 */
export function frequencyTicks(frequencies: ArrayLike<number>, height: number): Tick[] {
  const rows = frequencies.length;
  for (let r = 1; r < rows; r++) {
    if (!(frequencies[r]! > frequencies[r - 1]!)) {
      throw new EarmarkError({
        what: 'the rows of a spectrogram must be in order of frequency',
        expected: `row ${r} above ${frequencies[r - 1]} Hz`,
        got: `${frequencies[r]} Hz`,
      });
    }
  }
  if (rows === 1) return [{ position: 0.5, label: formatHertz(frequencies[0]!) }];
  const step = frequencies[1]! - frequencies[0]!;
  const top = frequencies[rows - 1]!;
  const evenly = Math.abs(top - frequencies[0]! - step * (rows - 1)) < 1e-3 * (top - frequencies[0]!);
  const candidates = evenly || top < 200 ? scaleLinear([0, top], [0, 1]).ticks(height / 36) : roundHertz;
  const ticks: Tick[] = [];
  for (const hertz of candidates) {
    const position = (rowOf(hertz, frequencies) + 0.5) / rows;
    const free = ticks.every((t) => Math.abs(t.position - position) * height >= 15);
    if (position >= 0 && position <= 1 && free) ticks.push({ position, label: formatHertz(hertz) });
  }
  return ticks.sort((a, b) => a.position - b.position);
}

/** Row, with fraction, whose centre is at a frequency; linear between centres and beyond the outer ones. */
function rowOf(hertz: number, frequencies: ArrayLike<number>): number {
  let r = 0;
  while (r < frequencies.length - 2 && frequencies[r + 1]! < hertz) r++;
  return r + (hertz - frequencies[r]!) / (frequencies[r + 1]! - frequencies[r]!);
}
