// One explained clip of a test part, as plain data: what was said, what was heard, and the relevance of every cell.
import { EarmarkError } from '../errors.ts';
import { inputShape } from '../features/input.ts';
import type { FeatureSettings } from '../features/settings.ts';

/** A row-major matrix [bins, frames] in either precision. */
export interface Cells {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array | Float64Array;
}

export interface ClipExplanation {
  readonly path: string;
  /** The true class. */
  readonly label: string;
  /** null where it is not known. */
  readonly speaker: string | null;
  readonly predicted: string;
  /** Of the predicted class, 0 to 1. */
  readonly probability: number;
  /** Relevance [bins, frames] for the predicted class. */
  readonly relevance: Cells;
  /** Relevance [bins, frames] for the true class, of a misclassified clip. */
  readonly relevanceOfTrue?: Cells;
  /**
   * Of MFCCs and waveforms, whose rows are no frequencies: both relevances in hertz and seconds, as `spectrumOf` gives them.
   * Without it their shares by band are not known.
   */
  readonly inHertz?: { readonly relevance: Cells; readonly relevanceOfTrue?: Cells };
  /** The model's input [bins, frames]. */
  readonly features: Cells;
  /** [frames], true where the frame's window holds no sample of the recording. */
  readonly paddedFrames: readonly boolean[];
}

/** @throws EarmarkError where a matrix is not of the model's input shape, or relevance is not finite */
export function checkExplanation(clip: ClipExplanation, settings: FeatureSettings): void {
  const { path, relevance, relevanceOfTrue, features, paddedFrames } = clip;
  const [bins, frames] = inputShape(settings);
  const shape = (m: Cells) => `[${m.rows}, ${m.columns}] with ${m.data.length} values`;
  for (const [name, m] of Object.entries({ relevance, relevanceOfTrue, features })) {
    if (m === undefined) continue;
    const what = `${path}: ${name}`;
    if (m.rows !== bins || m.columns !== frames || m.data.length !== bins * frames) {
      throw new EarmarkError({ what, expected: `the input's shape [${bins}, ${frames}]`, got: shape(m) });
    }
    const bad = m.data.find((v) => !Number.isFinite(v));
    if (bad !== undefined) throw new EarmarkError({ what, expected: 'finite values', got: String(bad) });
  }
  if (paddedFrames.length !== frames) {
    const got = `${paddedFrames.length}`;
    throw new EarmarkError({ what: `${path}: paddedFrames`, expected: `${frames} frames`, got });
  }
}
