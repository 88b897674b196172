// A clip's relevance in hertz and seconds, whatever its model listens to: spectrograms, mel bands, MFCCs or samples.
import { frameTimes } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Signal } from '../features/pad.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { spectrogram } from '../features/stft.ts';
import { perUnitOf, shortTimeRelevance } from './dft.ts';
import { type HertzStep, sum, throughFrontEnd } from './front-end.ts';

/** What is known of an explained clip. */
export interface Heard {
  /** The samples that were heard, fitted to the clip. */
  readonly samples: Float32Array;
  /** The model's input; of a waveform [1, samples]. */
  readonly input: { readonly data: Signal };
  /** Relevance of the input, of its shape. */
  readonly relevance: { readonly rows: number; readonly columns: number; readonly data: Signal };
  /** Relevance per unit of the input, of its shape, where the method gives it. */
  readonly perUnit?: { readonly data: Signal };
}

/** A clip and its relevance in hertz and seconds. */
export interface Spectrum {
  /** [bins, frames] */
  readonly relevance: Matrix;
  /** |X|^exponent of the short-time Fourier transform [bins, frames]. */
  readonly magnitude: Matrix;
  readonly exponent: number;
  /** Centre of each bin (Hz). */
  readonly frequencies: Float64Array;
  /** Centre of each frame (s). */
  readonly times: Float64Array;
  /** Relevance of the mel bands, of models that have them [nMels, frames]. */
  readonly mel?: Matrix;
  /** What relevance was carried through, from the model's input on. */
  readonly steps: readonly HertzStep[];
}

/**
 * Relevance of a model's input as relevance of frequencies: back through the front-end, or by the short-time DFT-LRP of a
 * waveform under Hann windows of about 32 ms, a quarter apart. ρ is the method's own where given, else R/x
 * ({@link perUnitOf}).
 */
export function spectrumOf(
  { samples, input, relevance, perUnit }: Heard,
  settings: FeatureSettings,
): Spectrum {
  const { sampleRate } = settings;
  if (settings.kind !== 'waveform') {
    const power = spectrogram(samples, settings);
    const inFloat64 = (data: Signal) => ({ ...relevance, data: Float64Array.from(data) });
    const carried = throughFrontEnd(
      inFloat64(relevance.data),
      power,
      settings,
      perUnit && inFloat64(perUnit.data),
    );
    return {
      ...carried,
      magnitude: power,
      exponent: settings.power,
      frequencies: spectrumFrequencies(settings),
      times: frameTimes(settings),
    };
  }
  const windows = waveformWindows(sampleRate);
  const given = perUnit
    ? { perUnit: Float64Array.from(perUnit.data), silence: 0 }
    : perUnitOf(input.data, relevance.data);
  const short = shortTimeRelevance(input.data, given.perUnit, windows);
  const from = sum(relevance);
  const to = sum(short.relevance);
  return {
    relevance: short.relevance,
    magnitude: short.power,
    exponent: 2,
    frequencies: spectrumFrequencies(settings),
    times: Float64Array.from({ length: short.power.columns }, (_, t) => (t * windows.hopLength) / sampleRate),
    steps: [{ name: 'transform', from, to, bias: 0, stabilizer: 0, silence: given.silence }],
  };
}

/** Centre of each bin of a model's spectrum (Hz). */
export function spectrumFrequencies({ kind, nFft, sampleRate }: FeatureSettings): Float64Array {
  return binCentres(kind === 'waveform' ? waveformWindows(sampleRate).nFft : nFft, sampleRate);
}

/** Windows that waveforms are looked at through: 2ⁿ samples, 23 to 45 ms. */
function waveformWindows(sampleRate: number): { nFft: number; hopLength: number } {
  const nFft = Math.max(4, 2 ** Math.round(Math.log2(0.032 * sampleRate)));
  return { nFft, hopLength: nFft / 4 };
}

function binCentres(nFft: number, sampleRate: number): Float64Array {
  return Float64Array.from({ length: 1 + (nFft >> 1) }, (_, k) => (k * sampleRate) / nFft);
}
