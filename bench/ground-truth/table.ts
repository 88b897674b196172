// The scores of all methods as tables of a document.
import type { Score } from './measure.ts';

/** What came of one model. */
export interface Column {
  readonly name: string;
  /** Share of fresh clips that it names rightly. */
  readonly accuracy: number;
  /** By row; null where the method is not for this model. */
  readonly scores: ReadonlyMap<string, Score | null>;
}

export const percent = (share: number | null) => (share === null ? '–' : `${(100 * share).toFixed(1)} %`);
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** A row for each method; two columns for each model, the share of positive relevance inside and the rank accuracy. */
export function scoreTable(columns: readonly Column[]): string {
  const head = columns.flatMap(({ name }) => [`${name}: inside`, 'rank']);
  const rows = [...columns[0].scores.keys()].map((row) => {
    const cells = columns.flatMap(({ scores }) => {
      const score = scores.get(row);
      return score ? [percent(score.mass), percent(score.rank)] : ['–', '–'];
    });
    return line([row, ...cells]);
  });
  return [line(['', ...head]), line(['---', ...head.map(() => '---:')]), ...rows].join('\n');
}

/** A row for each model: its accuracy, and the share inside of one method by kind of event. */
export function kindTable(columns: readonly Column[], kinds: readonly string[], method: string): string {
  const head = ['model', 'fresh clips right', ...kinds.map((kind) => `${kind}: inside`)];
  const rows = columns.map(({ name, accuracy, scores }) =>
    line([name, percent(accuracy), ...(scores.get(method)?.byKind ?? []).map(percent)]),
  );
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows].join('\n');
}

/** A document with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
export function withPart(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [document.indexOf(begin) + begin.length, document.indexOf(end)];
  return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(to)}`;
}
