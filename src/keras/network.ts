// What a Keras configuration says: a tree of layers, and which layer is called on the results of which.
import { ModelError } from '../errors.ts';
import { isJson, type Json } from './settings.ts';

/** A result of a layer: that of its call number `call`. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly tensor: number;
}

export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  /** In front of its name, those of the models that it is a part of: "outer/conv2d". */
  readonly path: string;
  readonly config: Json;
  /** What each of its calls takes. */
  readonly calls: readonly (readonly Reference[])[];
  /** Of a model within a model. */
  readonly model?: KerasModel;
}

export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

const MODELS = ['Sequential', 'Functional', 'Model'];

/**
 * Reads a model's configuration, as any Keras wrote it.
 *
 * @param name how errors call the file
 * @throws ModelError where it is none, or that of a model whose layers only its Python code knows
 */
export function readModel(json: unknown, name: string): KerasModel {
  const { class_name: className, config } = isJson(json) ? json : {};
  const listed = isJson(config) ? config.layers : config;
  if (typeof className === 'string' && MODELS.includes(className) && Array.isArray(listed)) {
    return modelOf(className, config as Json | unknown[], '', name);
  }
  throw new ModelError({
    what: `${name}: the file does not hold the model's layers`,
    expected: 'a Sequential or Functional model',
    got: typeof className === 'string' ? `the class ${className}` : 'no class',
    todo: 'A subclassed model is known to its Python code only: rebuild it with keras.Model(inputs, outputs), copy the weights, save it again; or export it to ONNX.',
  });
}

function modelOf(className: string, config: Json | unknown[], prefix: string, file: string): KerasModel {
  const given = isJson(config) ? config : { layers: config };
  const layers = (given.layers as unknown[]).map((layer) => layerOf(layer, prefix, file));
  const twice = layers.find(({ name }, i) => layers.findIndex((other) => other.name === name) < i);
  if (twice) throw new ModelError(`${file}: two layers are named "${twice.name}"`);
  const name = typeof given.name === 'string' ? given.name : className.toLowerCase();
  if (className === 'Sequential') return sequential(name, layers, given.build_input_shape, file);
  const [inputs, outputs] = [given.input_layers, given.output_layers].map(referencesIn);
  if (outputs.length > 0) return { name, layers: numbered(layers, outputs), inputs, outputs };
  throw new ModelError({ what: `${file}: model "${name}"`, expected: 'outputs', got: 'none' });
}

function layerOf(json: unknown, prefix: string, file: string): KerasLayer {
  const {
    class_name: className,
    config: settings,
    inbound_nodes: nodes = [],
    ...rest
  } = isJson(json) ? json : {};
  const config = isJson(settings) ? settings : { layers: settings };
  const name = rest.name ?? config.name;
  if (typeof className !== 'string' || typeof name !== 'string' || !Array.isArray(nodes)) {
    throw new ModelError({
      what: `${file}: a layer of the configuration`,
      expected: 'a class_name and a name',
      got: JSON.stringify(json)?.slice(0, 80),
    });
  }
  const path = `${prefix}${name}`;
  const within = MODELS.includes(className) && Array.isArray(config.layers);
  return {
    className: classOf(className, json as Json),
    name,
    path,
    config,
    calls: nodes.map(referencesIn),
    ...(within && { model: modelOf(className, config, `${path}/`, file) }),
  };
}

/** Keras' operations that are also layers of the same name, and take nothing but values. */
const OPERATIONS = ['Add', 'Subtract', 'Multiply', 'Maximum', 'Minimum'];

/** The class, with the package or module in front that it comes from where it is none of Keras' layers. */
function classOf(className: string, { module, registered_name: registered }: Json): string {
  if (typeof registered === 'string' && registered.includes('>')) return registered;
  if (typeof module !== 'string') return className;
  const keras = /^(keras|tf_keras|tensorflow\.keras)(\.|$)/.test(module);
  const operation = /\.ops\./.test(module) && !OPERATIONS.includes(className);
  return keras && !operation ? className : `${module}>${className}`;
}

/** Keras may count the calls of a model within from 1, since making it was a call: those get one without arguments in front. */
function numbered(layers: readonly KerasLayer[], outputs: readonly Reference[]): KerasLayer[] {
  const references = [...outputs, ...layers.flatMap(({ calls }) => calls.flat())];
  return layers.map((layer) => {
    const shifted =
      layer.model &&
      references.some(({ layer: name, call }) => name === layer.name && call === layer.calls.length);
    return shifted ? { ...layer, calls: [[], ...layer.calls] } : layer;
  });
}

/** Layers one after the other; an InputLayer first, if there is one. @param built the input's shape, if known */
function sequential(name: string, layers: readonly KerasLayer[], built: unknown, file: string): KerasModel {
  if (layers.length === 0) throw new ModelError(`${file}: model "${name}" has no layers`);
  const first = layers[0];
  const input: KerasLayer =
    first.className === 'InputLayer'
      ? first
      : {
          className: 'InputLayer',
          name: `${name}_input`,
          path: `${first.path}_input`,
          config: { batch_shape: built, ...inputOf(first) },
          calls: [],
        };
  const rest = first === input ? layers.slice(1) : layers;
  const chain = [input, ...rest].map(
    (layer, i, all): KerasLayer =>
      i === 0 ? layer : { ...layer, calls: [[{ layer: all[i - 1].name, call: 0, tensor: 0 }]] },
  );
  const ends = [input, chain[chain.length - 1]].map((layer) => [{ layer: layer.name, call: 0, tensor: 0 }]);
  return { name, layers: chain, inputs: ends[0], outputs: ends[1] };
}

/** Where the first layer says what the model takes: its own settings, or those of the model's own first layer. */
function inputOf(layer: KerasLayer): Json {
  const inner = layer.model?.layers.find(({ className }) => className === 'InputLayer');
  return inner ? inner.config : layer.config;
}

/** All references in a nest of lists and objects: ["conv", 0, 0], ["conv", 0, 0, {}] or {keras_history: […]}. */
function referencesIn(json: unknown): Reference[] {
  if (isJson(json)) return Object.values(json).flatMap(referencesIn);
  if (!Array.isArray(json)) return [];
  const [layer, call, tensor, more] = json;
  if (typeof layer !== 'string') return json.flatMap(referencesIn);
  if (!Number.isInteger(call) || !Number.isInteger(tensor)) return [];
  return [{ layer, call, tensor }, ...referencesIn(more)];
}
