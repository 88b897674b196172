// Mel-frequency cepstral coefficients, as librosa.feature.mfcc 0.11 computes them.
import { FeatureError } from '../errors.ts';
import { checkPositiveInteger } from './check.ts';
import { type DctNorm, type DctType, dctMatrix } from './dct.ts';
import { powerToDb } from './decibel.ts';
import { type Matrix, multiply } from './matrix.ts';
import { type MelNorm, type MelspectrogramOptions, melspectrogram } from './mel.ts';
import type { Signal } from './pad.ts';

export interface CepstrumOptions {
  /** How many coefficients to keep; never more than there are mel bands (20). */
  nMfcc?: number;
  /** Type of the cosine transform (2). */
  dctType?: DctType;
  /** Scaling of the cosine transform ('ortho'). */
  norm?: DctNorm;
  /** L > 0: coefficient n = 1… is multiplied by 1 + (L/2) sin(πn/L); 0: none (0). */
  lifter?: number;
}

/** librosa.feature.mfcc's arguments: `norm` is the cosine transform's, `melNorm` the mel filters'. */
export interface MfccOptions extends CepstrumOptions, Omit<MelspectrogramOptions, 'norm'> {
  melNorm?: MelNorm;
}

/**
 * MFCCs [nMfcc, frames]: powerToDb(melspectrogram), cosine transform over mel, lifter; of a signal, or of a log-power
 * mel spectrogram [nMels, frames].
 *
 * @throws FeatureError as `melspectrogram` and `dct`, and for a negative lifter
 */
export function mfcc(y: Signal | Matrix, options: MfccOptions = {}): Matrix {
  const { melNorm = 'slaney', ...rest } = options;
  const S = 'rows' in y ? y : powerToDb(melspectrogram(y, { ...rest, norm: melNorm }));
  return multiply(cepstrumMatrix(S.rows, options), S);
}

/** The liftered cosine transform [min(nMfcc, nMels), nMels] that takes a log-mel frame to its MFCCs. */
export function cepstrumMatrix(nMels: number, options: CepstrumOptions = {}): Matrix {
  const { nMfcc = 20, dctType = 2, norm = 'ortho', lifter = 0 } = options;
  checkPositiveInteger('n_mfcc', nMfcc);
  if (!(lifter >= 0 && Number.isFinite(lifter))) {
    throw new FeatureError({ what: 'lifter', expected: 'a number that is not negative', got: `${lifter}` });
  }
  if (lifter > 0 && nMfcc > nMels) {
    throw new FeatureError({
      what: 'n_mfcc with a lifter',
      expected: `at most n_mels = ${nMels}`,
      got: `${nMfcc}`,
    });
  }
  const matrix = dctMatrix(nMels, { type: dctType, norm, count: nMfcc });
  if (lifter > 0) {
    matrix.data.forEach((value, i) => {
      const n = 1 + Math.floor(i / nMels);
      matrix.data[i] = value * (1 + (lifter / 2) * Math.sin((Math.PI * n) / lifter));
    });
  }
  return matrix;
}
