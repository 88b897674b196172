// Keras' activations, as functions by name and as layers.
import type { Call, Kind } from '../call.ts';
import type { Value } from '../canvas.ts';
import { isJson, Settings } from '../settings.ts';

/** Draws one; its last node is named after the layer, or after `part` of it. */
type Draw = (call: Call, x: string, part?: string) => string;

const FUNCTIONS: Readonly<Record<string, Draw>> = {
  relu: (call, x, part) => call.emit('Relu', [x], {}, part),
  relu6: (call, x, part) => call.emit('Clip', [x, 0, 6], {}, part),
  leaky_relu: (call, x, part) => call.emit('LeakyRelu', [x], { alpha: 0.2 }, part),
  elu: (call, x, part) => call.emit('Elu', [x], { alpha: 1 }, part),
  selu: (call, x, part) => call.emit('Selu', [x], {}, part),
  celu: (call, x, part) => call.emit('Celu', [x], { alpha: 1 }, part),
  /** x · ½ (1 + erf(x / √2)) */
  gelu: (call, x, part) => {
    const erf = call.emit('Erf', [call.emit('Mul', [x, Math.SQRT1_2], {}, 'scaled')], {}, 'erf');
    const gate = call.emit('Mul', [call.emit('Add', [erf, 1], {}, 'twice'), 0.5], {}, 'gate');
    return call.emit('Mul', [x, gate], {}, part);
  },
  silu: (call, x, part) => call.emit('Mul', [x, call.emit('Sigmoid', [x], {}, 'gate')], {}, part),
  hard_silu: (call, x, part) => call.emit('HardSwish', [x], {}, part),
  mish: (call, x, part) => call.emit('Mish', [x], {}, part),
  sigmoid: (call, x, part) => call.emit('Sigmoid', [x], {}, part),
  /** Keras 3 made it gentler. */
  hard_sigmoid: (call, x, part) =>
    call.emit('HardSigmoid', [x], { alpha: call.version < 3 ? 0.2 : 1 / 6, beta: 0.5 }, part),
  tanh: (call, x, part) => call.emit('Tanh', [x], {}, part),
  softplus: (call, x, part) => call.emit('Softplus', [x], {}, part),
  softsign: (call, x, part) => call.emit('Softsign', [x], {}, part),
  exponential: (call, x, part) => call.emit('Exp', [x], {}, part),
  log_sigmoid: (call, x, part) => {
    const opposite = call.emit('Neg', [x], {}, 'opposite');
    return call.emit('Neg', [call.emit('Softplus', [opposite], {}, 'softplus')], {}, part);
  },
};
const ALIASES: Readonly<Record<string, string>> = { swish: 'silu', hard_swish: 'hard_silu' };

/** What to do about a layer or an activation that is not known. */
export const EXPORT =
  'Export the model to ONNX (python -m tf2onnx.convert --keras FILE --output model.onnx), and see what `earmark inspect model.onnx` says.';

/** What follows a layer: its `activation`, a name or a layer. @throws ModelError where it is unknown */
export function activate(call: Call, x: Value): Value {
  return activated(call, x, call.settings, call.settings.json.activation, true);
}

function activated(call: Call, x: Value, settings: Settings, activation: unknown, follows: boolean): Value {
  if (activation === undefined || activation === null || activation === 'linear') return x;
  const written = isJson(activation) ? activation : {};
  if (typeof written.class_name === 'string' && Object.hasOwn(LAYERS, written.class_name)) {
    const config = isJson(written.config) ? written.config : {};
    const own = new Settings(config, `${settings.where}: activation ${written.class_name}`);
    return LAYERS[written.class_name](call, x, own, follows ? written.class_name.toLowerCase() : undefined);
  }
  const name = typeof activation === 'string' ? (ALIASES[activation] ?? activation) : '';
  const part = follows ? name : undefined;
  if (name === 'softmax') return softmax(call, x, 'Softmax', -1, part);
  if (name === 'log_softmax') return softmax(call, x, 'LogSoftmax', -1, part);
  if (Object.hasOwn(FUNCTIONS, name)) return { ...x, name: FUNCTIONS[name](call, x.name, part) };
  const known = [...Object.keys(FUNCTIONS), 'softmax', 'log_softmax', 'linear'];
  return settings.refuse('activation', `one of ${known.join(', ')}`, EXPORT);
}

function softmax(call: Call, x: Value, op: 'Softmax' | 'LogSoftmax', axis: number, part?: string): Value {
  const value: Value = { name: call.plain(x), order: 'keras' };
  const at = call.canvas.axis(value, axis, call.settings.where);
  return { ...value, name: call.emit(op, [value.name], { axis: at }, part) };
}

/**
 * max where x ≥ max, x where threshold ≤ x < max, else slope · (x − threshold).
 * @see https://keras.io/api/layers/activation_layers/relu/
 */
function relu(call: Call, x: string, settings: Settings, part?: string): string {
  const [max, threshold] = [settings.limit('max_value'), settings.number('threshold', 0)];
  const slope = settings.limit('negative_slope') ?? settings.number('alpha', 0);
  if (slope === 0 && threshold === 0) {
    return max === undefined ? call.emit('Relu', [x], {}, part) : call.emit('Clip', [x, 0, max], {}, part);
  }
  const limited = max === undefined ? part : 'unlimited';
  const y =
    threshold === 0
      ? call.emit('LeakyRelu', [x], { alpha: slope }, limited)
      : slope === 0
        ? call.emit('ThresholdedRelu', [x], { alpha: threshold }, limited)
        : settings.refuse('threshold', '0 where there is a negative_slope', EXPORT);
  return max === undefined ? y : call.emit('Min', [y, max], {}, part);
}

type LayerDraw = (call: Call, x: Value, settings: Settings, part?: string) => Value;

const inPlace =
  (draw: (call: Call, x: string, settings: Settings, part?: string) => string): LayerDraw =>
  (call, x, settings, part) => ({ ...x, name: draw(call, x.name, settings, part) });

/** Layers without weights, which may also stand as another layer's activation. */
const LAYERS: Readonly<Record<string, LayerDraw>> = {
  Activation: (call, x, settings) => activated(call, x, settings, settings.json.activation, false),
  ReLU: inPlace(relu),
  LeakyReLU: inPlace((call, x, settings, part) => {
    const alpha = settings.limit('negative_slope') ?? settings.number('alpha', 0.3);
    return call.emit('LeakyRelu', [x], { alpha }, part);
  }),
  ELU: inPlace((call, x, s, part) => call.emit('Elu', [x], { alpha: s.number('alpha', 1) }, part)),
  ThresholdedReLU: inPlace((call, x, settings, part) =>
    call.emit('ThresholdedRelu', [x], { alpha: settings.number('theta', 1) }, part),
  ),
  Softmax: (call, x, settings, part) => {
    const [axis, ...more] = settings.list('axis', [-1]);
    if (more.length > 0) return settings.refuse('axis', 'one axis');
    return softmax(call, x, 'Softmax', axis, part);
  },
};

/** A slope for each element, or for all along the shared axes. */
const PRELU: Kind = {
  weights: () => ({ trained: ['alpha'] }),
  draw: (call) => {
    const { x, settings, canvas } = call;
    const shared = settings.list('shared_axes', []);
    const dims = canvas.dims(x).map((d, i) => (shared.includes(i + 1) ? 1 : d));
    const slope = call.field(x, call.weight('alpha', dims).data, dims, 'alpha');
    return { ...x, name: call.emit('PRelu', [x.name, slope]) };
  },
};

export const ACTIVATIONS: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    Object.entries(LAYERS).map(([name, draw]) => [
      name,
      { draw: (call: Call) => draw(call, call.x, call.settings) },
    ]),
  ),
  PReLU: PRELU,
};
