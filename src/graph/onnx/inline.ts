// Bodies in place of what calls them: a model's own functions, and the branch of an If that is always taken.
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { GraphError } from '../../errors.ts';

const keyOf = ({ domain, overload }: { domain: string; overload: string }, name: string) =>
  [domain, name, overload].join(':');

/** Nodes with every call of a local function replaced by its body, functions within functions too. */
export function inlineFunctions(
  nodes: readonly NodeProto[],
  functions: readonly FunctionProto[],
  calling: readonly string[] = [],
): NodeProto[] {
  if (functions.length === 0) return [...nodes];
  const bodies = new Map(functions.map((f) => [keyOf(f, f.name), f]));
  return nodes.flatMap((node) => {
    const key = keyOf(node, node.opType);
    const body = bodies.get(key);
    if (!body) return [node];
    if (calling.includes(key)) throw new GraphError(`function ${body.name} calls itself`);
    return inlineFunctions(callOf(node, body), functions, [...calling, key]);
  });
}

/** The body of a function under the caller's names, with the caller's attributes. */
function callOf(node: NodeProto, body: FunctionProto): NodeProto[] {
  const names = new Map<string, string>([['', '']]);
  body.input.forEach((name, i) => {
    names.set(name, node.input[i] ?? '');
  });
  body.output.forEach((name, i) => {
    if (node.output[i]) names.set(name, node.output[i]);
  });
  const attributes = new Map([...body.attributeProto, ...node.attribute].map((a) => [a.name, a]));
  return renamed(body.node, `${node.name || node.output[0]}/`, names, attributes);
}

/** The nodes of a subgraph under names of their own, where the values it gives get the names of those that are asked for. */
export function bodyOf(graph: GraphProto, prefix: string, outputs: readonly string[]): NodeProto[] {
  const names = new Map(graph.initializer.map(({ name }) => [name, prefix + name]));
  const nodes = renamed(graph.node, prefix, names, undefined);
  const results = graph.output.map(({ name }, i) => identity(names.get(name) ?? name, outputs[i], prefix));
  return [...nodes, ...results];
}

const identity = (from: string, to: string, prefix: string): NodeProto =>
  create(NodeProtoSchema, { opType: 'Identity', name: prefix + to, input: [from], output: [to] });

/**
 * Copies of nodes whose values have other names: those given, and the prefix before all others that the nodes make.
 * @param names grows by the names that were made
 * @param attributes what attributes of the function stand for; undefined outside of functions
 */
function renamed(
  nodes: readonly NodeProto[],
  prefix: string,
  names: Map<string, string>,
  attributes: ReadonlyMap<string, AttributeProto> | undefined,
): NodeProto[] {
  return nodes.map((node) => {
    const input = node.input.map((name) => names.get(name) ?? name);
    for (const name of node.output) if (name && !names.has(name)) names.set(name, prefix + name);
    return changed(node, {
      name: prefix + (node.name || node.output[0]),
      input,
      output: node.output.map((name) => names.get(name) ?? name),
      attribute: node.attribute.flatMap((a) => bound(a, prefix, names, attributes)),
    });
  });
}

/** An attribute of a node in a body: the caller's where it refers to one, its subgraph renamed too. */
function bound(
  attribute: AttributeProto,
  prefix: string,
  names: ReadonlyMap<string, string>,
  attributes: ReadonlyMap<string, AttributeProto> | undefined,
): AttributeProto[] {
  if (attribute.refAttrName && attributes) {
    const given = attributes.get(attribute.refAttrName);
    return given ? [changed(given, { name: attribute.name })] : [];
  }
  if (!attribute.g) return [attribute];
  const inner = new Map(names);
  for (const { name } of attribute.g.initializer) inner.set(name, prefix + name);
  const node = renamed(attribute.g.node, prefix, inner, attributes);
  const named = <T extends { name: string }>(x: T): T =>
    changed(x as { name: string }, { name: inner.get(x.name) ?? x.name }) as T;
  const { initializer, output } = attribute.g;
  const g = changed(attribute.g, { node, initializer: initializer.map(named), output: output.map(named) });
  return [changed(attribute, { g })];
}

/** A copy of a message with other values in some fields; its defaults lie in its prototype. */
function changed<T extends object>(message: T, fields: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message)), message, fields);
}
