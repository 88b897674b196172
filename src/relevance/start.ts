// Where relevance starts: the one-hot of the target class, times its logit or one, less that of another class.
import type { GraphBuilder } from '../graph/builder.ts';
import { int64s } from '../graph/types.ts';

/**
 * @param logits [N, classes]
 * @param target int64 [N]; −1 is the class of the largest logit
 * @param against int64 [N]; −1 is the class of the largest logit beside the target
 * @returns [N, classes]
 */
export function startOf(
  g: GraphBuilder,
  logits: string,
  target: string,
  start: 'logit' | 'one',
  against?: string,
): string {
  const predicted = g.emit('ArgMax', [logits], { axis: 1, keepdims: 1 });
  const chosen = classOf(g, logits, target, predicted);
  const at = (index: string) => {
    const logit = g.emit('GatherElements', [logits, index], { axis: 1 });
    const value = start === 'logit' ? logit : g.filledLike(1, logit);
    return g.emit('ScatterElements', [g.filledLike(0, logits), index, value], { axis: 1 });
  };
  if (against === undefined) return at(chosen);
  const lowest = g.filledLike(-3.4e38, g.emit('GatherElements', [logits, chosen], { axis: 1 }));
  const others = g.emit('ScatterElements', [logits, chosen, lowest], { axis: 1 });
  const runnerUp = g.emit('ArgMax', [others], { axis: 1, keepdims: 1 });
  return g.sub(at(chosen), at(classOf(g, logits, against, runnerUp)));
}

/** The class asked for, [N, 1]; −1 is `standing`, and other negative ones become one that GatherElements refuses. */
function classOf(g: GraphBuilder, logits: string, asked: string, standing: string): string {
  const column = g.emit('Unsqueeze', [asked, int64s([1])]);
  const classes = g.shape(logits)[1] as number;
  const outside = g.where(g.emit('Less', [column, 0]), g.filledLike(classes, column), column);
  return g.where(g.emit('Equal', [column, -1]), standing, outside);
}
