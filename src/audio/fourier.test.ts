// Checks the transform of two signals at once against its definition.
import { describe, expect, it } from 'vitest';
import { pairTransform } from './fourier.ts';
import { heap } from './kernel.ts';

/** Re and Im of Σₜ x[t] e^(−2πi kt/n). */
function slow(x: readonly (readonly [number, number])[], k: number): [number, number] {
  let [re, im] = [0, 0];
  for (const [t, [a, b]] of x.entries()) {
    const angle = (-2 * Math.PI * ((k * t) % x.length)) / x.length;
    re += a * Math.cos(angle) - b * Math.sin(angle);
    im += a * Math.sin(angle) + b * Math.cos(angle);
  }
  return [re, im];
}

describe('oracle: the definition', () => {
  // Powers of two, odd radices up to 31, and lengths that take Bluestein's algorithm.
  it.each([1, 2, 3, 4, 8, 15, 31, 64, 128, 455, 961, 37, 74, 509])('length %i', (n) => {
    const { input, run } = pairTransform(n);
    const signals = [1, 2].map((seed) =>
      Array.from({ length: n }, (_, t) => [Math.sin(seed + t * t), Math.cos(seed * t ** 3)] as const),
    );
    for (const repeat of [1, 2]) {
      for (let t = 0; t < n; t++) {
        heap.set([signals[0][t][0], signals[1][t][0], signals[0][t][1], signals[1][t][1]], input + 4 * t);
      }
      const at = run();
      for (const [which, signal] of signals.entries()) {
        for (let k = 0; k < n; k += Math.ceil(n / 40)) {
          const [re, im] = slow(signal, k);
          expect(heap[at + 4 * k + which], `re ${k}, run ${repeat}`).toBeCloseTo(re, 11);
          expect(heap[at + 4 * k + which + 2], `im ${k}, run ${repeat}`).toBeCloseTo(im, 11);
        }
      }
    }
  });
});
