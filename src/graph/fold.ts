// Evaluates what is constant.
import type { Graph } from './types.ts';

export function fold(graph: Graph): Graph {
  return graph;
}
