// Frequency bands that speech is read by, as groups of a spectrogram's rows.
import { binFrequencies } from '../features/input.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { spectrumFrequencies } from '../hertz/spectrum.ts';

export interface Band {
  /** Hz. */
  readonly low: number;
  /** Hz; where the next band begins. */
  readonly high: number;
  /** Index of the first row of the map whose centre frequency is in [low, high). */
  readonly firstRow: number;
  /** How many rows have it there. */
  readonly rows: number;
}

/**
 * Hz. Pitch below 300; of most vowels, the first formant at 300 to 900, the second at 900 to 2400, the third at 2400 to
 * 3000 and above (Peterson and Barney 1952); from 3000 on mostly the noise of fricatives and plosives, then octaves.
 */
const EDGES = [300, 600, 900, 1300, 1800, 2400, 3000, 4000, 8000, 16000, 32000];

/**
 * The bands between the lowest and the highest frequency of a model's input; they are the same in Hz at every sample
 * rate: 8 at 8 kHz, 9 at 16 kHz, 11 at 44.1 kHz. A row belongs to the band that its centre lies in, and a
 * band that would have no row is one with its neighbour. Rows are those of the input; of MFCCs and waveforms, whose rows
 * are over all frequencies, those of the spectrum that their relevance is carried to.
 */
export function frequencyBands(settings: FeatureSettings): Band[] {
  const centres = binFrequencies(settings) ?? spectrumFrequencies(settings);
  const below = (hz: number) => centres.filter((centre) => centre < hz).length;
  const { fmin, fmax, sampleRate } = settings;
  const mel = settings.kind === 'logmel';
  const top = (mel && fmax) || sampleRate / 2;
  const edges = [mel ? fmin : 0];
  for (const edge of EDGES) {
    const rows = below(edge);
    if (edge < top && rows > below(edges.at(-1)!) && rows < centres.length) edges.push(edge);
  }
  edges.push(top);
  // A row at the upper end is of the last band.
  const firstRows = [...edges.slice(0, -1).map(below), centres.length];
  return edges.slice(1).map((high, i) => {
    const [firstRow, next] = firstRows.slice(i) as [number, number];
    return { low: edges[i]!, high, firstRow, rows: next - firstRow };
  });
}

/** The ends of bands in Hz, one more than there are bands. */
export function bandEdges(bands: readonly Band[]): number[] {
  return [...bands.map((band) => band.low), bands.at(-1)!.high];
}
