// Opens what Keras saves, a .keras or an .h5 file, told apart by content: its configuration, and its HDF5 part.
import { FileError, ModelError } from '../errors.ts';
import { type Hdf5, isHdf5, withHdf5 } from './hdf5.ts';
import { isJson, type Json } from './settings.ts';
import { unzipped } from './zip.ts';

export interface KerasFile {
  /** `keras`: a zip archive, Keras 2.12 and later; `h5`: HDF5 throughout. */
  readonly format: 'keras' | 'h5';
  /** As text, such as "3.15.1". */
  readonly version: string;
  readonly config: Json;
  readonly weights: Hdf5;
  /** The class of the optimizer, if the file holds one. */
  readonly optimizer?: string;
}

const CONFIG = 'config.json';
const METADATA = 'metadata.json';
const WEIGHTS = 'model.weights.h5';
const PARTS = [CONFIG, METADATA, WEIGHTS];
const SAVE = "Save the whole model with Keras: model.save('model.keras').";

/**
 * Opens a file for as long as `use` takes.
 *
 * @param name how errors call the file
 * @throws FileError where it is none of Keras' or damaged; ModelError where it holds weights only
 */
export async function withKerasFile<T>(
  bytes: Uint8Array,
  name: string,
  use: (file: KerasFile) => T,
): Promise<T> {
  if (isHdf5(bytes)) return withHdf5(bytes, name, (file) => use(legacyFile(file, name)));
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (!isZip) {
    const expected = 'a .keras or .h5 file';
    throw new FileError({
      what: `${name}: not a file that Keras saves`,
      expected,
      got: firstBytes(bytes),
      todo: SAVE,
    });
  }
  const entries = partsOf(bytes, name);
  const config = jsonOf(entries, CONFIG, name);
  const metadata = jsonOf(entries, METADATA, name);
  return withHdf5(entries[WEIGHTS], `${name}: ${WEIGHTS}`, (weights) => {
    const compiled = isJson(config.compile_config) ? config.compile_config.optimizer : undefined;
    const optimizer = weights.names('optimizer').length > 0 ? classOf(compiled) : undefined;
    const version = String(metadata.keras_version ?? '');
    return use({ format: 'keras', version, config, weights, ...(optimizer && { optimizer }) });
  });
}

function legacyFile(weights: Hdf5, name: string): KerasFile {
  const text = weights.attribute('/', 'model_config');
  if (typeof text !== 'string') {
    const layers = weights.attribute('/', 'layer_names') !== undefined || weights.names('layers').length > 0;
    throw new ModelError({
      what: `${name}: ${layers ? 'the file holds weights only' : 'no model of Keras is in this HDF5 file'}`,
      expected: 'an attribute model_config with its layers',
      todo: SAVE,
    });
  }
  const training = weights.attribute('/', 'training_config');
  const compiled = typeof training === 'string' ? parsed(training, `${name}: training_config`) : {};
  const optimizer =
    weights.names('optimizer_weights').length > 0 ? classOf(compiled.optimizer_config) : undefined;
  return {
    format: 'h5',
    // Keras 1 began to write its version late.
    version: String(
      weights.attribute('/', 'keras_version') ?? weights.attribute('model_weights', 'keras_version') ?? '1',
    ),
    config: parsed(text, `${name}: model_config`),
    weights,
    ...(optimizer && { optimizer }),
  };
}

function classOf(optimizer: unknown): string {
  const name = isJson(optimizer) ? optimizer.class_name : optimizer;
  return typeof name === 'string' ? name.replace(/^Custom>/, '') : 'of unknown class';
}

/** The parts of a .keras file. @throws FileError where one is missing */
function partsOf(bytes: Uint8Array, name: string): Readonly<Record<string, Uint8Array>> {
  const { entries, names } = unzipped(bytes, PARTS, name);
  const lacking = PARTS.find((part) => !entries[part]);
  if (lacking === undefined) return entries;
  const got = names.slice(0, 5).join(', ') || 'nothing';
  throw new FileError({
    what: `${name}: not a .keras file`,
    expected: `${lacking} in the archive`,
    got,
    todo: SAVE,
  });
}

function jsonOf(entries: Readonly<Record<string, Uint8Array>>, entry: string, name: string): Json {
  return parsed(new TextDecoder().decode(entries[entry]), `${name}: ${entry}`);
}

function parsed(text: string, what: string): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (isJson(json)) return json;
  } catch (cause) {
    throw new FileError({ what: `${what}: not JSON`, got: (cause as Error).message, cause });
  }
  throw new FileError({ what: `${what}: not an object`, got: text.slice(0, 80) });
}

function firstBytes(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'));
  return bytes.length === 0 ? 'an empty file' : `${bytes.length} bytes that begin with ${hex.join(' ')}`;
}
