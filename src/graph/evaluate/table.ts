// What the tables of reference evaluation hold.
import type { Array64 } from '../array64.ts';
import type { Attributes, OpName } from '../ops.ts';
import type { NodeOf } from '../types.ts';

/** The outputs of a node from its inputs, in float64; an omitted optional input is undefined. */
export type Evaluate<K extends OpName> = (
  x: Array64[],
  a: Attributes<K>,
  node: NodeOf<K>,
) => Array64 | Array64[];

export type EvaluateTable = { readonly [K in OpName]: Evaluate<K> };
