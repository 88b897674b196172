// The networks that Earmark can train by name.
import { ModelError } from '../errors.ts';
import type { Layer, Network } from './layers.ts';

const normed = (channels: number): Layer[] => [
  { kind: 'conv', channels, kernel: [3, 3], bias: false },
  { kind: 'batchnorm' },
  { kind: 'relu' },
];

/**
 * A small CNN for log-mel input of about 48 × 64, made to be explained:
 * - its first convolution has neither bias nor norm, so that silence, which is 0, stays silent behind it and takes no
 *   relevance;
 * - it pools by averages, which hand relevance on evenly, and only at the end by the maximum, which picks a place.
 */
function melCnn(classes: number): Layer[] {
  return [
    { kind: 'conv', channels: 8, kernel: [3, 3], bias: false },
    { kind: 'relu' },
    { kind: 'averagepool', size: [2, 2] },
    ...normed(48),
    { kind: 'averagepool', size: [2, 2] },
    ...normed(96),
    ...normed(128),
    { kind: 'averagepool', size: [2, 2] },
    ...normed(128),
    { kind: 'globalpool', of: 'max' },
    { kind: 'dropout', rate: 0.3 },
    { kind: 'dense', units: classes },
  ];
}

const ARCHITECTURES: Readonly<Record<string, (classes: number) => Layer[]>> = { 'mel-cnn': melCnn };

export const architectures = Object.keys(ARCHITECTURES);

/** The layers of a network by its name. @throws ModelError for an unknown name */
export function architecture(name: string, classes: number): Network {
  const layers = ARCHITECTURES[name];
  if (!layers) {
    throw new ModelError({ what: `unknown architecture "${name}"`, expected: architectures.join(', ') });
  }
  return { name, layers: layers(classes) };
}
