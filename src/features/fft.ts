// The Fourier transform of real signals, of any length, in float64.
import { pairTransform } from '../audio/fourier.ts';
import { heap } from '../audio/kernel.ts';

/**
 * Transforms a frame x[0…n) to X[k] = Σₜ x[t] e^(−2πi kt/n), k = 0…⌊n/2⌋, interleaved (re, im). The result is
 * only valid until the next call.
 */
export type RealTransform = (frame: ArrayLike<number>) => Float64Array;

const transforms = new Map<number, RealTransform>();

/** The transform of length n; its tables are made once. */
export function realTransform(n: number): RealTransform {
  const transform = transforms.get(n) ?? make(n);
  transforms.set(n, transform);
  return transform;
}

function make(n: number): RealTransform {
  const { input, run } = pairTransform(n);
  const out = new Float64Array(2 * (n >> 1) + 2);
  return (frame) => {
    const memory = heap;
    memory.fill(0, input, input + 4 * n);
    for (let t = 0, at = input; t < n; t++, at += 4) memory[at] = frame[t];
    for (let k = 0, at = run(); k < out.length; k += 2, at += 4) {
      out[k] = memory[at];
      out[k + 1] = memory[at + 2];
    }
    return out;
  };
}
