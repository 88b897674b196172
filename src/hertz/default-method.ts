// The method that clips are explained by unless told, by what a model listens to.
import type { FeatureKind } from '../features/settings.ts';
import { DEFAULT_METHOD } from '../relevance/method.ts';

/**
 * For MFCCs and samples `gamma`, else the default method. Coefficients and samples cross 0, and only relevance that is
 * proportional to them reaches hertz without division; of such methods `gamma` neither cancels much nor follows the power
 * as z⁺ does (docs/ground-truth.md).
 */
export function defaultMethodOf(kind: FeatureKind): string {
  return kind === 'mfcc' || kind === 'waveform' ? 'gamma' : DEFAULT_METHOD;
}
