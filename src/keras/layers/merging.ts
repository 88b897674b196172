// Keras' layers of several inputs: sums, products, extremes, concatenation.
import { ModelError } from '../../errors.ts';
import type { Call, Kind } from '../call.ts';
import type { Order } from '../canvas.ts';

interface Aligned {
  readonly names: readonly string[];
  readonly order: Order;
}

/** The inputs in one order. @throws ModelError where they are fewer than two, or of different numbers of axes */
function aligned({ inputs, canvas, settings, name }: Call): Aligned {
  const ranks = new Set(inputs.map((x) => canvas.dims(x).length));
  if (inputs.length < 2 || ranks.size > 1) {
    throw new ModelError({
      what: `${settings.where}: its inputs`,
      expected: 'two or more, of the same number of axes',
      got: inputs.map((x) => `[${['N', ...canvas.dims(x)].join(', ')}]`).join(' and '),
      todo: 'Arithmetic with a constant is not read: use Rescaling in its place, or export the model as ONNX.',
    });
  }
  const first = inputs.some(({ order }) => order === 'first');
  const names = inputs.map((x) => (first ? canvas.first(x, name).name : canvas.plain(x, name)));
  return { names, order: first ? 'first' : 'keras' };
}

const merging = (draw: (call: Call, names: readonly string[]) => string): Kind => ({
  draw: (call) => {
    const { names, order } = aligned(call);
    return { name: draw(call, names), order };
  },
});

/** Of two; the last node bears the layer's name. */
const pairwise = (op: 'Add' | 'Mul' | 'Sub') =>
  merging((call, names) =>
    names.reduce((sum, next, i) => call.emit(op, [sum, next], {}, i < names.length - 1 ? `${i}` : undefined)),
  );

const SUBTRACT: Kind = {
  draw: (call) => {
    if (call.inputs.length > 2) throw new ModelError(`${call.settings.where}: takes two inputs`);
    return pairwise('Sub').draw(call);
  },
};

const AVERAGE = merging((call, names) => {
  const sum = call.emit('Sum', [...names], {}, 'sum');
  return call.emit('Mul', [sum, 1 / names.length]);
});

const CONCATENATE: Kind = {
  draw: (call) => {
    const { names, order } = aligned(call);
    const axis = call.canvas.axis(
      { name: names[0], order },
      call.settings.number('axis', -1),
      call.settings.where,
    );
    return { name: call.emit('Concat', [...names], { axis }), order };
  },
};

export const MERGING: Readonly<Record<string, Kind>> = {
  Add: pairwise('Add'),
  Subtract: SUBTRACT,
  Multiply: pairwise('Mul'),
  Average: AVERAGE,
  Maximum: merging((call, names) => call.emit('Max', [...names])),
  Minimum: merging((call, names) => call.emit('Min', [...names])),
  Concatenate: CONCATENATE,
};
