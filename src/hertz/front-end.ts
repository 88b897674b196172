// Relevance of a model's input back through its front-end: standardization, cosine transform, scaling, mel filters.
import { tablesOf } from '../features/input.ts';
import { type Matrix, mapMatrix, multiply } from '../features/matrix.ts';
import type { Signal } from '../features/pad.ts';
import { ofRow, scaled } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { type Books, type Carried, passed, throughMatrix } from './linear.ts';

/** A step that relevance was carried through, and what stayed there. */
export interface HertzStep extends Books {
  readonly name:
    | 'standardization'
    | 'cosine transform'
    | 'scaling'
    | 'mel filters'
    | 'division'
    | 'transform';
  /** Σ R of the step's output. */
  readonly from: number;
  /** Σ R of its input; from = to + bias + stabilizer + silence. */
  readonly to: number;
}

/** Relevance of a spectrogram's cells, and how it got there. */
export interface CarriedBack {
  /** [1 + nFft/2, frames] */
  readonly relevance: Matrix;
  /** Of the mel bands [nMels, frames], on the way; of models that have them. */
  readonly mel?: Matrix;
  readonly steps: readonly HertzStep[];
}

/**
 * ε of the cosine transform, in parts of each coefficient's root mean square over the clip; coefficients cross 0. Of rules
 * that are proportional to the input (ε, z⁺, γ) it takes about 1 % of the relevance.
 */
export const CEPSTRAL_EPSILON = 0.01;

/**
 * Carries the relevance of a spectral model's input [bins, frames] to the cells of the spectrogram.
 *
 * @param power the clip's spectrogram [1 + nFft/2, frames], raised to `settings.power`
 * @param perUnit relevance per unit of the input, of its shape, where the method gives it; of use to MFCCs
 */
export function throughFrontEnd(
  relevance: Matrix,
  power: Matrix,
  settings: FeatureSettings,
  perUnit?: Matrix,
): CarriedBack {
  const steps: HertzStep[] = [];
  let at = relevance;
  const take = (name: HertzStep['name'], { relevance: next, ...books }: Carried) => {
    steps.push({ name, from: sum(at), to: sum(next), ...books });
    at = next;
  };
  take('standardization', passed(at));
  if (settings.kind === 'spectrogram') {
    take('scaling', passed(at));
    return { relevance: at, steps };
  }
  const { filters, cepstrum } = tablesOf(settings);
  if (settings.kind === 'mfcc') {
    take(
      'cosine transform',
      throughCosineTransform(
        at,
        cepstrum,
        multiply(filters, power),
        settings,
        perUnit && perCoefficient(perUnit, settings),
      ),
    );
  }
  take('scaling', passed(at));
  const mel = at;
  take('mel filters', throughMatrix(filters, power, at));
  return { relevance: at, mel, steps };
}

/**
 * c = D (e − floor) + D·floor: relevance of coefficients c [nMfcc, frames] to bands e [nMels, frames], which are counted
 * from the clip's own silence, so that silence takes none. The floor's share is bias: with the usual transform that of c₀
 * alone, whose offset it is.
 *
 * @param D liftered cosine transform [nMfcc, nMels]
 * @param mel the mel spectrogram [nMels, frames]
 * @param perUnit relevance per unit of the coefficients, where it is known; else R/s(c) with ε = {@link CEPSTRAL_EPSILON}
 * times the root mean square of each coefficient
 */
export function throughCosineTransform(
  relevance: Matrix,
  D: Matrix,
  mel: Matrix,
  settings: FeatureSettings,
  perUnit?: Matrix,
): Carried {
  const floor = scaledSilence(mel, settings);
  const e = mapMatrix(scaled(mel, settings), (v) => v - floor);
  const rowSums = multiply(D, {
    rows: D.columns,
    columns: 1,
    data: new Float64Array(D.columns).fill(1),
  }).data;
  // Σⱼ D_kj is 0 for k ≥ 1, but for rounding.
  const b = rowSums.map((v) => (Math.abs(v) < 1e-9 ? 0 : v * floor));
  if (perUnit) return throughMatrix(D, e, relevance, { b, perUnit });
  const c = multiply(D, e);
  const size = b.map((offset, k) => {
    const row = c.data.subarray(k * c.columns, (k + 1) * c.columns);
    return Math.sqrt(row.reduce((total, v) => total + (v + offset) ** 2, 0) / c.columns);
  });
  return throughMatrix(D, e, relevance, { b, epsilon: size.map((v) => CEPSTRAL_EPSILON * v) });
}

/** ρ of the coefficients from that of (c − mean)/std; undefined where a mean makes one no multiple of the other. */
function perCoefficient(perUnit: Matrix, { standardize, mean, std }: FeatureSettings): Matrix | undefined {
  const isScale =
    standardize === null && (typeof mean === 'number' ? mean === 0 : mean.every((v) => v === 0));
  const data = perUnit.data.map((v, i) => v / ofRow(std, Math.floor(i / perUnit.columns)));
  return isScale ? { ...perUnit, data } : undefined;
}

/** What a value of 0 is scaled to in this clip: 0 as a level, the floor in decibels, ln(offset). */
function scaledSilence(S: Matrix, settings: FeatureSettings): number {
  const data = new Float64Array(S.data.length + 1);
  data.set(S.data);
  return scaled({ rows: 1, columns: data.length, data }, settings).data[S.data.length];
}

/** Σ of a matrix. */
export function sum({ data }: { readonly data: Signal }): number {
  let total = 0;
  for (const v of data) total += v;
  return total;
}
