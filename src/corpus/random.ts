// Seeded randomness that is the same on every machine: a 32-bit hash of (seed, counter).

/**
 * The `counter`-th of the numbers that belong to `seed`: an integer in [0, 2³²).
 * SplitMix's scheme, state = mix(seed) + counter · ⌊2³²/φ⌋ (Steele, Lea, Flood 2014), in 32 bits.
 */
export function hash32(seed: number, counter: number): number {
  return mix((mix(seed) + Math.imul(counter, 0x9e3779b9)) | 0) >>> 0;
}

/** A generator of numbers in [0, 1), uniform in steps of 2⁻³². @param seed an integer */
export function random(seed: number): () => number {
  let counter = 0;
  return () => hash32(seed, ++counter) / 2 ** 32;
}

/** A shuffled copy (Fisher and Yates); every order is as likely. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const out = [...items];
  const next = random(seed);
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

/** A bijection of 32-bit integers in which every input bit flips each output bit about half the time. */
function mix(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return h ^ (h >>> 15);
}
