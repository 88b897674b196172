// Writes a drawn network's nodes as ONNX nodes, in the forms that exporters give them.
import type { GraphBuilder } from '../../src/graph/builder.ts';
import { int64s, scalar, tensor } from '../../src/graph/types.ts';
import type { TwinLayer } from './twin-layers.ts';
import type { TwinNode } from './twin-merge.ts';

export class Exporter {
  private readonly g: GraphBuilder;
  /** Results of Splits, by the value that is split. */
  private readonly splits = new Map<string, readonly string[]>();

  constructor(g: GraphBuilder) {
    this.g = g;
  }

  /** @param values names of the clip and of the results so far */
  emit({ name, layer, inputs }: TwinNode, values: readonly string[]): string {
    return this.node(
      layer,
      inputs.map((i) => values[i]),
      name,
    );
  }

  private node(layer: TwinLayer, inputs: readonly string[], name: string): string {
    const { g } = this;
    const [x] = inputs;
    const behind = (axes: readonly number[]) => axes.map((a) => a + 1);
    switch (layer.kind) {
      case 'conv':
      case 'convtranspose': {
        const operands = [x, this.constant(layer.weight, layer.dims), ...this.bias(layer.bias)];
        const { dilations, group } = layer;
        const attributes = { ...window(layer), dilations, group, kernel_shape: layer.dims.slice(2) };
        return layer.kind === 'conv'
          ? g.emit('Conv', operands, attributes, name)
          : g.emit('ConvTranspose', operands, { ...attributes, output_padding: layer.outputPadding }, name);
      }
      case 'dense':
        return this.dense(layer, x, name);
      case 'batchnorm': {
        const operands = [layer.gamma, layer.beta, layer.mean, layer.variance].map((v) => this.constant(v));
        return g.emit('BatchNormalization', [x, ...operands], { epsilon: layer.epsilon }, name);
      }
      case 'constant': {
        const value = this.constant(layer.value, layer.shape);
        return g.emit(layer.op, layer.flipped ? [value, x] : [x, value], {}, name);
      }
      case 'activation':
        if (layer.op === 'ClipHalf' || layer.op === 'Clip6') {
          return g.emit('Clip', [x, scalar(0), scalar(layer.op === 'Clip6' ? 6 : 0.5)], {}, name);
        }
        return g.emit(layer.op, [x], {}, name);
      case 'prelu': {
        const lead = g.shape(x).slice(2);
        return g.emit(
          'PRelu',
          [x, this.constant(layer.slope, [layer.slope.length, ...lead.map(() => 1)])],
          {},
          name,
        );
      }
      case 'lrn': {
        const { size, alpha, beta, bias } = layer;
        return g.emit('LRN', [x], { size, alpha, beta, bias }, name);
      }
      case 'maxpool': {
        const attributes = { ...window(layer), kernel_shape: layer.kernel };
        return g.emit('MaxPool', [x], layer.ceil ? { ...attributes, ceil_mode: 1 } : attributes, name);
      }
      case 'averagepool': {
        const count_include_pad = layer.countIncludePad ? 1 : 0;
        return g.emit(
          'AveragePool',
          [x],
          { ...window(layer), kernel_shape: layer.kernel, count_include_pad },
          name,
        );
      }
      case 'globalmax':
        return g.emit('GlobalMaxPool', [x], {}, name);
      case 'globalaverage':
        return g.emit('GlobalAveragePool', [x], {}, name);
      case 'reduce': {
        const keepdims = layer.keepdims ? 1 : 0;
        return g.emit(layer.op, [x, int64s(behind(layer.axes))], { keepdims }, name);
      }
      case 'sum':
      case 'extreme':
        return g.emit(layer.op, inputs, {}, name);
      case 'product':
        return g.emit('Mul', inputs, {}, name);
      case 'concat':
        return g.emit('Concat', inputs, { axis: layer.axis + 1 }, name);
      case 'slice': {
        const [start, end, axis, step] = [layer.start, layer.end, layer.axis + 1, layer.step].map((v) =>
          int64s([v]),
        );
        return g.emit('Slice', [x, start, end, axis, step], {}, name);
      }
      case 'piece': {
        const names = layer.sizes.map((_, i) => `${name}_${i}`);
        const parts =
          this.splits.get(x) ?? g.emitAll('Split', [x, int64s(layer.sizes)], { axis: layer.axis + 1 }, names);
        this.splits.set(x, parts);
        return parts[layer.index];
      }
      case 'pad': {
        const pads = int64s([0, ...layer.begin, 0, ...layer.end]);
        return layer.mode === 'constant'
          ? g.emit('Pad', [x, pads, scalar(layer.value)], {}, name)
          : g.emit('Pad', [x, pads], { mode: layer.mode }, name);
      }
      case 'transpose':
        return g.emit('Transpose', [x], { perm: [0, ...behind(layer.perm)] }, name);
      case 'reshape':
        return g.emit('Reshape', [x, int64s([-1, ...layer.dims])], {}, name);
      case 'expand':
        return g.emit('Expand', [x, int64s([1, ...layer.dims])], {}, name);
      case 'dropout':
        return g.emit('Dropout', [x], {}, name);
      case 'flatten':
        return this.flatten(x, name);
      case 'final':
        return layer.op === 'Sigmoid'
          ? g.emit('Sigmoid', [x], {}, name)
          : g.emit(layer.op, [x], { axis: -1 }, name);
    }
  }

  private constant(data: readonly number[], extents: readonly number[] = [data.length]): string {
    return this.g.constant(tensor(Float32Array.from(data), extents));
  }

  private bias(values: readonly number[] | undefined): string[] {
    return values ? [this.constant(values)] : [];
  }

  /** Gemm where there is a bias; MatMul where there is none, with an Add behind it on more axes than one. */
  private dense(
    { weight, bias, units }: Extract<TwinLayer, { kind: 'dense' }>,
    x: string,
    name: string,
  ): string {
    const { g } = this;
    const width = weight.length / units;
    const isVector = g.shape(x).length === 2;
    if (bias && isVector) {
      return g.emit(
        'Gemm',
        [x, this.constant(weight, [units, width]), this.constant(bias)],
        { transB: 1 },
        name,
      );
    }
    const transposed = weight.map((_, i) => weight[(i % units) * width + Math.floor(i / units)]);
    const z = g.emit('MatMul', [x, this.constant(transposed, [width, units])], {}, name);
    return bias ? g.emit('Add', [z, this.constant(bias)], {}, `${name}_bias`) : z;
  }

  private flatten(x: string, name: string): string {
    const { g } = this;
    const positions = g.shape(x).slice(2);
    if (positions.every((d) => d === 1)) {
      return g.emit('Squeeze', [x, int64s(positions.map((_, a) => a + 2))], {}, name);
    }
    return positions.length === 1
      ? g.emit('Flatten', [x], {}, name)
      : g.emit('Reshape', [x, int64s([0, -1])], {}, name);
  }
}

function window({
  strides,
  begin,
  end,
}: Extract<TwinLayer, { kind: 'conv' | 'maxpool' | 'averagepool' | 'convtranspose' }>) {
  return { strides, pads: [...begin, ...end] };
}
