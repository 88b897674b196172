// Property of the project: imports point down the pipeline only, without cycles, and the core runs without Node.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const src = fileURLToPath(new URL('../../src/', import.meta.url));

/** A folder may import itself and those before it. */
const PIPELINE = [
  'files',
  'audio',
  'corpus',
  'features',
  'augmentation',
  'hearing',
  'graph',
  'keras',
  'model',
  'training',
  'relevance',
  'hertz',
  'evaluation',
  'analysis',
  'report',
  'cli',
];
/** What a folder may import beyond (runtime) or short of (the others) its place in the pipeline. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  features: ['corpus', 'files'],
  graph: ['files', 'audio', 'corpus', 'features', 'hearing'],
  keras: ['files', 'audio', 'corpus', 'features', 'hearing'],
  report: ['graph', 'model', 'training', 'relevance'],
};
/** Folders that run in a browser as they are, but for the modules that read files. */
const EVERYWHERE = ['features', 'graph', 'keras', 'model', 'relevance', 'hertz', 'evaluation', 'analysis'];

interface Import {
  from: string;
  /** A path inside src, or a package. */
  to: string;
  inside: boolean;
  /** Erased when compiled. */
  typeOnly: boolean;
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .sort();
const imports = sources.flatMap(importsOf);

function importsOf(from: string): Import[] {
  const text = readFileSync(join(src, from), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm);
  const dynamic = text.matchAll(/\bimport\((\s*)'([^']+)'\)/g);
  return [...statements, ...dynamic].map(([, type, path]) => {
    const inside = path.startsWith('.');
    const to = inside ? posix.normalize(posix.join(dirname(from), path)) : path;
    return { from, to, inside, typeOnly: type?.startsWith('type') ?? false };
  });
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');
const shown = ({ from, to }: Import) => `${from} imports ${to}`;
const within = imports.filter((i) => i.inside && !i.to.startsWith('..'));

it('reads the imports', () => {
  expect(imports.length).toBeGreaterThan(200);
  expect(imports.some((i) => i.typeOnly)).toBe(true);
  expect(within.every((i) => sources.includes(i.to))).toBe(true);
});

it('every folder has its place', () => {
  const folders = [...new Set(sources.map(folderOf))].filter((f) => f !== '');
  expect(folders.filter((f) => f !== 'runtime' && !PIPELINE.includes(f))).toEqual([]);
});

it('imports point down the pipeline', () => {
  const up = within.filter(({ from, to }) => {
    const [a, b] = [folderOf(from), folderOf(to)];
    if (a === '' || to === 'errors.ts') return false;
    if (a === 'runtime') return !['runtime', 'graph'].includes(b);
    if (FORBIDDEN[a]?.includes(b)) return true;
    return b !== 'runtime' && PIPELINE.indexOf(b) > PIPELINE.indexOf(a);
  });
  expect(up.map(shown)).toEqual([]);
});

it('nothing inside imports the public API', () => {
  expect(within.filter((i) => i.to === 'index.ts').map(shown)).toEqual([]);
});

it('only the runtime imports ONNX Runtime', () => {
  const others = imports.filter((i) => i.to.startsWith('onnxruntime') && folderOf(i.from) !== 'runtime');
  expect(others.map(shown)).toEqual([]);
});

it('the core does without Node', () => {
  const reads = (path: string) => /\/read(-\w+)?\.ts$/.test(path);
  const bound = imports.filter((i) => i.to.startsWith('node:') && EVERYWHERE.includes(folderOf(i.from)));
  expect(bound.filter((i) => !reads(i.from)).map(shown)).toEqual([]);
  const readers = within.filter((i) => reads(i.to) && EVERYWHERE.includes(folderOf(i.from)));
  expect(readers.map(shown)).toEqual([]);
});

it('there are no cycles, types aside', () => {
  const next = new Map(
    sources.map((path) => [path, within.filter((i) => i.from === path && !i.typeOnly).map((i) => i.to)]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (way.includes(path) || done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of sources) visit(path, []);
  expect(cycles).toEqual([]);
});

it('the browser entry reaches nothing of Node', () => {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const i of imports) if (i.from === path && i.inside && !i.typeOnly) visit(i.to);
  };
  visit('browser.ts');
  expect(reached.size).toBeGreaterThan(60);
  const native = /^node:|^onnxruntime-node|^@resvg/;
  const bound = imports.filter((i) => reached.has(i.from) && !i.typeOnly && native.test(i.to));
  expect(bound.map(shown)).toEqual([]);
});
