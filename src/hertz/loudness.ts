// Sounds made equally loud without clipping, and begun and ended without clicks.
import type { Signal } from '../features/pad.ts';

/** Root mean square that sounds get where no peak forbids it: −20 dB re full scale. */
const LEVEL = 0.1;
/** Largest amplitude. */
const PEAK = 0.99;
/** A sound is amplified by at most 40 dB more than the one that is amplified least, else its rounding errors would be heard. */
const MOST = 100;
/** Blocks that are more than 40 dB (in power 10⁴) below the loudest count as silent. */
const GATE = 1e-4;

/**
 * Root mean square over the blocks of 50 ms that are not silent; 0 where all is.
 *
 * @param sampleRate Hz
 */
export function gatedLevel(x: Float64Array, sampleRate: number): number {
  const size = Math.max(1, Math.round(0.05 * sampleRate));
  const blocks = Array.from({ length: Math.ceil(x.length / size) }, (_, b) => {
    const block = x.subarray(b * size, (b + 1) * size);
    return { energy: block.reduce((sum, v) => sum + v * v, 0), samples: block.length };
  });
  const loudest = blocks.reduce((most, { energy, samples }) => Math.max(most, energy / samples), 0);
  if (loudest === 0) return 0;
  const sounding = blocks.filter(({ energy, samples }) => energy >= GATE * loudest * samples);
  const [energy, samples] = sounding.reduce(([e, n], block) => [e + block.energy, n + block.samples], [0, 0]);
  return Math.sqrt(energy / samples);
}

/**
 * Factors that bring sounds to one level ({@link gatedLevel}), with no peak above full scale; 0 for silence.
 *
 * @param sampleRate Hz
 */
export function matchingGains(sounds: readonly Float64Array[], sampleRate: number): number[] {
  const measured = sounds.map((x) => ({
    level: gatedLevel(x, sampleRate),
    peak: x.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
  }));
  const audible = measured.filter(({ level }) => level > 0);
  const common = audible.reduce((least, { level, peak }) => Math.min(least, (PEAK * level) / peak), LEVEL);
  const least = common / audible.reduce((most, { level }) => Math.max(most, level), 0);
  return measured.map(({ level }) => (level > 0 ? Math.min(common / level, MOST * least) : 0));
}

/** A sound that rises from 0 and falls to 0 within 5 ms at its ends, as half a cosine. */
export function faded(x: Signal, sampleRate: number): Float64Array {
  const length = Math.min(Math.round(0.005 * sampleRate), x.length >> 1);
  return Float64Array.from(x, (v, n) => {
    const edge = Math.min(n, x.length - 1 - n);
    return edge < length ? v * Math.sin((Math.PI * edge) / (2 * length)) ** 2 : v;
  });
}
