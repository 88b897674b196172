// What a classifier listens to, to be heard: the clip through masks of its relevance.
import { istft } from '../features/istft.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Signal } from '../features/pad.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { stft } from '../features/stft.ts';
import { faded, matchingGains } from './loudness.ts';
import { atTimes, envelope, relevanceMasks } from './mask.ts';
import type { Heard, Spectrum } from './spectrum.ts';

export interface ListenOptions {
  /** Exponent of relevance in masks, more than 0: the larger, the less is left beside the most relevant (0.5). */
  readonly sharpness?: number;
}

/** What speaks for the class, what speaks against it, the whole clip; of waveforms also the samples by their relevance. */
export type SoundName = 'for' | 'against' | 'whole' | 'weighted';

export interface Sound {
  readonly name: SoundName;
  /** From −1 to 1, as many as the clip's. */
  readonly samples: Float32Array;
  /** What it was amplified by in dB to be as loud as the others; null where it is silent. */
  readonly gain: number | null;
}

/** Sounds of one clip, at the rate and of the length that the model hears. */
export interface Listening {
  /** Hz */
  readonly sampleRate: number;
  readonly sharpness: number;
  /** Σ max(R, 0) and Σ max(−R, 0) of the cells in parts of Σ |R|; loudness does not tell. */
  readonly shares: { readonly for: number; readonly against: number };
  readonly sounds: readonly Sound[];
}

/**
 * The clip through the masks M± of its relevance in hertz and seconds ({@link relevanceMasks}), at its own phase, and as it
 * is; of waveforms also x_n · (max(R̃_n, 0)/max |R̃|)^sharpness, with R̃ the samples' relevance under a moving mean of 5 ms.
 * Equally loud, without clipping; parts of no relevance are silent.
 *
 * @param heard as given to `spectrumOf`
 * @param spectrum what it returned
 * @throws FeatureError where the sharpness is not more than 0
 */
export function listen(
  { samples, relevance }: Pick<Heard, 'samples' | 'relevance'>,
  spectrum: Spectrum,
  settings: FeatureSettings,
  { sharpness = 0.5 }: ListenOptions = {},
): Listening {
  const { sampleRate } = settings;
  const masks = relevanceMasks(spectrum.relevance, sharpness);
  const through = (mask: Matrix) => masked(samples, mask, spectrum, settings);
  const sounds: [SoundName, Signal][] = [
    ['for', through(masks.for)],
    ['against', through(masks.against)],
    ['whole', samples],
  ];
  if (settings.kind === 'waveform') {
    const gains = envelope(Float64Array.from(relevance.data), 1, sharpness, Math.round(0.005 * sampleRate));
    sounds.push(['weighted', gains.map((gain, n) => gain * samples[n])]);
  }
  const ends = sounds.map(([, x]) => faded(x, sampleRate));
  const factors = matchingGains(ends, sampleRate);
  return {
    sampleRate,
    sharpness,
    shares: sharesOfSides(spectrum.relevance),
    sounds: sounds.map(([name], i) => ({
      name,
      samples: Float32Array.from(ends[i], (v) => factors[i] * v),
      gain: factors[i] > 0 ? 20 * Math.log10(factors[i]) : null,
    })),
  };
}

/**
 * A clip through a mask of its short-time spectrum, at its own phase. Windows are the model's by length, but Hann's and a
 * quarter apart, whatever the model's are: so any of them can be put together again. Between the model's frames the
 * mask is linear.
 *
 * @param mask gains [bins, frames], at the frequencies and times of the spectrum
 * @returns [samples]; the clip itself where the mask is 1 everywhere
 */
export function masked(
  samples: Signal,
  mask: Matrix,
  { frequencies, times }: Pick<Spectrum, 'frequencies' | 'times'>,
  { kind, sampleRate, winLength }: Pick<FeatureSettings, 'kind' | 'sampleRate' | 'winLength'>,
): Float64Array {
  const nFft = frequencies.length > 1 ? Math.round(sampleRate / frequencies[1]) : 1;
  const width = kind === 'waveform' ? nFft : (winLength ?? nFft);
  const options = { nFft, winLength: width, hopLength: Math.max(1, width >> 2) };
  const X = stft(samples, options);
  const centres = Float64Array.from({ length: X.columns }, (_, t) => (t * options.hopLength) / sampleRate);
  const gains = atTimes(mask, times, centres).data;
  const through = { ...X, re: X.re.map((v, i) => gains[i] * v), im: X.im.map((v, i) => gains[i] * v) };
  return istft(through, { ...options, length: samples.length });
}

function sharesOfSides({ data }: Matrix): Listening['shares'] {
  const [positive, negative] = data.reduce(([p, n], r) => (r > 0 ? [p + r, n] : [p, n - r]), [0, 0] as [
    number,
    number,
  ]);
  const all = positive + negative;
  return all > 0 ? { for: positive / all, against: negative / all } : { for: 0, against: 0 };
}
