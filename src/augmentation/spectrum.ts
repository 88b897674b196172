// What is varied in a spectrogram: formants along frequency, and stripes that are blanked.
import type { Matrix } from '../features/matrix.ts';
import { zeros } from '../features/matrix.ts';

/** Above this share of the band frequencies are squeezed rather than scaled, so that all of the band is used. */
const BEND = 0.85;

/**
 * A spectrogram [bins, frames] of a voice whose vocal tract is shorter by `factor`: row k is taken from k/factor, bent
 * near the upper end, where the map ends at the upper end.
 *
 * @see Jaitly and Hinton, Vocal tract length perturbation (VTLP) improves speech recognition, ICML workshop 2013
 */
export function warpedSpectrum(S: Matrix, factor: number): Matrix {
  if (factor === 1) return S;
  const top = S.rows - 1;
  const bend = BEND * top * Math.min(1, factor);
  const out = zeros(S.rows, S.columns);
  for (let k = 0; k < S.rows; k++) {
    const from = k <= bend ? k / factor : top - ((top - k) / (top - bend)) * (top - bend / factor);
    const low = Math.min(top - 1, Math.floor(from));
    const rest = from - low;
    for (let t = 0; t < S.columns; t++) {
      const [a, b] = [S.data[low * S.columns + t], S.data[(low + 1) * S.columns + t]];
      out.data[k * S.columns + t] = a + rest * (b - a);
    }
  }
  return out;
}

/** Longest stripe that is blanked, as a share of the frames, and of the bins. */
const LONGEST = { frames: 1 / 8, bins: 1 / 6 };

/**
 * Blanks stripes in place: of frames over all bins, and of bins over all frames.
 * @param blank what blanked cells hold
 * @see Park et al., SpecAugment, Interspeech 2019
 */
export function maskStripes(
  m: Matrix,
  { frames, bins }: { frames: number; bins: number },
  blank: number,
  draw: () => number,
): void {
  const stripe = (extent: number, longest: number) => {
    const width = Math.floor(draw() * (1 + Math.floor(longest * extent)));
    const first = Math.floor(draw() * (extent - width + 1));
    return [first, first + width];
  };
  for (let i = 0; i < frames; i++) {
    const [first, end] = stripe(m.columns, LONGEST.frames);
    for (let row = 0; row < m.rows; row++) m.data.fill(blank, row * m.columns + first, row * m.columns + end);
  }
  for (let i = 0; i < bins; i++) {
    const [first, end] = stripe(m.rows, LONGEST.bins);
    m.data.fill(blank, first * m.columns, end * m.columns);
  }
}
