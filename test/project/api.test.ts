// Property of the project: what the public API exports exists, is documented, and is enough for the main job.
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import * as browser from '../../src/browser.ts';
import * as earmark from '../../src/index.ts';
import { untrainedModel } from '../support/earmark.ts';

/** What reads files or calls native code; all else is in the browser entry, too. */
const NODE_ONLY = [
  'BatchThreads',
  'cacheFolder',
  'download',
  'embeddedCorpusPath',
  'fontFaces',
  'hearRecordings',
  'loadCorpus',
  'loadEmbedded',
  'makeFolder',
  'measureRecordings',
  'nodeRuntime',
  'pruneCache',
  'readAudio',
  'readModelFile',
  'readNetwork',
  'readOnnx',
  'readBytes',
  'resolveFolds',
  'resolveSplit',
  'streamAudio',
  'svgToPng',
  'unpack',
  'writeFileAtomic',
];
const BROWSER_ONLY = ['decodeInBrowser', 'decodeWorkerAt', 'wasmAt', 'webRuntime'];

it.each(['index', 'browser'])('every function and class of the %s entry has a TSDoc comment', (entry) => {
  const index = fileURLToPath(new URL(`../../src/${entry}.ts`, import.meta.url));
  const program = ts.createProgram([index], {
    module: ts.ModuleKind.ESNext,
    noResolve: false,
    allowImportingTsExtensions: true,
    noEmit: true,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(index) as ts.SourceFile);
  const exported = checker.getExportsOfModule(module as ts.Symbol).map((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return { name: symbol.name, target };
  });
  expect(exported.length).toBeGreaterThan(80);
  const called = ts.SymbolFlags.Function | ts.SymbolFlags.Class;
  const bare = exported
    .filter(({ target }) => target.flags & called && target.getDocumentationComment(checker).length === 0)
    .map(({ name }) => name);
  expect(bare).toEqual([]);
});

it('is enough to explain a recording', async () => {
  const { decodeModel, encodeModel, explanationFigure, Explainer, loadEmbedded, modelInput, nodeRuntime } =
    earmark;
  const model = decodeModel(encodeModel(untrainedModel()), 'model.onnx');
  const [clip] = (await loadEmbedded()).clips;
  const audio = await earmark.resample(await earmark.readAudio(clip.path), model.features.sampleRate);
  const features = modelInput(audio.samples, model.features);
  const { rows, columns, data } = features;

  const method = earmark.parseMethod('epsilon-plus-flat');
  const explainer = await Explainer.open(nodeRuntime, model.graph, { method });
  const { relevance } = await explainer.explain(Float32Array.from(data), [1, 1, rows, columns]);
  await explainer.release();

  const { svg } = explanationFigure({
    title: clip.label,
    features,
    featureLabel: 'level',
    times: earmark.frameTimes(model.features),
    frequencies: earmark.binFrequencies(model.features),
    relevance: { rows, columns, data: relevance },
  });
  expect(svg).toMatch(/^<svg.+<\/svg>/s);
});

it('is enough to look through a corpus and to hear it', async () => {
  const corpus = await earmark.loadEmbedded();
  const some = { ...corpus, clips: corpus.clips.slice(0, 3) };
  const paths = some.clips.map(({ path }) => path);
  const findings = earmark.audit(some, await earmark.measureRecordings(paths));
  expect(findings.filter(({ kind }) => kind === 'unreadable')).toEqual([]);

  const settings = earmark.defaultFeatures('logmel', 8000, 1);
  const [bins] = earmark.inputShape(settings);
  for (const heard of await earmark.hearRecordings(paths, settings)) {
    expect(heard).toMatchObject({ power: { rows: bins } });
  }
});

it('browsers have all of it that needs no Node', () => {
  const everywhere = Object.keys(earmark).filter((name) => !NODE_ONLY.includes(name));
  expect(Object.keys(browser).sort()).toEqual([...everywhere, ...BROWSER_ONLY].sort());
});
