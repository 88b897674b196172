// npm run bench:ground-truth: trains on planted events, and writes how much relevance lies there into docs/ground-truth.md.
import { readFile, writeFile } from 'node:fs/promises';
import { MethodError } from '../src/errors.ts';
import type { Graph } from '../src/graph/types.ts';
import { defaultMethodOf } from '../src/hertz/default-method.ts';
import { parseComposite } from '../src/relevance/composite.ts';
import { DEFAULT_METHOD, methods, parseMethod } from '../src/relevance/method.ts';
import { svgToPng } from '../src/report/png.ts';
import { type Half, halvesOf } from './ground-truth/halves.ts';
import { type Case, casesOf, relevanceOf, type Score, scoreOf } from './ground-truth/measure.ts';
import { pictureOf } from './ground-truth/picture.ts';
import { SUBJECTS, type Subject, trained } from './ground-truth/subjects.ts';
import {
  type Column,
  firstLayerTable,
  halvesTable,
  kindTable,
  percent,
  scoreTable,
  withPart,
} from './ground-truth/table.ts';
import { KINDS } from './ground-truth/task.ts';

const TEST_CLIPS = 1000;
const EXPLAINED = 48;
/** Loops with few steps. */
const PARAMETERS: Readonly<Record<string, string>> = {
  'integrated-gradients': ':steps=8',
  smoothgrad: ':samples=8',
};
const DOCUMENT = new URL('../docs/ground-truth.md', import.meta.url);
const PICTURE = new URL('../docs/ground-truth.png', import.meta.url);

const start = performance.now();
const say = (text: string) => {
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  process.stderr.write(`${seconds.padStart(4)} s  ${text}\n`);
};

/** Rules that the first layer is given while the others keep theirs, and those that the others are given. */
const FIRST = ['epsilon', 'gamma', 'alpha2-beta1', 'zplus', 'flat'];
const OTHERS = ['epsilon', 'zplus'];

const columns: Column[] = [];
const byFirst: { name: string; byRules: Map<string, Score[]> }[] = [];
let halves: Half[] = [];
for (const subject of SUBJECTS) {
  const { name, steps } = subject;
  const { graph, accuracy } = await trained(subject, {
    test: TEST_CLIPS,
    progress: (step, loss) => {
      if (step % 100 === 0) say(`${name}: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
    },
  });
  say(`${name}: ${percent(accuracy)} of ${TEST_CLIPS} fresh clips right`);
  const { kind } = subject.settings;
  for (const plane of kind === 'logmel' ? (['bands', 'hertz'] as const) : (['hertz'] as const)) {
    const cases = await casesOf(subject, graph, EXPLAINED, plane);
    const shown = kind === 'logmel' && plane === 'hertz' ? `${name} → Hz` : name;
    const scores = await scoresOf(subject, graph, cases, shown);
    columns.push({ name: shown, method: defaultMethodOf(kind), accuracy, scores });
    if (plane === 'bands') await draw(subject, graph, cases);
    else byFirst.push({ name: shown, byRules: await byRulesOf(subject, graph, cases) });
    if (kind === 'waveform') halves = await halvesOf(subject, graph, cases);
  }
}
const parts = {
  scores: scoreTable(columns),
  kinds: kindTable(
    columns,
    KINDS.map(({ label }) => label),
  ),
  'first-layer': firstLayerTable(byFirst, OTHERS),
  halves: halvesTable(halves),
};
let document = await readFile(DOCUMENT, 'utf8');
for (const [name, table] of Object.entries(parts)) document = withPart(document, name, table);
await writeFile(DOCUMENT, document);
console.log(Object.values(parts).join('\n\n'));

/** Of what knows nothing, of the power itself, and of every method; null where one is not for this model. */
async function scoresOf(subject: Subject, graph: Graph, cases: readonly Case[], shown: string) {
  const even = cases.map(({ region }) => ({ ...region, data: region.data.map(() => 1) }));
  const chance = scoreOf(even, cases);
  const rows = new Map<string, Score | null>([
    // Of K cells drawn blindly, the same share lies inside.
    ['*chance: the same everywhere*', { ...chance, rank: chance.mass as number }],
    [
      '*energy: the power itself*',
      scoreOf(
        cases.map(({ energy }) => energy),
        cases,
      ),
    ],
  ]);
  for (const { name } of methods()) {
    const text = name + (PARAMETERS[name] ?? '');
    try {
      rows.set(text, scoreOf(await relevanceOf(subject, graph, parseMethod(text), cases), cases));
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      rows.set(text, null);
    }
    const score = rows.get(text);
    say(`${shown}: ${text} ${score ? percent(score.mass) : 'is not for this model'}`);
  }
  return rows;
}

/** By rule of the first layer and, in their order, of the others. */
async function byRulesOf(subject: Subject, graph: Graph, cases: readonly Case[]) {
  const byRules = new Map<string, Score[]>();
  for (const first of FIRST) {
    for (const base of OTHERS) {
      const method = parseComposite({ base, rules: [{ position: 'first', rule: first }] });
      const score = scoreOf(await relevanceOf(subject, graph, method, cases), cases);
      byRules.set(first, [...(byRules.get(first) ?? []), score]);
    }
  }
  return byRules;
}

/** A chirp by the default method, and by the one that is worst. */
async function draw(subject: Subject, graph: Graph, cases: readonly Case[]): Promise<void> {
  const shown = cases.filter(({ clip }) => KINDS[clip.label].label === 'chirp').slice(0, 1);
  const maps = await Promise.all(
    [DEFAULT_METHOD, 'occlusion'].map(async (name) => {
      const [relevance] = await relevanceOf(subject, graph, parseMethod(name), shown);
      return [name, relevance] as const;
    }),
  );
  await writeFile(PICTURE, svgToPng(pictureOf(shown[0], maps).svg));
}
