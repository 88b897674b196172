// Ops that files hold and graphs do not, in terms of those that they do: newer ones, shorthands, a scaler of scikit-learn's.
import { onnxDType } from '../dtypes.ts';
import type { OpName } from '../ops.ts';
import type { DType, Node, Tensor } from '../types.ts';
import { scalar, tensor } from '../types.ts';

export type RawAttributes = Record<string, number | string | number[] | Tensor>;

/** A node as the file has it. */
export interface RawNode {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<RawAttributes>;
}

/** Where a lowered node's parts go, and what is known of its inputs. */
export interface Lowering {
  readonly node: RawNode;
  dtype(input: number): DType;
  /** Emits a node and names its output after the whole; the last one emitted without a suffix is the result. */
  emit(
    op: OpName,
    inputs: readonly (string | Tensor)[],
    attributes?: Readonly<Record<string, unknown>>,
    suffix?: string,
  ): string;
}

const SQRT_HALF = Math.SQRT1_2;
/** √(2/π) and the cubic term of Hendrycks and Gimpel's approximation (arXiv:1606.08415). */
const TANH = { scale: Math.sqrt(2 / Math.PI), cubic: 0.044715 };

/** By domain and op. */
export const LOWERED: Readonly<Record<string, (x: Lowering) => void>> = {
  /** x · ½ (1 + erf(x / √2)), or with tanh for erf. */
  Gelu: ({ node, dtype, emit }) => {
    const [x] = node.inputs;
    const constant = (value: number) => scalar(value, dtype(0));
    let bounded: string;
    if (node.attributes.approximate === 'tanh') {
      const cube = emit('Pow', [x, constant(3)], {}, 'cube');
      const cubic = emit('Mul', [cube, constant(TANH.cubic)], {}, 'cubic');
      const sum = emit('Add', [x, cubic], {}, 'sum');
      bounded = emit('Tanh', [emit('Mul', [sum, constant(TANH.scale)], {}, 'scaled')], {}, 'tanh');
    } else {
      bounded = emit('Erf', [emit('Mul', [x, constant(SQRT_HALF)], {}, 'scaled')], {}, 'erf');
    }
    const twice = emit('Add', [bounded, constant(1)], {}, 'twice');
    emit('Mul', [x, emit('Mul', [twice, constant(0.5)], {}, 'gate')]);
  },
  Mean: ({ node, dtype, emit }) => {
    const sum = emit('Sum', node.inputs, {}, 'sum');
    emit('Mul', [sum, scalar(1 / node.inputs.length, dtype(0))]);
  },
  ConstantOfShape: ({ node, emit }) => {
    const { value } = node.attributes;
    const filling = typeof value === 'object' && 'data' in value ? value : scalar(0);
    emit('Expand', [tensor(filling.data, [], filling.dtype), node.inputs[0]]);
  },
  CastLike: ({ node, dtype, emit }) => {
    emit('Cast', [node.inputs[0]], { to: onnxDType(dtype(1)) });
  },
  /** (x − offset) · scale */
  'ai.onnx.ml.Scaler': ({ node, emit }) => {
    const { offset = [0], scale = [1] } = node.attributes as Record<string, number[] | undefined>;
    emit('Mul', [emit('Sub', [node.inputs[0], tensor(offset)], {}, 'centred'), tensor(scale)]);
  },
};

/** Runs a lowering; gives the nodes and constants that stand for the node. */
export function lower(
  node: RawNode,
  how: (x: Lowering) => void,
  dtype: (input: string) => DType,
): { nodes: Node[]; constants: Map<string, Tensor> } {
  const nodes: Node[] = [];
  const constants = new Map<string, Tensor>();
  const [result] = node.outputs;
  how({
    node,
    dtype: (i) => dtype(node.inputs[i]),
    emit: (op, inputs, attributes = {}, suffix) => {
      const output = suffix === undefined ? result : `${result}/${suffix}`;
      const names = inputs.map((input, i) => {
        if (typeof input === 'string') return input;
        constants.set(`${output}/${i}`, input);
        return `${output}/${i}`;
      });
      const name = suffix === undefined ? node.name : `${node.name}/${suffix}`;
      nodes.push({ op, name, inputs: names, outputs: [output], attributes } as Node);
      return output;
    },
  });
  return { nodes, constants };
}
