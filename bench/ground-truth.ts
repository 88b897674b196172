// npm run bench:ground-truth: trains on planted events, and writes how much relevance lies there into docs/ground-truth.md.
import { readFile, writeFile } from 'node:fs/promises';
import { MethodError } from '../src/errors.ts';
import type { Graph } from '../src/graph/types.ts';
import { DEFAULT_METHOD, methods } from '../src/relevance/method.ts';
import { svgToPng } from '../src/report/png.ts';
import { type Case, casesOf, relevanceOf, type Score, scoreOf } from './ground-truth/measure.ts';
import { pictureOf } from './ground-truth/picture.ts';
import { SUBJECTS, type Subject, trained } from './ground-truth/subjects.ts';
import { type Column, kindTable, percent, scoreTable, withPart } from './ground-truth/table.ts';
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

const columns: Column[] = [];
for (const subject of SUBJECTS) {
  const { name, steps } = subject;
  const { graph, accuracy } = await trained(subject, {
    test: TEST_CLIPS,
    progress: (step, loss) => {
      if (step % 100 === 0) say(`${name}: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
    },
  });
  say(`${name}: ${percent(accuracy)} of ${TEST_CLIPS} fresh clips right`);
  const cases = await casesOf(subject, graph, EXPLAINED);
  columns.push({ name, accuracy, scores: await scoresOf(subject, graph, cases) });
  if (subject.settings.kind === 'logmel') await draw(subject, graph, cases);
}
const scores = scoreTable(columns);
const kinds = kindTable(
  columns,
  KINDS.map(({ label }) => label),
  DEFAULT_METHOD,
);
const before = await readFile(DOCUMENT, 'utf8');
await writeFile(DOCUMENT, withPart(withPart(before, 'scores', scores), 'kinds', kinds));
console.log(`${scores}\n\n${kinds}`);

/** Of what knows nothing, of the power itself, and of every method; null where one is not for this model. */
async function scoresOf(subject: Subject, graph: Graph, cases: readonly Case[]) {
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
      rows.set(text, scoreOf(await relevanceOf(subject, graph, text, cases), cases));
    } catch (error) {
      if (!(error instanceof MethodError)) throw error;
      rows.set(text, null);
    }
    const score = rows.get(text);
    say(`${subject.name}: ${text} ${score ? percent(score.mass) : 'is not for this model'}`);
  }
  return rows;
}

/** A chirp by the default method, and by the one that is worst. */
async function draw(subject: Subject, graph: Graph, cases: readonly Case[]): Promise<void> {
  const shown = cases.filter(({ clip }) => KINDS[clip.label].label === 'chirp').slice(0, 1);
  const maps = await Promise.all(
    [DEFAULT_METHOD, 'occlusion'].map(async (name) => {
      const [relevance] = await relevanceOf(subject, graph, name, shown);
      return [name, relevance] as const;
    }),
  );
  await writeFile(PICTURE, svgToPng(pictureOf(shown[0], maps).svg));
}
