// Networks as JSON: what is written comes out as layers, and each mistake is told with the layer and what was expected.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileError, ModelError } from '../errors.ts';
import { architecture, architectures } from './architectures.ts';
import { parametersOf } from './network.ts';
import { LAYER_NAMES, parseNetwork } from './network-json.ts';
import { readNetwork } from './read-network.ts';

const WRITTEN = {
  name: 'mine',
  layers: [
    {
      kind: 'conv',
      channels: 4,
      kernel: [3, 5],
      stride: [1, 2],
      padding: 'valid',
      dilation: 2,
      groups: 1,
      bias: false,
    },
    { kind: 'batchnorm' },
    { kind: 'gelu' },
    {
      kind: 'residual',
      layers: [{ kind: 'conv', channels: 4, kernel: [3, 3] }, { kind: 'leaky-relu' }],
      shortcut: [{ kind: 'conv', channels: 4, kernel: [1, 1] }],
    },
    { kind: 'maxpool', size: [2, 2], stride: 2, padding: [0, 0, 1, 1] },
    { kind: 'dropout', rate: 0.5, channels: true },
    { kind: 'globalpool', of: 'average' },
    { kind: 'dense', units: 'classes' },
  ],
};

describe('parsing', () => {
  it('gives the layers that were written, with as many units as classes', () => {
    const network = parseNetwork(WRITTEN)(7);
    expect(network).toEqual({
      name: 'mine',
      layers: [...WRITTEN.layers.slice(0, -1), { kind: 'dense', units: 7 }],
    });
    expect(parametersOf(network, [1, 20, 30]).at(-1)?.dims).toEqual([7]);
  });

  it.each(architectures)('takes %s back from JSON', (name) => {
    const network = architecture(name, 10);
    expect(parseNetwork(JSON.parse(JSON.stringify(network)))(10)).toEqual(network);
  });

  it('finds "classes" inside blocks too', () => {
    const inside = { kind: 'residual', layers: [{ kind: 'dense', units: 'classes' }] };
    expect(parseNetwork({ layers: [{ kind: 'flatten' }, inside] }, 'net')(3)).toEqual({
      name: 'net',
      layers: [{ kind: 'flatten' }, { kind: 'residual', layers: [{ kind: 'dense', units: 3 }] }],
    });
  });

  it.each([
    [null, /^network: /],
    [{}, /^network: layers: /],
    [{ layers: [] }, /^network: layers: /],
    [{ layers: [{}] }, /^network: layers\[0\]\.kind: expected one of conv, batchnorm/],
    [{ layers: [{ kind: 'lstm' }] }, /^network: layers\[0\]\.kind: expected one of conv, .*got "lstm"/],
    [{ layers: [{ kind: 'conv', channels: 4 }] }, /^network: layers\[0\]\.kernel: /],
    [{ layers: [{ kind: 'conv', channels: 0, kernel: [3] }] }, /^network: layers\[0\]\.channels: .*got 0/],
    [
      { layers: [{ kind: 'conv', channels: 4, kernel: [3], padding: 'full' }] },
      /layers\[0\]\.padding: .*'same', 'valid'/,
    ],
    [
      { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 'many' }] },
      /layers\[1\]\.units: .*"classes", got "many"/,
    ],
    [{ layers: [{ kind: 'dropout', rate: 1 }] }, /layers\[0\]\.rate/],
    [{ layers: [{ kind: 'relu', slope: 1 }] }, /layers\[0\]: .*slope/],
    [
      { layers: [{ kind: 'residual', layers: [{ kind: 'pool' }] }] },
      /layers\[0\]\.layers\[0\]\.kind: expected one of/,
    ],
  ])('refuses %j', (value, message) => {
    expect(() => parseNetwork(value)).toThrow(ModelError);
    expect(() => parseNetwork(value)).toThrow(message);
  });

  it('knows each kind by one name', () => {
    expect(new Set(LAYER_NAMES).size).toBe(LAYER_NAMES.length);
  });
});

describe('what fits in no input', () => {
  const layersOf = (...layers: object[]) =>
    parseNetwork({ layers: [...layers, { kind: 'flatten' }, { kind: 'dense', units: 'classes' }] }, 'net')(2);

  it.each([
    [
      [{ kind: 'conv', channels: 2, kernel: [3] }],
      /net: layers\[0\] \(conv\): kernel: expected 2 extents, .*got 1/,
    ],
    [
      [{ kind: 'conv', channels: 3, kernel: [3, 3], groups: 2 }],
      /layers\[0\] \(conv\): groups: expected a divisor of 1 and 3, got 2/,
    ],
    [[{ kind: 'maxpool', size: [2, 9] }], /layers\[0\] \(maxpool\): .*larger than its input/],
    [[{ kind: 'maxpool', size: [2] }], /layers\[0\] \(maxpool\): /],
    [
      [{ kind: 'dense', units: 3 }],
      /layers\[0\] \(dense\): expected one row of values for each clip, got \[1, 6, 8\]/,
    ],
    [
      [{ kind: 'residual', layers: [{ kind: 'conv', channels: 3, kernel: [3, 3], stride: 2 }] }],
      /layers\[0\] \(residual\): expected a shortcut of \[3, 3, 4\], .*got \[1, 6, 8\]/,
    ],
    [
      [{ kind: 'residual', layers: [{ kind: 'maxpool', size: [7, 7] }] }],
      /layers\[0\]\.layers\[0\] \(maxpool\)/,
    ],
  ])('%j', (layers, message) => {
    expect(() => parametersOf(layersOf(...layers), [1, 6, 8])).toThrow(ModelError);
    expect(() => parametersOf(layersOf(...layers), [1, 6, 8])).toThrow(message);
  });

  it('a network that does not end in one row of logits', () => {
    const open = parseNetwork({ layers: [{ kind: 'relu' }] }, 'net')(2);
    expect(() => parametersOf(open, [1, 6, 8])).toThrow(
      /net: its last layer: .*\[N, classes\], got \[N, 1, 6, 8\]/,
    );
  });
});

describe('files', () => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'earmark-network-'));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };

  it('are read, and named after themselves where they have no name', async () => {
    const path = join(folder(), 'tiny.json');
    writeFileSync(path, JSON.stringify({ layers: WRITTEN.layers }));
    expect((await readNetwork(path))(4).name).toBe('tiny');
  });

  it('that are missing, no JSON or no network are refused', async () => {
    const path = join(folder(), 'net.json');
    await expect(readNetwork(path)).rejects.toThrow(FileError);
    writeFileSync(path, '{"layers": [');
    await expect(readNetwork(path)).rejects.toThrow(ModelError);
    await expect(readNetwork(path)).rejects.toThrow(/a network as JSON/);
    writeFileSync(path, '[]');
    await expect(readNetwork(path)).rejects.toThrow(/^net: /);
  });
});
