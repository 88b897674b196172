// Finds each layer's weights in a Keras file: by the layer's class in .keras files, by its name in .h5 files.
import { ModelError } from '../errors.ts';
import type { WeightNames } from './call.ts';
import type { Hdf5, Weight } from './hdf5.ts';
import { kindOf } from './layers.ts';
import type { KerasLayer, KerasModel } from './network.ts';
import { Settings } from './settings.ts';

/** A layer's weights by name. */
export type LayerWeights = ReadonlyMap<KerasLayer, ReadonlyMap<string, Weight>>;

export function whereOf({ className, path }: KerasLayer): string {
  return `${className} "${path}"`;
}

function namesOf(layer: KerasLayer): Required<WeightNames> {
  const { trained = [], kept = [] } =
    kindOf(layer.className)?.weights?.(new Settings(layer.config, whereOf(layer))) ?? {};
  return { trained, kept };
}

function named(
  layer: KerasLayer,
  names: readonly string[],
  weights: readonly Weight[],
): ReadonlyMap<string, Weight> {
  if (weights.length !== names.length) throw missing(layer, names, weights.length);
  return new Map(names.map((name, i) => [name, weights[i]]));
}

function missing(layer: KerasLayer, names: readonly string[], got: number): ModelError {
  return new ModelError({
    what: `${whereOf(layer)}: its weights in the file`,
    expected: names.length > 0 ? `${names.length} (${names.join(', ')})` : 'none',
    got: `${got}`,
    todo: 'Save the whole model again, with its weights.',
  });
}

/** What Keras 2.12 calls `layers`. */
const OLDER = '_layer_checkpoint_dependencies';

/**
 * Weights of a .keras file: `layers/CLASS/vars/0…`, the class in snake case and counted, conv2d, conv2d_1, … in the order
 * of the layers.
 *
 * @throws ModelError where some are missing, or there are others
 */
export function weightsByClass(model: KerasModel, file: Hdf5): LayerWeights {
  const found = new Map<KerasLayer, ReadonlyMap<string, Weight>>();
  const visit = ({ layers }: KerasModel, prefix: string) => {
    const folder = ['layers', OLDER].find((name) => file.names(`${prefix}${name}`).length > 0);
    const counts = new Map<string, number>();
    for (const layer of layers) {
      const base = snakeCase(layer.className);
      const count = counts.get(base) ?? 0;
      // Keras 2.12 lists layers with weights twice, and saves the first.
      counts.set(base, count + (folder === OLDER && hasWeights(layer) ? 2 : 1));
      const group = `${prefix}${folder}/${base}${count > 0 ? `_${count}` : ''}`;
      if (layer.model) visit(layer.model, `${group}/`);
      else {
        const { trained, kept } = namesOf(layer);
        const saved = file.names(`${group}/vars`).sort((a, b) => Number(a) - Number(b));
        const weights = saved.map((name) => file.weight(`${group}/vars/${name}`) as Weight);
        found.set(layer, named(layer, [...trained, ...kept], weights));
      }
    }
  };
  visit(model, '');
  return found;
}

function hasWeights(layer: KerasLayer): boolean {
  return layer.model
    ? layer.model.layers.some(hasWeights)
    : slotsOf(layer).trained.length + slotsOf(layer).kept.length > 0;
}

/** "BatchNormalization" to "batch_normalization", as Keras does. */
function snakeCase(name: string): string {
  return name
    .replaceAll(/\W+/g, '')
    .replaceAll(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/**
 * Weights of an .h5 file: a group for each layer of the outermost model, which lists what the layer, or the model that it
 * is, trains, then what it keeps.
 *
 * @throws ModelError where some are missing, or there are others
 */
export function weightsByName(model: KerasModel, file: Hdf5): LayerWeights {
  const found = new Map<KerasLayer, Map<string, Weight>>();
  for (const layer of model.layers) {
    const group = `model_weights/${layer.name}`;
    const weights = textsOf(file, group, 'weight_names').map((name) => {
      const weight = file.weight(`${group}/${name}`);
      if (weight) return weight;
      throw new ModelError(`${whereOf(layer)}: its weight "${name}" is not in the file`);
    });
    const { trained, kept } = slotsOf(layer);
    const slots = [...trained, ...kept];
    if (slots.length !== weights.length)
      throw missing(
        layer,
        slots.map(([, name]) => name),
        weights.length,
      );
    slots.forEach(([owner, name], i) => {
      const own = found.get(owner) ?? new Map<string, Weight>();
      found.set(owner, own.set(name, weights[i]));
    });
  }
  return found;
}

type Slot = readonly [layer: KerasLayer, weight: string];

/** Weights in the order of the file; those of a frozen layer are kept, all of them. */
function slotsOf(layer: KerasLayer): { trained: Slot[]; kept: Slot[] } {
  const frozen = layer.config.trainable === false;
  const parts = layer.model
    ? layer.model.layers.map(slotsOf)
    : [
        {
          trained: namesOf(layer).trained.map((name): Slot => [layer, name]),
          kept: namesOf(layer).kept.map((name): Slot => [layer, name]),
        },
      ];
  if (frozen) return { trained: [], kept: parts.flatMap(({ trained, kept }) => [...trained, ...kept]) };
  return { trained: parts.flatMap(({ trained }) => trained), kept: parts.flatMap(({ kept }) => kept) };
}

/** A list of texts in an attribute; a long one lies in pieces, NAME0, NAME1, … */
function textsOf(file: Hdf5, path: string, name: string): string[] {
  const whole = file.attribute(path, name);
  if (whole !== undefined) return Array.from(whole as ArrayLike<unknown>, String);
  const texts: string[] = [];
  for (let i = 0; ; i++) {
    const piece = file.attribute(path, `${name}${i}`);
    if (piece === undefined) return texts;
    texts.push(...Array.from(piece as ArrayLike<unknown>, String));
  }
}
