// The gradient of convolutions, dense layers, pooling and what normalises over axes.

import { GraphError } from '../../errors.ts';
import {
  averagePoolAdjoint,
  convAdjoint,
  convTransposeAdjoint,
  maxPoolBackward,
  maxPoolForward,
  transposedWindow,
} from '../adjoint.ts';
import { affineBackward, batchNormBackward, batchNormForward, channelAxes } from '../batch-norm.ts';
import { unbroadcast } from '../broadcasting.ts';
import type { GraphBuilder } from '../builder.ts';
import { axisOf, staticDims } from '../dims.ts';
import { convFilterAdjoint } from '../filter-adjoint.ts';
import type { OpName } from '../ops.ts';
import type { ReverseTable, Visit } from '../reverse.ts';
import type { Node } from '../types.ts';
import { tensor } from '../types.ts';
import { reversed } from '../window.ts';
import { back, expandedLike } from './common.ts';

export const LINEAR = {
  Conv: {
    backward: (v) => {
      const group = v.node.attributes.group ?? 1;
      const [x, weight] = v.node.inputs;
      const w = v.window(staticDims(v.shape(1).slice(2), v.where));
      return [
        v.needs(0) ? convAdjoint(v.g, v.out, weight, w, group) : undefined,
        v.needs(1) ? convFilterAdjoint(v.g, x, v.out, weight, w, group) : undefined,
        v.needs(2) ? v.g.reduceSum(v.out, channelAxes(v.shape(0)), 0) : undefined,
      ];
    },
  },
  // The adjoint of a transposed convolution is the convolution itself, with the same kernel.
  ConvTranspose: {
    backward: (v) => {
      const group = v.node.attributes.group ?? 1;
      const w = transposedWindow(v.g, v.node);
      const [x, weight] = v.node.inputs;
      return [
        v.needs(0) ? convTransposeAdjoint(v.g, v.out, weight, w, group) : undefined,
        v.needs(1) ? convFilterAdjoint(v.g, v.out, x, weight, reversed(w), group) : undefined,
        v.needs(2) ? v.g.reduceSum(v.out, channelAxes(v.shape(0)), 0) : undefined,
      ];
    },
  },
  Gemm: {
    backward: (v) => {
      const { alpha = 1, beta = 1, transA = 0, transB = 0 } = v.node.attributes;
      const [a, b] = v.node.inputs;
      const gemm = (x: string, y: string, tx: number, ty: number) =>
        v.g.emit('Gemm', [x, y], { alpha, transA: tx, transB: ty });
      return [
        v.needs(0) ? (transA ? gemm(b, v.out, transB, 1) : gemm(v.out, b, 0, transB ? 0 : 1)) : undefined,
        v.needs(1) ? (transB ? gemm(v.out, a, 1, transA) : gemm(a, v.out, transA ? 0 : 1, 0)) : undefined,
        v.needs(2) ? unbroadcast(v.g, beta === 1 ? v.out : v.g.mul(v.out, beta), v.shape(2)) : undefined,
      ];
    },
  },
  MatMul: {
    backward: (v) => {
      if (v.shape(0).length < 2 || v.shape(1).length < 2) {
        throw new GraphError(`the gradient of ${v.where} with a vector operand is not supported`);
      }
      const swapped = (name: string) => {
        const rank = v.g.shape(name).length;
        return v.g.transpose(name, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
      };
      const [a, b] = v.node.inputs;
      return [
        v.needs(0) ? unbroadcast(v.g, v.g.emit('MatMul', [v.out, swapped(b)]), v.shape(0)) : undefined,
        v.needs(1) ? unbroadcast(v.g, v.g.emit('MatMul', [swapped(a), v.out]), v.shape(1)) : undefined,
      ];
    },
  },

  MaxPool: { forward: maxPoolForward, backward: (v) => [maxPoolBackward(v.g, v.node, v.saved, v.out)] },
  AveragePool: {
    backward: (v) => [
      averagePoolAdjoint(
        v.g,
        v.out,
        v.window(),
        v.shape(0)[1] as number,
        v.node.attributes.count_include_pad === 1,
      ),
    ],
  },
  GlobalAveragePool: back((v) => expandedLike(v.g, v.g.mul(v.out, 1 / positions(v)), v.input(0))),
  GlobalMaxPool: {
    backward: (v) => {
      const [n, c] = [-1, v.shape(0)[1] as number];
      const flat = v.g.reshape(v.input(0), [n, c, positions(v)]);
      const winner = v.g.emit('ArgMax', [flat], { axis: 2, keepdims: 1 });
      const zeros = v.g.filledLike(0, flat);
      const shares = v.g.reshape(v.out, [n, c, 1]);
      const scattered = v.g.emit('ScatterElements', [zeros, winner, shares], { axis: 2 });
      return [v.g.reshape(scattered, [n, c, ...staticDims(v.shape(0).slice(2), v.where)])];
    },
  },

  BatchNormalization: {
    forward: (g, node) => (node.attributes.training_mode ? batchNormForward(g, node) : untouched(g, node)),
    backward: (v) => (v.node.attributes.training_mode ? batchNormBackward(v) : affineBackward(v)),
  },
  // d = bias + α/size·B x², B sums over neighbouring channels: r·d^−β − 2αβ/size · x·B(r·y/d)
  LRN: {
    backward: (v) => {
      const { alpha = 1e-4, beta = 0.75, bias = 1, size = 1 } = v.node.attributes;
      const { g } = v;
      const channels = v.shape(0)[1] as number;
      const flat = (name: string) => g.reshape(name, [-1, channels, positions(v)]);
      const [x, y, r] = [v.input(0), v.node.outputs[0], v.out].map(flat);
      const { dtype } = g.type(x);
      const neighbours = tensor(band(channels, (size - 1) / 2), [channels, channels], dtype);
      const d = g.add(g.mul(g.emit('MatMul', [neighbours, g.mul(x, x)]), alpha / size), bias);
      const shared = g.emit('MatMul', [neighbours, g.div(g.mul(r, y), d)]);
      const back = g.mul(shared, (2 * alpha * beta) / size);
      const adjoint = g.sub(g.mul(r, g.emit('Pow', [d, -beta])), g.mul(x, back));
      return [g.reshape(adjoint, [-1, channels, ...staticDims(v.shape(0).slice(2), v.where)])];
    },
  },
  // y ⊙ (r − Σ r⊙y)
  Softmax: {
    backward: (v) => {
      const [y] = v.node.outputs;
      const axis = axisOf(v.node.attributes.axis ?? -1, v.shape(0).length, v.where);
      return [v.g.mul(y, v.g.sub(v.out, v.g.reduceSum(v.g.mul(v.out, y), [axis])))];
    },
  },
  // r − softmax(x)·Σ r
  LogSoftmax: {
    backward: (v) => {
      const axis = axisOf(v.node.attributes.axis ?? -1, v.shape(0).length, v.where);
      return [v.g.sub(v.out, v.g.mul(v.g.emit('Exp', [v.node.outputs[0]]), v.g.reduceSum(v.out, [axis])))];
    },
  },
} satisfies Partial<ReverseTable>;

/** Global pooling spreads over all positions. */
function positions(v: Visit<OpName>): number {
  return staticDims(v.shape(0).slice(2), v.where).reduce((n, d) => n * d, 1);
}

function untouched(g: GraphBuilder, node: Node): Record<string, string> {
  g.node(node);
  return {};
}

/** 1 where row and column are at most `reach` apart, [size, size]. */
function band(size: number, reach: number): number[] {
  return Array.from({ length: size * size }, (_, i) =>
    Number(Math.abs((i % size) - Math.floor(i / size)) <= reach),
  );
}
