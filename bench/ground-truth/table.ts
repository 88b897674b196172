// The scores of all methods as tables of a document.
import type { Half } from './halves.ts';
import type { Score } from './measure.ts';

/** What came of one model. */
export interface Column {
  readonly name: string;
  /** What `earmark explain` takes unless told. */
  readonly method: string;
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

/** A row for each model: its accuracy, and the share inside of its default method by kind of event. */
export function kindTable(columns: readonly Column[], kinds: readonly string[]): string {
  const head = ['model', 'method', 'fresh clips right', ...kinds.map((kind) => `${kind}: inside`)];
  const rows = columns.map(({ name, method, accuracy, scores }) =>
    line([name, method, percent(accuracy), ...(scores.get(method)?.byKind ?? []).map(percent)]),
  );
  return [line(head), line(head.map((_, i) => (i < 2 ? '---' : '---:'))), ...rows].join('\n');
}

/** Shares inside, a row for each rule of the first layer, a column for each model and rule of its other layers. */
export function firstLayerTable(
  columns: readonly { readonly name: string; readonly byRules: ReadonlyMap<string, readonly Score[]> }[],
  others: readonly string[],
): string {
  const head = [
    'first layer',
    ...columns.flatMap(({ name }) => others.map((rule) => `${name}: others ${rule}`)),
  ];
  const rows = [...columns[0].byRules.keys()].map((first) =>
    line([
      first,
      ...columns.flatMap(({ byRules }) => (byRules.get(first) ?? []).map(({ mass }) => percent(mass))),
    ]),
  );
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows].join('\n');
}

/** A row for each part of z⁺ of samples. */
export function halvesTable(halves: readonly Half[]): string {
  const rows = halves.map(({ name, share, score }) => line([name, percent(share), percent(score.mass)]));
  return [line(['of z⁺ on samples', 'share of Σ R', 'inside']), '| --- | ---: | ---: |', ...rows].join('\n');
}

/** A document with what stands between `<!-- name -->` and `<!-- /name -->` replaced. */
export function withPart(document: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [document.indexOf(begin) + begin.length, document.indexOf(end)];
  return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(to)}`;
}
