// Labelled recordings as training examples: mel power once, then for every epoch a shifted, noisier input.
import { random } from '../corpus/random.ts';
import { inputFromMelPower } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { melFilters } from '../features/mel.ts';
import type { FeatureSettings } from '../features/settings.ts';

/** One recording, heard: its power mel spectrogram [nMels, frames] and its class. */
export interface Example {
  readonly power: Matrix;
  readonly label: number;
}

export interface Augmentation {
  /** Largest shift in time, as a share of the clip's length. */
  readonly shift: number;
  /** Share of the examples that get white noise. */
  readonly noise: number;
  /** Range of the signal-to-noise ratio, dB. */
  readonly snr: readonly [number, number];
}

export const AUGMENTATION: Augmentation = { shift: 0.1, noise: 0.5, snr: [5, 50] };

/** Augments and scales examples; all it needs of the settings is made once. */
export class ExampleReader {
  private readonly settings: FeatureSettings;
  /** Power of white noise in each mel band, relative to band 0's share of it: Σ of the band's filter. */
  private readonly noisePower: Float64Array;
  /** How many independent bins a band averages, (Σw)²/Σw²: the more, the steadier its noise. */
  private readonly freedom: Float64Array;

  constructor(settings: FeatureSettings) {
    this.settings = settings;
    const { rows, columns, data } = melFilters(settings.sampleRate, settings.nFft, settings);
    const band = (m: number) => data.subarray(m * columns, (m + 1) * columns);
    const sum = (values: Float64Array, f: (v: number) => number) => values.reduce((s, v) => s + f(v), 0);
    this.noisePower = Float64Array.from({ length: rows }, (_, m) => sum(band(m), (v) => v));
    this.freedom = Float64Array.from(
      { length: rows },
      (_, m) =>
        this.noisePower[m] ** 2 /
        Math.max(
          sum(band(m), (v) => v * v),
          Number.MIN_VALUE,
        ),
    );
  }

  /** The input [bins, frames] as it is. */
  plain({ power }: Example): Matrix {
    return inputFromMelPower(power, this.settings);
  }

  /**
   * The input of a recording moved in time by whole frames and, for some, with white noise added. The noise is added
   * as power: of each band and frame its expected power times a gamma variate of the band's degrees of freedom (the
   * cross term of signal and noise, 0 on average, is left out).
   */
  augmented({ power }: Example, { shift, noise, snr }: Augmentation, seed: number): Matrix {
    const next = random(seed);
    const furthest = Math.round(shift * power.columns);
    const by = Math.floor(next() * (2 * furthest + 1)) - furthest;
    const moved = shifted(power, by);
    if (next() < noise) this.addNoise(moved, snr[0] + next() * (snr[1] - snr[0]), next);
    return inputFromMelPower(moved, this.settings);
  }

  private addNoise(power: Matrix, decibels: number, next: () => number): void {
    const { rows, columns, data } = power;
    const signal = data.reduce((a, b) => a + b, 0) / columns;
    const unit = this.noisePower.reduce((a, b) => a + b, 0);
    const level = signal / unit / 10 ** (decibels / 10);
    for (let m = 0; m < rows; m++) {
      const expected = level * this.noisePower[m];
      const draws = Math.max(1, Math.round(this.freedom[m]));
      for (let t = 0; t < columns; t++) {
        // The mean of exponential variates: −ln of a product of uniforms.
        let product = 1;
        for (let i = 0; i < draws; i++) product *= 1 - next();
        data[m * columns + t] += (expected * -Math.log(Math.max(product, Number.MIN_VALUE))) / draws;
      }
    }
  }
}

/** A copy whose frame t is frame t − by; silence moves in. */
function shifted({ rows, columns, data }: Matrix, by: number): Matrix {
  const moved = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    const from = data.subarray(row * columns + Math.max(0, -by), (row + 1) * columns - Math.max(0, by));
    moved.set(from, row * columns + Math.max(0, by));
  }
  return { rows, columns, data: moved };
}
