// How many inputs each output of a sliding window takes.
import type { Window } from './window.ts';

/**
 * Positions under the window at each output, in row-major order.
 * @param countPads whether those in the padding count too
 */
export function windowCounts(w: Window, countPads = false): number[] {
  return w.output.reduce<number[]>(
    (all, size, i) => {
      const [low, high] = countPads ? [-w.padsBegin[i], w.input[i] + w.padsEnd[i]] : [0, w.input[i]];
      const along = Array.from({ length: size }, (_, o) => {
        const start = o * w.strides[i] - w.padsBegin[i];
        const taps = Array.from({ length: w.kernel[i] }, (_, k) => start + k * w.dilations[i]);
        return taps.filter((at) => at >= low && at < high).length;
      });
      return all.flatMap((n) => along.map((m) => n * m));
    },
    [1],
  );
}
