// Keras' normalizations, by batch and by layer, and the rescaling of inputs.
import type { Call, Kind } from '../call.ts';
import type { Value } from '../canvas.ts';
import type { Settings } from '../settings.ts';

const learnt = (settings: Settings) => [
  ...(settings.flag('scale', true) ? ['gamma'] : []),
  ...(settings.flag('center', true) ? ['beta'] : []),
];

/** y = (x − μ)/√(σ² + ε)·γ + β along one axis, with the statistics that training kept. */
const BATCH_NORMALIZATION: Kind = {
  weights: (settings) => ({ trained: learnt(settings), kept: ['moving_mean', 'moving_variance'] }),
  draw: (call) => {
    const { settings, canvas } = call;
    if (settings.flag('renorm', false)) settings.refuse('renorm', 'false');
    const [axis, ...more] = settings.list('axis', [-1]);
    if (more.length > 0) settings.refuse('axis', 'one axis');
    const rank = canvas.dims(call.x).length + 1;
    const x = axis === -1 || axis === rank - 1 ? canvas.first(call.x, call.name) : call.x;
    const at = canvas.axis(x, axis, settings.where);
    const width = canvas.extents(x.name)[at - 1];
    const has = learnt(settings);
    const along = (name: string, neutral: number) =>
      has.includes(name) ? call.weight(name, [width]).data : new Float32Array(width).fill(neutral);
    const [gamma, beta] = [along('gamma', 1), along('beta', 0)];
    const [mean, variance] = ['moving_mean', 'moving_variance'].map(
      (name) => call.weight(name, [width]).data,
    );
    const epsilon = settings.number('epsilon', 1e-3);
    if (at === 1) {
      const statistics = Object.entries({ gamma, beta, mean, variance });
      const operands = statistics.map(([name, data]) => call.field(x, data, [width], name));
      return { ...x, name: call.emit('BatchNormalization', [x.name, ...operands], { epsilon }) };
    }
    const scale = gamma.map((g, i) => g / Math.sqrt(variance[i] + epsilon));
    const shift = beta.map((b, i) => b - mean[i] * scale[i]);
    return affine(call, x, scale, shift, alongAxes(call, x, [axis]));
  },
};

/** Over the given axes of each clip: y = (x − mean)/√(variance + ε)·γ + β; `rms_scaling` leaves mean and β out. */
const LAYER_NORMALIZATION: Kind = {
  weights: (settings) => ({ trained: settings.flag('rms_scaling', false) ? ['gamma'] : learnt(settings) }),
  draw: (call) => {
    const { x, settings, canvas } = call;
    const dims = canvas.dims(x);
    const axes = axesOf(settings, dims.length + 1);
    const reduced = axes.map((axis) => canvas.axis(x, axis, settings.where));
    const { g } = canvas;
    const rms = settings.flag('rms_scaling', false);
    const centred = rms ? x.name : call.emit('Sub', [x.name, g.reduceMean(x.name, reduced)], {}, 'centred');
    const variance = g.reduceMean(g.mul(centred, centred), reduced);
    const spread = call.emit('Sqrt', [g.add(variance, settings.number('epsilon', 1e-3))], {}, 'spread');
    const has = rms ? ['gamma'] : learnt(settings);
    const [shape, field] = [axes.map((axis) => dims[axis - 1]), alongAxes(call, x, axes)];
    const along = (name: string) => call.field(x, call.weight(name, shape).data, field, name);
    let y = call.emit('Div', [centred, spread], {}, has.length > 0 ? 'normalized' : undefined);
    if (has.includes('gamma'))
      y = call.emit('Mul', [y, along('gamma')], {}, has.includes('beta') ? 'scaled' : undefined);
    if (has.includes('beta')) y = call.emit('Add', [y, along('beta')]);
    return { ...x, name: y };
  },
};

/** (x − mean)/max(√variance, 1e-7), or with `invert` back; both are given, or were adapted and kept. */
const NORMALIZATION: Kind = {
  weights: ({ json }) => ({
    trained: [],
    kept: (json.mean ?? null) === null ? ['mean', 'variance', 'count'] : [],
  }),
  draw: (call) => {
    const { settings, canvas } = call;
    const x = canvas.first(call.x, call.name);
    const dims = canvas.dims(x);
    const axes = settings.json.axis === null ? [] : axesOf(settings, dims.length + 1);
    const shape = axes.map((axis) => dims[axis - 1]);
    const [mean, variance] = ['mean', 'variance'].map((name) => {
      const given = (settings.json[name] ?? null) === null ? undefined : numbers(settings, name);
      if (!given) return call.weight(name, shape).data;
      const size = shape.reduce((a, b) => a * b, 1);
      return given.length === size ? given : new Float32Array(size).fill(given[0]);
    });
    const spread = variance.map((v) => Math.max(Math.sqrt(v), 1e-7));
    const invert = settings.flag('invert', false);
    const scale = spread.map((s) => (invert ? s : 1 / s));
    const shift = mean.map((m, i) => (invert ? m : -m / spread[i]));
    return affine(call, x, scale, shift, alongAxes(call, x, axes));
  },
};

/** x · scale + offset, each a number or one for each channel. */
const RESCALING: Kind = {
  draw: (call) => {
    const x = call.canvas.first(call.x, call.name);
    const [scale, offset] = [numbers(call.settings, 'scale'), numbers(call.settings, 'offset')];
    const width = Math.max(scale.length, offset.length);
    const each = (values: Float32Array) =>
      values.length === width ? values : new Float32Array(width).fill(values[0]);
    const dims = call.canvas.dims(x).map((_, i, all) => (i === all.length - 1 ? width : 1));
    return affine(call, x, each(scale), each(offset), dims);
  },
};

/** x · scale + shift, element by element. @param dims of scale and shift, in Keras' order */
function affine(
  call: Call,
  x: Value,
  scale: Float32Array,
  shift: Float32Array,
  dims: readonly number[],
): Value {
  const scaled = call.emit('Mul', [x.name, call.field(x, scale, dims, 'scale')], {}, 'scaled');
  return { ...x, name: call.emit('Add', [scaled, call.field(x, shift, dims, 'shift')]) };
}

/** A value's extents in Keras' order, 1 but for the axes given. */
function alongAxes(call: Call, x: Value, axes: readonly number[]): number[] {
  return call.canvas.dims(x).map((d, i) => (axes.includes(i + 1) ? d : 1));
}

/** The setting `axis`, counted from the start, in order. @throws ModelError where it is not */
function axesOf(settings: Settings, rank: number): number[] {
  const axes = settings.list('axis', [-1]).map((axis) => (axis < 0 ? axis + rank : axis));
  const inOrder = axes.every((axis, i) => axis > (axes[i - 1] ?? 0) && axis < rank);
  return inOrder ? axes : settings.refuse('axis', `axes from 1 to ${rank - 1}, in order`);
}

/** A number, or a nest of lists of them. */
function numbers(settings: Settings, key: string): Float32Array {
  const flat = [settings.json[key] ?? 0].flat(Number.POSITIVE_INFINITY);
  return flat.length > 0 && flat.every((v) => typeof v === 'number')
    ? Float32Array.from(flat as number[])
    : settings.refuse(key, 'numbers');
}

export const NORMALIZING: Readonly<Record<string, Kind>> = {
  BatchNormalization: BATCH_NORMALIZATION,
  LayerNormalization: LAYER_NORMALIZATION,
  Normalization: NORMALIZATION,
  Rescaling: RESCALING,
};
