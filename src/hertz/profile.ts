// In which bands and when the relevance of a clip lies: third octaves, mel bands, the bands of speech, and time.

import type { Matrix } from '../features/matrix.ts';
import { hzToMel, melFrequencies, melToHz } from '../features/mel.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { transposed } from './linear.ts';
import type { Spectrum } from './spectrum.ts';

/** A band and what it holds of the clip's relevance. */
export interface BandShare {
  readonly name: string;
  /** Hz */
  readonly low: number;
  readonly high: number;
  /** Σ max(R, 0) of the band / Σ max(R, 0); 0 where nothing is positive. */
  readonly positive: number;
  /** Σ max(−R, 0) of the band / Σ max(−R, 0); 0 where nothing is negative. */
  readonly negative: number;
}

/** Each list's shares add up to 1. */
export interface Profile {
  /** Σ max(R, 0) and Σ max(−R, 0) of the cells in hertz and seconds. */
  readonly positive: number;
  readonly negative: number;
  readonly thirdOctaves: readonly BandShare[];
  readonly named: readonly BandShare[];
  /** Of a model's own mel bands, from the feet of their filters; else 40 bands of equal width in mel. */
  readonly mel: readonly BandShare[];
  /** [frames] */
  readonly time: { readonly times: number[]; readonly positive: number[]; readonly negative: number[] };
}

interface Interval {
  readonly name: string;
  readonly low: number;
  readonly high: number;
}

/** Upper ends (Hz) of the bands that speech is read by; formants overlap, so that these are conventions. */
const NAMED: readonly [name: string, high: number][] = [
  ['below 300 Hz', 300],
  ['F1, 300–900 Hz', 900],
  ['F2, 900–2500 Hz', 2500],
  ['F3, 2.5–4 kHz', 4000],
  ['above 4 kHz', Number.POSITIVE_INFINITY],
];

/** Shares of a clip's relevance by band and by time. A bin of the transform is spread evenly over its width. */
export function profileOf(spectrum: Spectrum, settings: FeatureSettings): Profile {
  const { relevance, frequencies, times, mel } = spectrum;
  const top = settings.sampleRate / 2;
  const bins = byRow(relevance);
  const frames = byRow(transposed(relevance));
  const width = frequencies[1] ?? 2 * top;
  const shares = (bands: readonly Interval[]) => spread(bins, width, top, bands);
  return {
    positive: total(bins.positive),
    negative: total(bins.negative),
    thirdOctaves: shares(thirdOctaves(top, width)),
    named: shares(namedBands(top)),
    mel: mel ? ownBands(mel, settings) : shares(melBands(top)),
    time: {
      times: Array.from(times),
      positive: normalized(frames.positive),
      negative: normalized(frames.negative),
    },
  };
}

/** IEC 61260-1's nominal midband frequencies of one decade. */
const NOMINAL = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8];

/**
 * Third-octave bands to base ten, 1000·10^((x ± ½)/10) Hz, that are wider than a bin, up to half the sample rate; one
 * band holds what is below them.
 * @see IEC 61260-1:2014, 5.2 to 5.4
 */
export function thirdOctaves(top: number, binWidth: number): Interval[] {
  const edge = (x: number) => 1000 * 10 ** ((x - 0.5) / 10);
  let x = Math.ceil(10 * Math.log10(binWidth / 1000 / (10 ** 0.05 - 10 ** -0.05)));
  const bands: Interval[] = [];
  if (edge(x) < top) bands.push({ name: `< ${edge(x).toFixed(0)}`, low: 0, high: edge(x) });
  for (; edge(x) < top; x++) {
    const decade = 10 ** Math.floor(x / 10 + 1e-9);
    const centre = Number((NOMINAL[((x % 10) + 10) % 10] * decade * 1000).toPrecision(3));
    bands.push({ name: `${centre}`, low: edge(x), high: Math.min(edge(x + 1), top) });
  }
  return bands.length > 0 ? bands : [{ name: `< ${top}`, low: 0, high: top }];
}

/** The bands of {@link NAMED} that begin below half the sample rate. */
function namedBands(top: number): Interval[] {
  return NAMED.map(([name, high], i) => ({
    name,
    low: NAMED[i - 1]?.[1] ?? 0,
    high: Math.min(high, top),
  })).filter(({ low }) => low < top);
}

function melBands(top: number, count = 40): Interval[] {
  const at = (i: number) => (i === count ? top : melToHz((i * hzToMel(top)) / count));
  return Array.from({ length: count }, (_, i) => ({ name: `${i}`, low: at(i), high: at(i + 1) }));
}

function ownBands(mel: Matrix, { nMels, fmin, fmax, sampleRate, htk }: FeatureSettings): BandShare[] {
  const feet = melFrequencies(nMels + 2, { fmin, fmax: fmax ?? sampleRate / 2, htk });
  const rows = byRow(mel);
  const [positive, negative] = [normalized(rows.positive), normalized(rows.negative)];
  return positive.map((share, m) => ({
    name: `${m}`,
    low: feet[m],
    high: feet[m + 2],
    positive: share,
    negative: negative[m],
  }));
}

interface Sides {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

/** Σ max(R, 0) and Σ max(−R, 0) of each row. */
function byRow({ rows, columns, data }: Matrix): Sides {
  const [positive, negative] = [new Float64Array(rows), new Float64Array(rows)];
  for (const [i, r] of data.entries()) {
    const row = Math.floor(i / columns);
    if (r > 0) positive[row] += r;
    else negative[row] -= r;
  }
  return { positive, negative };
}

/** Bins k at k·width, each from half a bin below to half a bin above and between 0 and the top, over bands. */
function spread(bins: Sides, width: number, top: number, bands: readonly Interval[]): BandShare[] {
  const inside = (values: Float64Array, { low, high }: Interval) =>
    values.reduce((held, value, k) => {
      const [from, to] = [Math.max(0, (k - 0.5) * width), Math.min(top, (k + 0.5) * width)];
      const common = Math.min(high, to) - Math.max(low, from);
      return common > 0 ? held + (value * common) / (to - from) : held;
    }, 0);
  const sides = (values: Float64Array) =>
    normalized(Float64Array.from(bands, (band) => inside(values, band)));
  const [positive, negative] = [sides(bins.positive), sides(bins.negative)];
  return bands.map((band, i) => ({ ...band, positive: positive[i], negative: negative[i] }));
}

function normalized(values: Float64Array): number[] {
  const all = total(values);
  return Array.from(values, (v) => (all === 0 ? 0 : v / all));
}

const total = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
