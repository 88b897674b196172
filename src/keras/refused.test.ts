// Golden and property: Keras files that are damaged, hold less than a model, or what cannot be drawn, each give one clear error.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { EarmarkError, FileError, ModelError } from '../errors.ts';
import { importKeras } from './import.ts';

const golden = (file: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/golden/keras/${file}`, import.meta.url)));
const KERAS = golden('notebook.3.15.keras');
const H5 = golden('notebook.3.15.h5');

interface LayerJson {
  class_name: string;
  module?: string;
  registered_name?: string | null;
  config: Record<string, unknown>;
}
interface ModelJson extends LayerJson {
  config: { layers: LayerJson[] };
}

/** The .keras file with another configuration. */
function changed(change: (model: ModelJson) => void, file = KERAS): Uint8Array {
  const entries = unzipSync(file);
  const model: ModelJson = JSON.parse(new TextDecoder().decode(entries['config.json']));
  change(model);
  return zipSync({ ...entries, 'config.json': new TextEncoder().encode(JSON.stringify(model)) });
}
/** The configuration of the first layer of a class, changed. */
const layer = (className: string, change: (layer: LayerJson) => void) =>
  changed(({ config }) => change(config.layers.find((l) => l.class_name === className) as LayerJson));
const setting = (className: string, key: string, value: unknown) =>
  layer(className, ({ config }) => {
    config[key] = value;
  });
const without = (entry: string) =>
  zipSync(Object.fromEntries(Object.entries(unzipSync(KERAS)).filter(([name]) => name !== entry)));
const withEntry = (entry: string, bytes: Uint8Array) => zipSync({ ...unzipSync(KERAS), [entry]: bytes });
/** The file with one bit turned. */
const withBit = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at] ^ 1);
const text = (value: string) => new TextEncoder().encode(value);

type Case = [string, Uint8Array, typeof EarmarkError, RegExp];

const FILES: Case[] = [
  [
    'an empty file',
    new Uint8Array(0),
    FileError,
    /^m: not a file that Keras saves: expected .*got an empty file/,
  ],
  ['a text', text('hello'), FileError, /not a file that Keras saves.*5 bytes that begin with 68 65 6c 6c/],
  ['half a zip', KERAS.slice(0, KERAS.length / 2), FileError, /^m: not a whole zip archive/],
  [
    'one bit that is wrong in the weights',
    withBit(KERAS, 40_000),
    FileError,
    /model.weights.h5 has a wrong checksum/,
  ],
  [
    'half an HDF5 file',
    H5.slice(0, H5.length / 2),
    FileError,
    /^m: not a whole HDF5 file: got truncated file/,
  ],
  [
    'a zip of something else',
    zipSync({ 'a.txt': text('a') }),
    FileError,
    /not a .keras file: expected config.json.*got a.txt/,
  ],
  ['no weights', without('model.weights.h5'), FileError, /expected model.weights.h5 in the archive/],
  [
    'truncated weights',
    withEntry('model.weights.h5', H5.slice(0, 3000)),
    FileError,
    /model.weights.h5: not a whole HDF5/,
  ],
  ['no JSON', withEntry('config.json', text('{"a"')), FileError, /^m: config.json: not JSON/],
  ['a list', withEntry('config.json', text('[]')), FileError, /^m: config.json: not an object/],
  [
    'weights only',
    unzipSync(KERAS)['model.weights.h5'],
    ModelError,
    /the file holds weights only.*model.save\('model.keras'\)/,
  ],
  [
    'weights of another model',
    withEntry('model.weights.h5', unzipSync(golden('unbuilt.3.15.keras'))['model.weights.h5']),
    ModelError,
    /Conv2D "conv2d": its weights in the file: expected 2 \(kernel, bias\), got 0/,
  ],
];

const MODELS: Case[] = [
  [
    'a subclassed model',
    changed((model) =>
      Object.assign(model, { class_name: 'MyNet', module: '__main__', config: { units: 3 } }),
    ),
    ModelError,
    /does not hold the model's layers.*got the class MyNet.*subclassed/,
  ],
  ['no layers', changed(({ config }) => config.layers.splice(0)), ModelError, /has no layers/],
  [
    'a layer without a name',
    layer('Conv2D', ({ config }) => delete config.name),
    ModelError,
    /expected a class_name and a name/,
  ],
  [
    'two layers of one name',
    setting('Flatten', 'name', 'conv2d'),
    ModelError,
    /two layers are named "conv2d"/,
  ],
  [
    'an unknown layer',
    layer('Flatten', (l) => Object.assign(l, { class_name: 'LSTM' })),
    ModelError,
    /the layer LSTM "flatten" is not known.*tf2onnx/,
  ],
  [
    'a Lambda',
    layer('Flatten', (l) => Object.assign(l, { class_name: 'Lambda' })),
    ModelError,
    /Lambda "flatten" is Python code/,
  ],
  [
    'a custom layer',
    layer('Flatten', (l) =>
      Object.assign(l, { class_name: 'Mine', module: 'lab', registered_name: 'lab>Mine' }),
    ),
    ModelError,
    /the layer lab>Mine "flatten" is Python code/,
  ],
  [
    'an unknown activation',
    setting('Dense', 'activation', 'wave'),
    ModelError,
    /Dense "dense": activation: expected one of relu.*got "wave".*tf2onnx/,
  ],
  [
    'a custom activation',
    setting('Dense', 'activation', { class_name: 'function', config: 'mine' }),
    ModelError,
    /"dense": activation.*mine/,
  ],
  [
    'a quantized layer',
    setting('Dense', 'quantization_config', { mode: 'int8' }),
    ModelError,
    /data type of Dense "dense": expected float32, got quantized/,
  ],
  [
    'a quantized policy',
    setting('Dense', 'dtype', { class_name: 'QuantizedDTypePolicy', config: { name: 'int8_from_float32' } }),
    ModelError,
    /data type of Dense "dense".*int8_from_float32/,
  ],
  [
    'a kernel of another shape',
    setting('Conv2D', 'filters', 5),
    ModelError,
    /shape of its weight "kernel": expected \[3, 3, 1, 5\], got \[3, 3, 1, 4\]/,
  ],
  [
    'a missing bias',
    setting('Conv2D', 'use_bias', false),
    ModelError,
    /its weights in the file: expected 1 \(kernel\), got 2/,
  ],
  [
    'an unknown padding',
    setting('Conv2D', 'padding', 'full'),
    ModelError,
    /Conv2D "conv2d": padding: expected valid or same, got "full"/,
  ],
  [
    'a word for a number',
    setting('BatchNormalization', 'epsilon', 'small'),
    ModelError,
    /epsilon: expected a number, got "small"/,
  ],
  ['strides of one axis', setting('Conv2D', 'strides', [1]), ModelError, /strides: expected 2 whole numbers/],
  [
    'an axis too many',
    setting('BatchNormalization', 'axis', 7),
    ModelError,
    /"batch_normalization": axis: expected 1 to 3, got 7/,
  ],
  [
    'an open input',
    setting('InputLayer', 'batch_shape', [null, null, 34, 1]),
    ModelError,
    /shape of the input "input_layer": expected fixed extents.*\[N, open, 34, 1\].*--features/,
  ],
];

describe.each([...FILES, ...MODELS])('%s', (_, bytes, kind, message) => {
  it('is refused', async () => {
    const refused = importKeras(bytes, { name: 'm' });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(kind);
  });
});

/** A functional model from its configuration alone: it is refused before weights matter. */
const functional = (config: object) =>
  importKeras(withEntry('config.json', text(JSON.stringify({ class_name: 'Functional', config }))));
const input = (name: string) => ({
  class_name: 'InputLayer',
  name,
  config: { name, batch_shape: [null, 4] },
  inbound_nodes: [],
});
const relu = (name: string, of: string) => ({
  class_name: 'ReLU',
  name,
  config: { name },
  inbound_nodes: [[[of, 0, 0, {}]]],
});

describe('a functional model', () => {
  it('of two inputs is refused', async () => {
    const layers = [input('a'), input('b'), relu('c', 'a')];
    const model = functional({
      layers,
      input_layers: [
        ['a', 0, 0],
        ['b', 0, 0],
      ],
      output_layers: [['c', 0, 0]],
    });
    await expect(model).rejects.toThrow(/number of the model's inputs: expected 1, got 2/);
  });

  it('that goes round, or takes what is not there, is refused', async () => {
    const ends = { input_layers: [['a', 0, 0]], output_layers: [['c', 0, 0]] };
    const round = functional({ layers: [input('a'), relu('b', 'c'), relu('c', 'b')], ...ends });
    await expect(round).rejects.toThrow(
      /the layer "c": expected what its configuration defines, got a cycle/,
    );
    const open = functional({ layers: [input('a'), relu('c', 'b')], ...ends });
    await expect(open).rejects.toThrow(/the layer "b": .*got nothing/);
  });

  it('without outputs is refused', async () => {
    await expect(functional({ layers: [input('a')], input_layers: [['a', 0, 0]] })).rejects.toThrow(
      /expected outputs, got none/,
    );
  });
});

it('extents that a model leaves open are taken from the caller', async () => {
  const open = setting('InputLayer', 'batch_shape', [null, null, 34, 1]);
  const { graph } = await importKeras(open, { input: [16, 34, 1] });
  expect(graph).toEqual((await importKeras(KERAS)).graph);
  await expect(importKeras(open, { input: [16, 33, 1] })).rejects.toThrow(
    /expected \[N, 16, 33, 1\], got \[N, open, 34, 1\]/,
  );
});

it('whatever is damaged, the error is ours', async () => {
  const damaged = fc.tuple(
    fc.constantFrom(KERAS, H5),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async ([file, changes]) => {
      const bytes = file.slice();
      // Mostly where the structure is: at the beginning, and at a zip's end.
      changes.forEach(([at, value], i) => {
        bytes[i % 2 === 0 ? at % 2000 : bytes.length - 1 - (at % 400)] = value;
      });
      const error: unknown = await importKeras(bytes).then(
        () => undefined,
        (cause) => cause,
      );
      expect(error === undefined || error instanceof EarmarkError, String(error)).toBe(true);
    }),
    { numRuns: 60 },
  );
}, 120_000);
