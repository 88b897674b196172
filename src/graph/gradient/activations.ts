// The gradient of activations.
import { unbroadcast } from '../broadcasting.ts';
import { logistic } from '../logistic.ts';
import type { OpName } from '../ops.ts';
import { SELU } from '../ops.ts';
import type { Backward, ReverseTable, Visit } from '../reverse.ts';

/** An elementwise op of one operand: r · f′. */
export function pointwise<K extends OpName>(derivative: (v: Visit<K>) => string): { backward: Backward<K> } {
  return { backward: (v) => [v.g.mul(v.out, derivative(v))] };
}

/** r · f′ where x ≤ 0, else r · k; at 0 as PyTorch has it. */
function belowZero<K extends OpName>(
  derivative: (v: Visit<K>) => string | number,
  k: (v: Visit<K>) => number = () => 1,
): { backward: Backward<K> } {
  return {
    backward: (v) => {
      const above = v.g.emit('Greater', [v.input(0), 0]);
      const straight = k(v) === 1 ? v.out : v.g.mul(v.out, k(v));
      return [v.g.where(above, straight, v.g.mul(v.out, derivative(v)))];
    },
  };
}

/** f′ · r where f neither cuts off below nor above. */
function between<K extends OpName>(
  inside: (v: Visit<K>) => string,
  adjoint: (v: Visit<K>) => string = (v) => v.out,
): { backward: Backward<K> } {
  return { backward: (v) => [v.g.where(inside(v), adjoint(v), 0)] };
}

/** 1/STEEP is the smallest normal float32. */
const STEEP = 2 ** 126;

export const ACTIVATIONS = {
  // 1 above 0 as a steep ramp from 0 on, in one pass without booleans.
  Relu: pointwise((v) => v.g.emit('HardSigmoid', [v.node.outputs[0]], { alpha: STEEP, beta: 0 })),
  LeakyRelu: belowZero((v) => v.node.attributes.alpha ?? 0.01),
  PRelu: {
    backward: (v) => {
      const above = v.g.emit('Greater', [v.input(0), 0]);
      return [
        v.needs(0) ? v.g.where(above, v.out, v.g.mul(v.out, v.input(1))) : undefined,
        v.needs(1)
          ? unbroadcast(v.g, v.g.where(above, 0, v.g.mul(v.out, v.input(0))), v.shape(1))
          : undefined,
      ];
    },
  },
  ThresholdedRelu: between((v) => v.g.emit('Greater', [v.input(0), v.node.attributes.alpha ?? 1])),
  Clip: between((v) => v.g.emit('Equal', [v.input(0), v.node.outputs[0]])),
  // α·eˣ = y + α
  Elu: belowZero((v) => v.g.add(v.node.outputs[0], v.node.attributes.alpha ?? 1)),
  Selu: belowZero(
    ({ g, node: { outputs, attributes: a } }) =>
      g.add(outputs[0], (a.alpha ?? SELU.alpha) * (a.gamma ?? SELU.gamma)),
    (v) => v.node.attributes.gamma ?? SELU.gamma,
  ),
  Celu: belowZero((v) => v.g.emit('Exp', [v.g.div(v.input(0), v.node.attributes.alpha ?? 1)])),
  Sigmoid: pointwise((v) => v.g.mul(v.node.outputs[0], v.g.sub(1, v.node.outputs[0]))),
  HardSigmoid: between(
    ({ g, node: { outputs } }) =>
      g.emit('And', [g.emit('Greater', [outputs[0], 0]), g.emit('Less', [outputs[0], 1])]),
    (v) => v.g.mul(v.out, v.node.attributes.alpha ?? 0.2),
  ),
  // 0 up to −3, 1 from 3 on, between them x/3 + 1/2.
  HardSwish: pointwise((v) => {
    const [x] = v.node.inputs;
    const ends = v.g.cast(v.g.emit('Greater', [x, 0]), v.g.type(x).dtype);
    const middle = v.g.add(v.g.div(x, 3), 0.5);
    return v.g.where(v.g.emit('Less', [v.g.emit('Abs', [x]), 3]), middle, ends);
  }),
  // t + x·(1 − t²)·σ(x), t = tanh(softplus(x))
  Mish: pointwise((v) => {
    const { g } = v;
    const [x] = v.node.inputs;
    const t = g.emit('Tanh', [g.emit('Softplus', [x])]);
    return g.add(t, g.mul(g.mul(x, g.sub(1, g.mul(t, t))), logistic(g, x)));
  }),
  Softplus: pointwise((v) => logistic(v.g, v.input(0))),
  // 1 / (1 + |x|)²
  Softsign: pointwise((v) => {
    const root = v.g.emit('Reciprocal', [v.g.add(v.g.emit('Abs', [v.input(0)]), 1)]);
    return v.g.mul(root, root);
  }),
  Tanh: pointwise((v) => v.g.sub(1, v.g.mul(v.node.outputs[0], v.node.outputs[0]))),
  // 2/√π · e^(−x²)
  Erf: pointwise((v) => {
    const bell = v.g.emit('Exp', [v.g.neg(v.g.mul(v.input(0), v.input(0)))]);
    return v.g.mul(bell, 2 / Math.sqrt(Math.PI));
  }),
} satisfies Partial<ReverseTable>;
