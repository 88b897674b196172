// The networks that Earmark can train by name.
import { ModelError } from '../errors.ts';
import type { Layer, Network } from './layers.ts';

const block = (channels: number, size: readonly number[]): Layer[] => [
  { kind: 'conv', channels, kernel: [3, 3], bias: false },
  { kind: 'batchnorm' },
  { kind: 'relu' },
  { kind: 'maxpool', size },
];

/**
 * A small CNN for log-mel input of about 48 × 64. Its first convolution has neither bias nor norm, so that silence,
 * which is 0, stays silent behind it and takes no relevance.
 */
function melCnn(classes: number): Layer[] {
  return [
    { kind: 'conv', channels: 16, kernel: [3, 3], bias: false },
    { kind: 'relu' },
    { kind: 'maxpool', size: [2, 2] },
    ...block(32, [2, 2]),
    ...block(64, [2, 2]),
    { kind: 'conv', channels: 128, kernel: [3, 3], bias: false },
    { kind: 'batchnorm' },
    { kind: 'relu' },
    { kind: 'globalpool', of: 'max' },
    { kind: 'dropout', rate: 0.3 },
    { kind: 'dense', units: classes },
  ];
}

const ARCHITECTURES: Readonly<Record<string, (classes: number) => Layer[]>> = { 'mel-cnn': melCnn };

export const architectures = Object.keys(ARCHITECTURES);

/** @throws ModelError for an unknown name */
export function architecture(name: string, classes: number): Network {
  const layers = ARCHITECTURES[name];
  if (!layers) {
    throw new ModelError({ what: `unknown architecture "${name}"`, expected: architectures.join(', ') });
  }
  return { name, layers: layers(classes) };
}
