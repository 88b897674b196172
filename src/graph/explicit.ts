// Windows with their padding in numbers: runtimes disagree on ceil_mode, auto_pad and output_shape.
import { staticDims } from './dims.ts';
import { inferShapes, type Known } from './shapes.ts';
import type { Graph, Node, NodeOf } from './types.ts';
import { padsOf, span, transposedWindowOf, type Window, windowOf } from './window.ts';

type Spatial = (input: number) => number[];

/**
 * Gives every Conv, ConvTranspose and pool the padding that its auto_pad, ceil_mode or output_shape comes to, as ONNX
 * defines them. Where a window overhangs even its padding, averages that count padding keep ceil_mode, since they would
 * count more.
 */
export function explicitWindows(graph: Graph): Graph {
  const types = inferShapes(graph);
  const nodes = graph.nodes.map((node): Node => {
    const spatial: Spatial = (i) =>
      staticDims((types.get(node.inputs[i]) as Known).shape.slice(2), node.name);
    switch (node.op) {
      case 'Conv':
        return isPlain(node)
          ? node
          : explicitConv(node, windowOf(node.attributes, spatial(1), spatial(0), node.name));
      case 'ConvTranspose': {
        if (isPlain(node) && !node.attributes.output_shape?.length) return node;
        return explicitTransposed(
          node,
          transposedWindowOf(node.attributes, spatial(1), spatial(0), node.name),
        );
      }
      case 'MaxPool':
      case 'AveragePool': {
        if (isPlain(node) && !node.attributes.ceil_mode) return node;
        return explicitPool(
          node,
          windowOf(node.attributes, node.attributes.kernel_shape ?? [], spatial(0), node.name),
        );
      }
      default:
        return node;
    }
  });
  return { ...graph, nodes };
}

function isPlain(node: { readonly attributes: { readonly auto_pad?: string } }): boolean {
  return (node.attributes.auto_pad ?? 'NOTSET') === 'NOTSET';
}

function explicitConv(node: NodeOf<'Conv'>, w: Window): Node {
  return { ...node, attributes: { ...node.attributes, auto_pad: 'NOTSET', pads: padsOf(w) } };
}

function explicitTransposed(node: NodeOf<'ConvTranspose'>, w: Window): Node {
  const { output_shape: _, ...attributes } = node.attributes;
  const unpadded = w.input.map((size, i) => w.strides[i] * (size - 1) + span(w, i));
  const output_padding = w.output.map((size, i) => size - unpadded[i] + w.padsBegin[i] + w.padsEnd[i]);
  return { ...node, attributes: { ...attributes, auto_pad: 'NOTSET', pads: padsOf(w), output_padding } };
}

function explicitPool(node: NodeOf<'MaxPool'> | NodeOf<'AveragePool'>, w: Window): Node {
  const padsEnd = w.output.map((size, i) =>
    Math.max((size - 1) * w.strides[i] + span(w, i) - w.input[i] - w.padsBegin[i], 0),
  );
  const overhangs = padsEnd.some((pad, i) => pad > w.padsEnd[i]);
  const counts = node.op === 'AveragePool' && node.attributes.count_include_pad === 1;
  // ONNX Runtime takes no padding as large as the kernel, which a dilated one may overhang by.
  const refused = padsEnd.some((pad, i) => pad >= w.kernel[i]);
  const attributes =
    overhangs && (counts || refused)
      ? { ...node.attributes, auto_pad: 'NOTSET', pads: padsOf(w) }
      : { ...node.attributes, auto_pad: 'NOTSET', ceil_mode: 0, pads: padsOf({ ...w, padsEnd }) };
  return { ...node, attributes } as Node;
}
