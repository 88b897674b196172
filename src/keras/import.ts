// A model that Keras saved becomes a graph: the same layers under the same names, the same input, the same predictions.
import { ModelError } from '../errors.ts';
import { explicitWindows } from '../graph/explicit.ts';
import { prune } from '../graph/simplify.ts';
import type { Graph } from '../graph/types.ts';
import { verify } from '../graph/verify.ts';
import { Call } from './call.ts';
import { Canvas, type Value } from './canvas.ts';
import { type KerasFile, withKerasFile } from './file.ts';
import { upgraded } from './keras1.ts';
import { EXPORT } from './layers/activations.ts';
import { kindOf } from './layers.ts';
import { type KerasLayer, type KerasModel, type Reference, readModel } from './network.ts';
import { isJson, Settings } from './settings.ts';
import { type LayerWeights, weightsByClass, weightsByName, whereOf } from './weights.ts';

/** Gives the extents of an input, given those that the model says; null is open. */
export type OpenExtents = (said: readonly (number | null)[]) => readonly number[];

export interface KerasImportOptions {
  /** How errors call the file. */
  readonly name?: string;
  /** Extents of the input without the batch, [40, 130, 1], where the model leaves them open; or what gives them. */
  readonly input?: readonly number[] | OpenExtents;
}

/** A layer as Keras' `summary` lists it. */
export interface ImportedLayer {
  readonly name: string;
  readonly className: string;
  /** Of its output, in Keras' order, without the batch. */
  readonly shape: readonly number[];
  readonly parameters: number;
}

export interface KerasImport {
  /** From the input in Keras' own order, [N, …extents], to what the model gives. */
  readonly graph: Graph;
  readonly kerasVersion: string;
  readonly format: KerasFile['format'];
  readonly layers: readonly ImportedLayer[];
  /** All numbers in the layers, those included that are not trained. */
  readonly parameters: number;
  /** What the file holds and the graph does not: layers that do nothing at inference, the optimizer. */
  readonly dropped: readonly string[];
  /** What may make predictions differ from Keras' own. */
  readonly notes: readonly string[];
}

/**
 * Reads a model that Keras saved: `.keras` files of Keras 3 and of late Keras 2, `.h5` files of any. Nodes are named as
 * Keras' layers, those of a model within a model "outer/inner", parts of a layer "layer/part".
 *
 * @param bytes the file
 * @throws FileError where it is none of Keras' or damaged; ModelError where a layer, an activation or a data type is not
 *   known, where weights are missing or of another shape, where the model has several inputs, or none of fixed extents
 */
export async function importKeras(bytes: Uint8Array, options: KerasImportOptions = {}): Promise<KerasImport> {
  const { name = 'model' } = options;
  return withKerasFile(bytes, name, (file) => {
    const major = Number.parseInt(file.version, 10);
    const model = readModel(major === 1 ? upgraded(file.config, name) : file.config, name);
    const notes = checked(model, name);
    const weights = (file.format === 'keras' ? weightsByClass : weightsByName)(model, file.weights);
    const drawn = new Drawing(weights, major).whole(model, options, name);
    const { format, version, optimizer } = file;
    const idle = allLayers(model).filter(({ className }) => kindOf(className)?.idle);
    return {
      ...drawn,
      format,
      kerasVersion: version,
      parameters: drawn.layers.reduce((sum, layer) => sum + layer.parameters, 0),
      dropped: [...idle.map(whereOf), ...(optimizer ? [`the optimizer ${optimizer} and its state`] : [])],
      notes,
    };
  });
}

function allLayers({ layers }: KerasModel): KerasLayer[] {
  return layers.flatMap((layer) => (layer.model ? allLayers(layer.model) : [layer]));
}

/** Refuses layers that cannot be drawn. @returns what may make a difference */
function checked(model: KerasModel, file: string): string[] {
  const policies = new Set<string>();
  for (const layer of allLayers(model)) {
    if (layer.className !== 'InputLayer' && !kindOf(layer.className)) throw unknown(layer, file);
    const { dtype, quantization_config: quantized } = layer.config;
    const policy = isJson(dtype) && isJson(dtype.config) ? dtype.config.name : (dtype ?? 'float32');
    if ((quantized ?? null) !== null || !/^(mixed_)?b?float(16|32|64)$/.test(String(policy))) {
      throw new ModelError({
        what: `${file}: data type of ${whereOf(layer)}`,
        expected: 'float32',
        got: quantized ? 'quantized weights' : String(policy),
        todo: 'Save the model as it was before it was quantized.',
      });
    }
    if (policy !== 'float32') policies.add(String(policy));
  }
  return [...policies].map((policy) => `Keras computes some layers in ${policy}, the graph all in float32`);
}

function unknown(layer: KerasLayer, file: string): ModelError {
  // Keras' own operations are saved as keras.src.ops.numpy>Mean and the like.
  const own = layer.className === 'Lambda' || /^(?!keras\.).*>/.test(layer.className);
  const why = own ? 'is Python code, which the file does not hold as a graph' : 'is not known';
  return new ModelError({
    what: `${file}: the layer ${whereOf(layer)} ${why}`,
    todo: `\`earmark import --help\` lists those that are. ${EXPORT}`,
  });
}

/** Draws a model into one graph. */
class Drawing {
  private readonly canvas = new Canvas();
  private readonly weights: LayerWeights;
  private readonly major: number;
  private readonly layers = new Map<KerasLayer, ImportedLayer>();
  /** How often each layer was drawn. */
  private readonly calls = new Map<KerasLayer, number>();

  constructor(weights: LayerWeights, major: number) {
    this.weights = weights;
    this.major = major;
  }

  whole(
    model: KerasModel,
    { input }: KerasImportOptions,
    file: string,
  ): { graph: Graph; layers: ImportedLayer[] } {
    const { g } = this.canvas;
    const [first, ...more] = model.inputs.map(({ layer }) => model.layers.find(({ name }) => name === layer));
    if (!first || more.length > 0) {
      throw new ModelError({
        what: `${file}: number of the model's inputs`,
        expected: '1',
        got: `${model.inputs.length}`,
        todo: 'Explanations are of one input: make a model that takes one, with the others constant.',
      });
    }
    const x = g.input(first.name, 'float32', ['N', ...inputShape(first, input, file)]);
    const outputs = this.model(model, [{ name: x, order: 'keras' }]);
    for (const value of outputs) {
      const name = this.canvas.plain(value, value.name);
      g.output(name === x ? g.emit('Identity', [x], {}, 'output') : name);
    }
    const graph = verify(prune(explicitWindows(g.build(model.name))));
    return { graph, layers: [...this.layers.values()] };
  }

  /** A model's outputs, given its inputs. */
  private model(model: KerasModel, inputs: readonly Value[]): Value[] {
    const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
    const given = new Map(model.inputs.map(({ layer }, i) => [layer, inputs[i]]));
    const known = new Map<string, Value[] | 'begun'>();
    const resultOf = ({ layer: name, call, tensor }: Reference): Value => {
      const input = given.get(name);
      if (input) return input;
      const key = JSON.stringify([name, call]);
      const layer = layers.get(name);
      const taken = layer?.calls[call];
      const before = known.get(key);
      if (!layer || !taken || before === 'begun') {
        throw new ModelError({
          what: `model "${model.name}": call ${call} of the layer "${name}"`,
          expected: 'what its configuration defines',
          got: before ? 'a cycle' : 'nothing',
        });
      }
      const results = before ?? [];
      if (!before) {
        known.set(key, 'begun');
        results.push(...this.layer(layer, taken.map(resultOf)));
        known.set(key, results);
      }
      return results[tensor] ?? results[0];
    };
    return model.outputs.map(resultOf);
  }

  private layer(layer: KerasLayer, inputs: readonly Value[]): Value[] {
    if (layer.model) return this.model(layer.model, inputs);
    const call = (this.calls.get(layer) ?? 0) + 1;
    this.calls.set(layer, call);
    const weights = this.weights.get(layer) ?? new Map();
    const settings = new Settings(layer.config, whereOf(layer));
    const name = call === 1 ? layer.path : `${layer.path}/${call}`;
    const result = (kindOf(layer.className) as NonNullable<ReturnType<typeof kindOf>>).draw(
      new Call(this.canvas, name, layer.path, settings, inputs, weights, this.major),
    );
    if (call === 1) {
      const { path, className } = layer;
      const parameters = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
      this.layers.set(layer, { name: path, className, shape: this.canvas.dims(result), parameters });
    }
    return [result];
  }
}

/** The input's extents without the batch: the model's own, and where it leaves them open, those given. */
function inputShape(layer: KerasLayer, given: KerasImportOptions['input'], file: string): number[] {
  const { batch_shape: shape, batch_input_shape: older } = layer.config;
  const said = [shape, older].find(Array.isArray)?.slice(1) as (number | null)[] | undefined;
  const wanted = typeof given === 'function' ? given(said ?? []) : given;
  const extents = said?.map((d, i) => d ?? wanted?.[i] ?? null) ?? [...(wanted ?? [])];
  const fixed = extents.length > 0 && extents.every((d): d is number => Number.isInteger(d) && Number(d) > 0);
  if (fixed && (typeof given !== 'object' || given.join() === extents.join())) return extents;
  throw new ModelError({
    what: `${file}: shape of the input "${layer.name}"`,
    expected: wanted ? `[${['N', ...wanted].join(', ')}]` : 'fixed extents beside the batch',
    got: said ? `[${['N', ...said.map((d) => d ?? 'open')].join(', ')}]` : 'none said',
    ...(!wanted && { todo: 'Say them: --features on the command line, `input` in the library.' }),
  });
}
