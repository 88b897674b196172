// The low-pass filter of the resampler: what passes, and its impulse response.

/** As soxr's HQ, librosa's default: all passes up to this share of the band, half the lower rate; nothing beyond the band. */
const PASS = 0.9127;
/** The response is cut off beyond so many samples of the lower rate on either side, where it is 165 dB below. */
export const REACH = 128;

const { PI, sin, sinh, sqrt } = Math;
/** Width of the transition, in cycles per sample of the lower rate. */
const WIDTH = (1 - PASS) / 2;
/** β of the Kaiser window that rounds the transition, such that its transform is 0 at REACH. */
const BETA = sqrt((PI * WIDTH * REACH) ** 2 - PI ** 2);

/**
 * Impulse response at t, in samples of the lower rate: a sinc, whose step in frequency is rounded by a Kaiser window
 * of the transition's width. Nothing is left beyond the band.
 * Kaiser's pair: I₀(β √(1 − u²)) ↔ sinh √(β² − v²) / √(β² − v²), after J. F. Kaiser, IEEE ISCAS (1974).
 */
export function impulseResponse(t: number): number {
  if (Math.abs(t) > REACH) return 0;
  const cutoff = (1 + PASS) / 2;
  const sinc = t === 0 ? cutoff : sin(PI * cutoff * t) / (PI * t);
  const square = BETA ** 2 - (PI * WIDTH * t) ** 2;
  const root = sqrt(Math.abs(square));
  const shape = square > 0 ? sinh(root) / root : square < 0 ? sin(root) / root : 1;
  return (sinc * shape * BETA) / sinh(BETA);
}
